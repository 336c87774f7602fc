"""``mintmark admin backup`` and ``restore``: the database as one file, while the service runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mintmark.cli.admin.opening import database_of, key_file_named, key_place, settings_of
from mintmark.cli.options import DatabaseUrl, Json, SettingsFile
from mintmark.cli.terminal import print_json, say
from mintmark.errors import ConfigurationError

if TYPE_CHECKING:
    from mintmark.authorization_server.settings import Settings
    from mintmark.authorization_server.storage import Database

__all__ = ["backup", "restore"]

_File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]
_SQLITE = "sqlite:///"


def backup(
    file: _File, settings: SettingsFile = None, database: DatabaseUrl = None, as_json: Json = False
) -> None:
    """Write one whole moment of the database to a new file. Only you can read it; the service may run.

    The key-encryption key is not in it: keep that too, and apart. PostgreSQL is backed up with pg_dump.
    """
    loaded = settings_of(settings, database)
    from mintmark.authorization_server.storage.backup import back_up

    with database_of(loaded) as opened:
        back_up(opened, file)
        key = key_place(opened, loaded)
    if as_json:
        print_json({"backup": str(file), "key_encryption_key": key})
    else:
        say(f"{file} is written; it opens with the key-encryption key in {key}: keep that too, but apart")


def restore(
    file: _File, settings: SettingsFile = None, database: DatabaseUrl = None, as_json: Json = False
) -> None:
    """Put a backup in the place of the database. The settings say where that is.

    It has to be whole, and never overwrites: move the old database away first, with the service stopped.
    """
    loaded = settings_of(settings, database)
    from mintmark.authorization_server.storage.backup import restore as put_back

    if not loaded.database.startswith(_SQLITE):
        raise ConfigurationError("a PostgreSQL database is restored with pg_restore or psql")
    target = Path(loaded.database.removeprefix(_SQLITE))
    put_back(file, target)
    with database_of(loaded) as opened:  # which brings an older backup up to date
        key, opens = key_place(opened, loaded), _opens(opened, loaded)
    if as_json:
        print_json({"database": str(target), "key_encryption_key": key, "opens": opens})
    elif opens:
        say(f"{target} is restored, and the key-encryption key in {key} opens it")
    else:
        say(f"{target} is restored; before the start, put the key-encryption key that belongs to it in {key}")


def _opens(database: Database, settings: Settings) -> bool:
    """Say whether the key-encryption key at hand is the one that the database was sealed with."""
    from mintmark.authorization_server.keys import ServerSecrets, open_sealer

    try:
        ServerSecrets.load(database, open_sealer(database, key_file=key_file_named(settings)))
    except ConfigurationError:
        return False
    return True
