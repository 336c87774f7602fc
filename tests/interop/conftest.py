"""Foreign implementations, installed once and shared by all workers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from npm_peer import Peer, PeerUnavailable, installed


@pytest.fixture(scope="session")
def npm_folder() -> Path:
    """The folder with the npm packages in it."""
    try:
        return installed()
    except PeerUnavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def npm_jose(npm_folder: Path) -> Iterator[Peer]:
    """The npm package jose in one Node process."""
    with Peer(npm_folder) as peer:
        yield peer


@pytest.fixture(scope="session")
def jose_command() -> str:
    """The path of Debian's ``jose``."""
    path = shutil.which("jose")
    if path is None:
        pytest.skip("the jose command is not installed (Debian: apt-get install jose)")
    return path
