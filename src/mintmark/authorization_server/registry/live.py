"""The catalogue of a running service: read at the start, and again when the database says that it moved."""

from __future__ import annotations

import asyncio
import logging

from mintmark.authorization_server.logs import log_event
from mintmark.authorization_server.oauth.catalogue import Catalogue
from mintmark.authorization_server.registry.merging import LeftOut, merged
from mintmark.authorization_server.settings import Settings
from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.storage.repositories import registrations

__all__ = ["Registry"]


class Registry:
    """Who is registered now. ``catalogue`` is one value and swapped whole: nobody sees half a change."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._settings = settings
        self._seen = -1
        self._revision = -1
        self._left_out: tuple[LeftOut, ...] = ()
        self.catalogue = Catalogue.of(settings.issuer, settings.resources, settings.clients)

    async def start(self, now: float) -> None:
        """Load what the database registers."""
        await self.tick(now)

    async def tick(self, now: float) -> None:
        """Follow what has been committed, by whomever. Without a change this costs microseconds."""
        seen = self._db.changes()
        if seen == self._seen:
            return
        revision = await self._db.look_up(registrations.revision)
        if revision != self._revision:
            rows = await self._db.read(registrations.every)
            # in a thread: thousands of clients are read for a moment, and requests go on
            self.catalogue, left_out = await asyncio.to_thread(merged, self._settings, *rows)
            self._tell(left_out)
            self._revision = revision
        self._seen = seen

    def _tell(self, left_out: tuple[LeftOut, ...]) -> None:
        """Write down what cannot be used, once for each."""
        for row in left_out:
            if row not in self._left_out:
                log_event(
                    "registration_left_out",
                    level=logging.WARNING,
                    table=row.table,
                    name=row.name,
                    reason=row.reason,
                )
        self._left_out = left_out
