"""``mintmark serve``: the token service in one process."""

from __future__ import annotations

import gc
from typing import Annotated

import typer

from mintmark.cli.options import DatabaseUrl, SettingsFile
from mintmark.cli.terminal import missing_extra

__all__ = ["serve"]


def serve(
    settings: SettingsFile = None,
    host: Annotated[
        str | None, typer.Option(help="The address to listen on; that of a loopback issuer, else 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port; that of a loopback issuer, else 8700.")
    ] = None,
    database: DatabaseUrl = None,
    log_level: Annotated[
        str, typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
    ] = "info",
) -> int:
    """Run the token service.

    The first start makes the database, the keys, and an administrator whose password is shown once.
    Everything else is in the settings file and in MINTMARK_* variables, which win over it. Logs are JSON
    lines on standard error.
    """
    gc.disable()  # what a start makes, stays: to look through it for garbage takes a tenth of the time
    try:
        from mintmark.cli.serving import run_server

        return run_server(settings, host, port, database, log_level)
    except ModuleNotFoundError as error:
        raise missing_extra(error, "server") from None
    finally:
        gc.enable()
