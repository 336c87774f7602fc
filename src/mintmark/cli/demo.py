"""``mintmark demo``: everything on this machine, to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mintmark.cli.terminal import missing_extra

__all__ = ["demo"]


def demo(
    port: Annotated[int, typer.Option(help="The first of four ports in a row on 127.0.0.1.")] = 8700,
    once: Annotated[
        bool, typer.Option("--once", help="Walk the whole story, print each step with its checks, and end.")
    ] = False,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the demo's database, keys and logs in DIR.")
    ] = None,
) -> int:
    """Show it all: sign-in, a browser app, two services.

    Starts the token service with one person, a single-page app, and the services "orders" and "billing",
    and prints what to open. Ctrl-C ends it.
    """
    try:
        from mintmark.demo import run
    except ModuleNotFoundError as error:
        raise missing_extra(error, "demo") from None
    return run(port, once, keep)
