"""The commands of ``mintmark admin``."""

from __future__ import annotations

import typer

from mintmark.cli.admin import backup, keys, people

__all__ = ["app"]

app = typer.Typer(
    help="Look after a token service: its keys, its people, its database. A running service follows at once."
)
app.add_typer(keys.app, name="keys")
app.add_typer(people.app, name="people")
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
