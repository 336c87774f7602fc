"""The commands of ``mintmark admin``."""

from __future__ import annotations

import typer

from mintmark.cli.admin import apply, backup, clients, keys, people, resources

__all__ = ["app"]

app = typer.Typer(
    help="Look after a token service. Its keys, people, clients, resources and database: a running service "
    "follows at once."
)
app.add_typer(keys.app, name="keys")
app.add_typer(people.app, name="people")
app.add_typer(clients.app, name="clients")
app.add_typer(resources.app, name="resources")
app.command("apply")(apply.apply)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
