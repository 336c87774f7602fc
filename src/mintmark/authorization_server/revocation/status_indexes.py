"""Status indexes for tokens: taken from the database in blocks, given out from memory."""

from __future__ import annotations

import asyncio

from mintmark.authorization_server.revocation.places import indexes_of
from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.storage.repositories import status_lists
from mintmark.jwt.policy import MAX_LEEWAY

__all__ = ["StatusIndexes"]

_BLOCK_HELD = 86400.0  # seconds: then the rest of a block is let go, so that old lists come to an end


class StatusIndexes:
    """Gives each index once, whatever processes start, stop or crash: one small write for every block.

    :param key: see :func:`.places.indexes_of`.
    :param token_lifetime: the longest life of an access token, in seconds.
    """

    def __init__(self, db: Database, key: bytes, *, token_lifetime: float) -> None:
        self._db = db
        self._key = key
        self._token_lifetime = token_lifetime
        self._rest: list[int] = []
        self._until = 0.0
        self._turn = asyncio.Lock()  # many that find nothing left share one write

    async def take(self, now: float) -> int:
        """Return an index that no token and no grant has had.

        :raises StorageUnavailable: a new block is needed and the database cannot be had.
        """
        while not self._rest or now >= self._until:
            async with self._turn:
                if not self._rest or now >= self._until:
                    await self._take_block(now)
        return self._rest.pop()

    async def _take_block(self, now: float) -> None:
        until = now + _BLOCK_HELD
        expires_at = until + self._token_lifetime + MAX_LEEWAY
        block = await self._db.write(lambda c: status_lists.take_block(c, expires_at=expires_at))
        self._rest, self._until = indexes_of(self._key, block), until
