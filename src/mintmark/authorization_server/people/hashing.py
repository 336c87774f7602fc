"""Password hashes: argon2id in a bounded pool, so that a flood of sign-ins cannot take all memory."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

from mintmark.authorization_server.people.turns import HASH_TURN, set_turn
from mintmark.errors import ErrorCode, MintmarkError

__all__ = ["HashingPolicy", "PasswordHasher", "PeopleBusy"]

T = TypeVar("T")


class PeopleBusy(MintmarkError):
    """Too many people are signing in at this moment: answer 503 with ``Retry-After``."""

    default_code: ClassVar[ErrorCode] = ErrorCode.BUSY

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many sign-ins at once; try again shortly.", hint=f"retry after {retry_after} s")
        self.retry_after = retry_after


class HashingPolicy(Struct, frozen=True):
    """What a guess costs, and how much of it is admitted at once.

    The cost is OWASP's first choice for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one
    lane.

    :param memory_kib: memory for one hash.
    :param passes: passes over it.
    :param lanes: threads for one hash.
    :param workers: hashes at once; by default one for each processor.
    :param waiting: hashes that may wait for a worker; more are refused.
    """

    memory_kib: int = 19 * 1024
    passes: int = 2
    lanes: int = 1
    workers: int = os.cpu_count() or 1
    waiting: int = 64


class PasswordHasher:
    """Makes and checks password hashes. Threads are its own: close it."""

    def __init__(self, policy: HashingPolicy | None = None) -> None:
        self._policy = policy or HashingPolicy()
        self._argon2 = argon2.PasswordHasher(
            time_cost=self._policy.passes,
            memory_cost=self._policy.memory_kib,
            parallelism=self._policy.lanes,
        )
        self._pool = ThreadPoolExecutor(
            self._policy.workers,
            thread_name_prefix="mintmark-argon2",
            initializer=set_turn,
            initargs=(HASH_TURN,),
        )
        self._pending = 0  # touched by the loop's thread only
        # What an unknown name is checked against: the same parameters, hence the same work. The start of the
        # service does not wait for it.
        self._nobody = self._pool.submit(self._argon2.hash, os.urandom(16))

    async def hash(self, password: str) -> str:
        """Return the hash to store.

        :raises PeopleBusy: too many are waiting.
        """
        return await self._run(lambda: self._argon2.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; for ``None`` the same work is done, and the answer is no.

        :raises PeopleBusy: too many are waiting.
        """
        fits = await self._run(lambda: self._verify(stored or self._nobody.result(), password))
        return fits and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        try:
            return self._argon2.check_needs_rehash(stored)
        except InvalidHashError:
            return True

    def close(self) -> None:
        """Let go of the threads once their work is done."""
        self._pool.shutdown(wait=True)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._argon2.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def admit(self) -> None:
        """Ask before other work is done for a hash.

        :raises PeopleBusy: too many are waiting.
        """
        if self._pending >= self._policy.workers + self._policy.waiting:
            raise PeopleBusy(self._seconds_until_room())

    async def _run(self, work: Callable[[], T]) -> T:
        self.admit()
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._pending -= 1

    def _seconds_until_room(self) -> int:
        """A guess: half the queue, at a twentieth of a second each."""
        return max(1, math.ceil(self._pending / self._policy.workers * 0.05 / 2))
