"""``mintmark admin apply``: bring clients, resources and people to what a file says."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mintmark.cli.admin.changes import tell
from mintmark.cli.admin.opening import database_of, settings_of
from mintmark.cli.admin.secret_files import in_folder
from mintmark.cli.inputs import read_bytes
from mintmark.cli.options import DatabaseUrl, Json, SettingsFile

if TYPE_CHECKING:
    from mintmark.authorization_server.registry.declaring import Declared
    from mintmark.authorization_server.registry.planning import Present, Wanted
    from mintmark.authorization_server.settings import Settings

__all__ = ["apply"]


def apply(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="[[resources]], [[clients]] and [[people]], as TOML.")
    ],
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the difference and stop: 0 if there is none, 1 if there is."),
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove clients and resources that the file does not have.")
    ] = False,
    secrets_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write new client secrets to files there instead of showing them."),
    ] = None,
    settings: SettingsFile = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> int:
    """Bring clients, resources and people to what a file says. All or nothing; the service may run.

    The tables are those of the settings file; what an entry does not say has its default. A new confidential
    client that names no secret gets one, shown once; it keeps it later. People are never removed; a
    password_file is read for those who are new. Run again, it changes nothing.
    """
    loaded = settings_of(settings, database)
    from mintmark.authorization_server.registry.carrying_out import carry_out, look
    from mintmark.authorization_server.registry.declaring import password_of

    said, base = _read(file, loaded)
    files = in_folder(secrets_dir) if secrets_dir is not None else None
    people = {person.key: person for person in said.people}

    def want(present: Present) -> Wanted:
        return _wanted(said, present, prune=prune)

    with database_of(loaded) as opened:
        if dry_run:
            done = look(opened, loaded, want, people)
        else:
            done = carry_out(
                opened,
                loaded,
                want,
                time.time(),
                person_keys=people,
                passwords=lambda key: password_of(people[key], base=base, where=file),
                hold=files.hold if files is not None else None,
            )
    tell(done, as_json=as_json, dry_run=dry_run, files=files.written if files is not None else None)
    return 1 if dry_run and any(change.is_due for change in done.changes) else 0


def _read(file: str, settings: Settings) -> tuple[Declared, Path]:
    """Return what the file says, and the folder that its paths are relative to."""
    from mintmark.authorization_server.registry.declaring import declared
    from mintmark.authorization_server.settings_file import parse_toml, read_toml

    if file == "-":
        data, base = parse_toml(read_bytes("-", "the file"), "-"), Path.cwd()
    else:
        data, base = read_toml(Path(file)), Path(file).resolve().parent
    return declared(data, settings, base=base, where=file), base


def _wanted(said: Declared, present: Present, *, prune: bool) -> Wanted:
    from mintmark.authorization_server.registry.planning import Wanted

    resources = {resource.audience: resource for resource in said.resources}
    clients = {client.client_id: client for client in said.clients}
    return Wanted(
        resources=resources,
        clients=clients,
        people={person.key: person for person in said.people},
        removed_resources=frozenset(present.resources.keys() - resources.keys()) if prune else frozenset(),
        removed_clients=frozenset(present.clients.keys() - clients.keys()) if prune else frozenset(),
        is_whole=True,
    )
