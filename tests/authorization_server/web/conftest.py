"""One server for a module where its clock may stand still, one of its own for a test that moves time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..running import Browser, Running


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
