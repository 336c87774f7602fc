"""Opening what a command looks after, for the one thing that it does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mintmark.cli.terminal import missing_extra

if TYPE_CHECKING:
    from mintmark.authorization_server.oauth.service import Service
    from mintmark.authorization_server.settings import Settings
    from mintmark.authorization_server.storage import Database

__all__ = ["KEY_VARIABLE", "database_of", "key_file_named", "key_place", "settings_of", "with_service"]

T = TypeVar("T")

KEY_VARIABLE = "MINTMARK_KEY_ENCRYPTION_KEY"


def settings_of(file: Path | None, database: str | None) -> Settings:
    """Load the settings that the options name.

    :raises ConfigurationError: one line.
    """
    try:
        from mintmark.cli.serving import load
    except ModuleNotFoundError as error:
        raise missing_extra(error, "server") from None
    return load(file, database, defaults={"issuer": "http://127.0.0.1:8700"})


def with_service(
    file: Path | None, database: str | None, work: Callable[[Service, float], Awaitable[T]]
) -> T:
    """Open the service's database and keys, do one thing, and close them."""
    settings = settings_of(file, database)
    from mintmark.authorization_server.assembly import opened

    async def done() -> T:
        async with opened(settings, create=False) as service:
            return await work(service, time.time())

    return asyncio.run(done())


@contextlib.contextmanager
def database_of(settings: Settings) -> Iterator[Database]:
    """Open the database alone: nothing that is due happens to it meanwhile."""
    from mintmark.authorization_server.storage import Database

    database = Database.open(settings.database, create=False)
    try:
        yield database
    finally:
        database.close_now()


def key_file_named(settings: Settings) -> Path | None:
    """Return the file of the key-encryption key, where the settings name one."""
    return Path(settings.key_file) if settings.key_file else None


def key_place(database: Database, settings: Settings) -> str:
    """Say where the key-encryption key is: in the environment, or in which file."""
    from mintmark.authorization_server.keys.sealing import key_file_of

    if os.environ.get(KEY_VARIABLE):
        return f"${KEY_VARIABLE}"
    return str(key_file_of(database, key_file_named(settings)))
