"""What the token service's tests share: asyncio, a small world on a file of its own, and a PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mintmark.authorization_server.storage import Database

from .storage.backends import MakeUrl, postgresql_server
from .world import World


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy: migrating costs more than most tests."""
    path = tmp_path_factory.mktemp("empty") / "mintmark.db"
    Database.open(f"sqlite:///{path}").close_now()
    return path


@pytest.fixture(scope="session")
def postgresql() -> Iterator[MakeUrl]:
    """A server that starts when the first test asks for it; each call makes an empty database on it."""
    with postgresql_server() as make:
        yield make


@pytest.fixture
async def world(tmp_path: Path, anyio_backend: str, empty_database: Path) -> AsyncIterator[World]:
    """A started service's domain with the person alice in it, at a fixed time."""
    shutil.copy(empty_database, tmp_path / "mintmark.db")
    world = await World.begin(f"sqlite:///{tmp_path / 'mintmark.db'}")
    yield world
    await world.end()
