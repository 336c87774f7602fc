"""Bring a database to this version's schema: forward only, and never touch one that is newer."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from mintmark.authorization_server.storage.schema import SCHEMA_VERSION, metadata
from mintmark.errors import ConfigurationError

__all__ = ["bring_up_to_date", "migration_scripts"]

_VERSION_TABLE = "alembic_version"


def migration_scripts() -> Path:
    """The folder of the revisions, inside the installed package."""
    return Path(__file__).parent / "migrations"


def bring_up_to_date(engine: sa.Engine, *, name: str) -> None:
    """Run what is missing in one transaction: of several starting processes, one does it.

    :param name: how messages call the database.
    :raises ConfigurationError: the database was written by a newer version, or is not mintmark's.
    """
    try:
        with engine.begin() as connection:
            version = _version(connection, name)
            if version is None and connection.dialect.name == "sqlite":
                _make(connection)
            elif version != SCHEMA_VERSION:  # the usual start does not even import Alembic
                _upgrade(connection, version, name)
    finally:
        engine.dispose()


def _version(connection: sa.Connection, name: str) -> str | None:
    look = sa.inspect(connection)
    tables = (*look.get_table_names(), *look.get_view_names())
    if _VERSION_TABLE not in tables:
        if tables:
            raise ConfigurationError(f"{name} is another program's database: it has no mintmark schema.")
        return None
    found = connection.execute(sa.text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar()  # noqa: S608
    return None if found is None else str(found)


def _make(connection: sa.Connection) -> None:
    """Make what all revisions together would make, without the time and memory that Alembic takes.

    On PostgreSQL the revisions make more than tables.
    """
    metadata.create_all(connection)
    version = sa.Table(
        _VERSION_TABLE, sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True)
    )
    version.create(connection)
    connection.execute(sa.insert(version), {"version_num": SCHEMA_VERSION})


def _upgrade(connection: sa.Connection, version: str | None, name: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migration_scripts()).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise ConfigurationError(
            f"The database {name} was written by a newer mintmark (schema {version}; this one knows "
            f"{SCHEMA_VERSION}): start that version, or restore a backup."
        )
    command.upgrade(config, "head")
