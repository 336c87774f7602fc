"""The real authorization server on a real socket, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from authorization_server.running import Running
from mintmark.client.sign_in import MemorySessionStore, SessionStore, SQLiteSessionStore

from .person import SETTINGS


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for a module: its clock only goes forward, and every test signs in anew."""
    with Running(tmp_path_factory.mktemp("server"), **SETTINGS) as server:
        yield server


@pytest.fixture(params=["cookie", "memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SessionStore | None]:
    """Each way to keep a session."""
    if request.param == "sqlite":
        store = SQLiteSessionStore(tmp_path / "sessions.db")
        yield store
        store.close()
    else:
        yield MemorySessionStore() if request.param == "memory" else None
