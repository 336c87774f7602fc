"""Who watches from outside: verifiers that only poll, followers of the feed, a look at the key timeline."""

from __future__ import annotations

import asyncio
import heapq
import time

from ledger import Ledger

from mintmark import UNCHECKED, KeySet, MintmarkError, Verifier
from mintmark.authorization_server.storage import Database, StorageUnavailable
from mintmark.authorization_server.storage.repositories import signing_keys
from mintmark.jwt import Claims
from mintmark.resource_server import RemoteKeys, RevocationFeed
from mintmark.resource_server.key_cache import CachePolicy

__all__ = ["Verifiers", "watch_keys"]

_HEARD_WITHIN = 10.0  # seconds from the end of something to its refusal everywhere, a restart included
_BEFORE_THE_END = 1.5  # seconds before it expires, a token is shown once more
_LOOK = 0.05


class PollingKeys:
    """Remote keys for whoever never asks because of a token: only time makes it fetch."""

    def __init__(self, remote: RemoteKeys) -> None:
        self._remote = remote

    def current(self) -> KeySet | None:
        return self._remote.current()

    def refresh(self, kid: str | None) -> KeySet:
        return self._remote.current() or self._remote.refresh(None)

    async def arefresh(self, kid: str | None) -> KeySet:
        return self._remote.current() or await self._remote.arefresh(None)


class Verifiers:
    """Several services, each with its own keys, its own feed and its own moment of asking."""

    def __init__(self, issuer: str, ledger: Ledger, resource: tuple[str, str], *, count: int = 3) -> None:
        self._ledger = ledger
        policy = CachePolicy(min_ttl=1.0)
        self._verifiers = [
            Verifier(
                issuer=issuer,
                audience=UNCHECKED,
                keys=PollingKeys(RemoteKeys(issuer, policy=policy)),
                typ=("at+jwt", "JWT"),
                cache=None,
            )
            for _ in range(count)
        ]
        name, secret = resource
        self._feeds = [
            RevocationFeed(issuer, client_id=name, client_secret=secret, when_stale="accept")
            for _ in range(count)
        ]
        self._known: dict[str, Claims] = {}
        self._waiting: asyncio.Queue[tuple[float, str, str]] = asyncio.Queue()
        self._again: list[tuple[float, str, str]] = []

    def start(self) -> None:
        """Begin to follow."""
        for feed in self._feeds:
            feed.start()

    def close(self) -> None:
        """Stop following."""
        for feed in self._feeds:
            feed.close()

    def issued(self, kind: str, token: str) -> None:
        """Take a token; of the kind ``ended``, one whose grant was ended just now."""
        self._waiting.put_nowait((time.monotonic(), kind, token))

    async def watch(self) -> None:
        """Show every token to everybody, at once and again before it expires."""
        async with asyncio.TaskGroup() as ends:
            while True:
                while not self._waiting.empty():
                    since, kind, token = self._waiting.get_nowait()
                    if kind != "ended":
                        await self._show(kind, token)
                    elif token in self._known:
                        ends.create_task(self._until_heard(self._known.pop(token), since))
                while self._again and self._again[0][0] <= time.time():
                    _, kind, token = heapq.heappop(self._again)
                    await self._show(f"{kind} near its end", token)
                await asyncio.sleep(_LOOK)

    async def _show(self, kind: str, token: str) -> None:
        refusals: list[str | None] = []
        for verifier in self._verifiers:
            try:
                claims = await verifier.averify(token)
            except MintmarkError as error:
                refusals.append(str(error.code))
                continue
            refusals.append(None)
            if not kind.endswith("end"):
                self._known[token] = claims
        self._ledger.verified(kind, refusals)
        if token in self._known and not kind.endswith("end"):
            expires = self._known[token].expires_at or 0.0
            heapq.heappush(self._again, (expires - _BEFORE_THE_END, kind, token))

    async def _until_heard(self, claims: Claims, since: float) -> None:
        deaf = list(self._feeds)
        while deaf and time.monotonic() - since < _HEARD_WITHIN:
            for feed in [feed for feed in deaf if feed.reason(claims) is not None]:
                deaf.remove(feed)
                self._ledger.heard_of_end(time.monotonic() - since)
            await asyncio.sleep(_LOOK)
        for _ in deaf:
            self._ledger.never_heard_of_end(_HEARD_WITHIN)


async def watch_keys(url: str, ledger: Ledger) -> None:
    """Look at the timeline itself, ten times a second, as often as the database lets us."""
    db = await asyncio.to_thread(Database.open, url)
    try:
        while True:
            try:
                found = await db.read(signing_keys.every)
            except StorageUnavailable:
                ledger.counts["looks at the keys in vain"] += 1
            else:
                ledger.counts["looks at the keys"] += 1
                ledger.saw_keys((record.kid, record.alg, str(record.state)) for record, _ in found)
            await asyncio.sleep(0.1)
    finally:
        await db.close()
