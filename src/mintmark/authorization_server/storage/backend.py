"""What a kind of database must be able to do: :mod:`.sqlite` and :mod:`.postgresql`, each in its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

import sqlalchemy as sa

from mintmark.authorization_server.storage.failures import StorageUnavailable

__all__ = ["AtHand", "Backend", "in_thread"]

T = TypeVar("T")


def in_thread(threads: ThreadPoolExecutor, call: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
    """Run the call in one of the threads.

    :raises StorageUnavailable: they have been shut down.
    """
    try:
        return asyncio.get_running_loop().run_in_executor(threads, call, *arguments)
    except RuntimeError as error:
        raise StorageUnavailable("The database has been closed.") from error


class AtHand(Protocol):
    """Rows that are so near that nobody needs to wait for them."""

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run the work, which is one :class:`.statements.Statement`, in the calling thread.

        :raises StorageUnavailable: not at once.
        """


class Backend(Protocol):
    """An open database with this version's schema."""

    @property
    def name(self) -> str:
        """How messages call it: never with a password."""

    @property
    def path(self) -> Path | None:
        """The file that it is, if it is one."""

    @property
    def here(self) -> AtHand | None:
        """What can be had at once; None where a network lies between."""

    async def write(
        self, work: Callable[[sa.Connection], T], *, locking: bool = False, durable: bool = True
    ) -> T:
        """Run the work in one transaction; return when that is on disk.

        :param locking: the work begins by locking the row that it decides on, so it need not be serialized.
        :param durable: False returns when it is committed.
        :raises StorageUnavailable: it cannot be had now; unless the answer to a commit was lost, nothing was
            written.
        """

    def write_now(self, work: Callable[[sa.Connection], T]) -> T:
        """The same for threads: blocks."""

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run the work on one snapshot, which it cannot change."""

    def read_now(self, work: Callable[[sa.Connection], T]) -> T:
        """The same for threads: blocks."""

    def changes(self) -> int:
        """A number that moves when what processes share has changed. Never blocks for long."""

    def close(self) -> None:
        """Finish what was accepted and let go. Blocks. Closing twice is fine."""
