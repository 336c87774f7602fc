"""Work that many wait for and one thread does, and what belongs to one process only."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Generic, TypeVar

__all__ = ["Flight", "PerProcess"]

T = TypeVar("T")


class Flight:
    """One piece of work in a thread of its own; any number of threads and tasks may wait for it."""

    def __init__(self) -> None:
        self._landed: Future[None] = Future()
        self._landed.set_running_or_notify_cancel()  # so that no cancelled task takes it from the others

    def begin(self, work: Callable[[], None], name: str) -> None:
        """Start the work, which must handle its own errors.

        :raises RuntimeError: no thread can be started any more.
        """
        threading.Thread(target=self._run, args=(work,), name=name, daemon=True).start()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            self._landed.set_result(None)

    def wait(self, patience: float) -> bool:
        """Wait at most that many seconds; tell whether the work is done."""
        try:
            self._landed.result(patience)
        except FutureTimeout:
            return False
        return True

    async def join(self, patience: float) -> bool:
        """Do what :meth:`wait` does without holding up the event loop."""
        try:
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._landed)), patience)
        except TimeoutError:
            return False
        return True


class PerProcess(Generic[T]):
    """A value that each process makes for itself: after a fork the parent's locks and threads are useless."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._values: dict[int, T] = {}

    def here(self) -> T:
        """Return this process's value, made at the first call."""
        pid = os.getpid()
        found = self._values.get(pid)
        # setdefault() decides between threads that come first together
        return found if found is not None else self._values.setdefault(pid, self._make())

    @property
    def exists(self) -> bool:
        """Tell whether this process has made its value."""
        return os.getpid() in self._values
