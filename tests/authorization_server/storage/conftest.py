"""A database of each backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mintmark.authorization_server.storage import Database

from .backends import BACKENDS, MakeUrl, sqlite_url


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    make: MakeUrl = request.getfixturevalue("postgresql")
    return make()


@pytest.fixture
def db(url: str) -> Iterator[Database]:
    database = Database.open(url)
    yield database
    database.close_now()
