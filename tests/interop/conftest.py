"""Foreign implementations, installed once and shared by all workers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from npm_peer import Peer, PeerUnavailable, installed


@pytest.fixture(scope="session")
def npm_jose() -> Iterator[Peer]:
    """The npm package jose in one Node process."""
    try:
        folder = installed()
    except PeerUnavailable as reason:
        pytest.skip(str(reason))
    with Peer(folder) as peer:
        yield peer


@pytest.fixture(scope="session")
def jose_command() -> str:
    """The path of Debian's ``jose``."""
    path = shutil.which("jose")
    if path is None:
        pytest.skip("the jose command is not installed (Debian: apt-get install jose)")
    return path
