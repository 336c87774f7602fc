"""The options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Alg", "DatabaseUrl", "Json", "SettingsFile", "Token"]

Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Token = Annotated[
    str | None,
    typer.Argument(metavar="[TOKEN|FILE|-]", help="The token, a file that holds it, or - to read it."),
]
Alg = Annotated[
    str | None, typer.Option(metavar="ALG", help="The key's algorithm, where its file does not say.")
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        envvar="MINTMARK_SETTINGS",
        metavar="FILE",
        help="The settings file; ./mintmark.toml if it is there.",
    ),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="sqlite:///file.db or postgresql://user@host/name, instead of the settings'.",
    ),
]
