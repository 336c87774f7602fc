"""What the token service's tests share: asyncio, a small world on its own file, a PostgreSQL, and servers.

One server serves a module where its clock may stand still; a test that moves time has one of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mintmark.authorization_server.storage import Database

from .running import Browser, Running
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


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server for tests that leave time alone."""
    with Running(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """A server of this test's own."""
    with Running(tmp_path) as server:
        yield server


@pytest.fixture
def browser(shared: Running) -> Iterator[Browser]:
    """A browser at the shared server."""
    with Browser(shared) as browser:
        yield browser


@pytest.fixture
def own(server: Running) -> Iterator[Browser]:
    """A browser at this test's own server."""
    with Browser(server) as browser:
        yield browser
