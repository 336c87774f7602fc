"""What the token service's tests share: asyncio, and a small world on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .world import World


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world(tmp_path: Path, anyio_backend: str) -> AsyncIterator[World]:
    """A started service's domain with the person alice in it, at a fixed time."""
    world = await World.begin(f"sqlite:///{tmp_path / 'mintmark.db'}")
    yield world
    await world.end()
