"""Who watches from outside: verifiers that only poll, followers of the feed, a look at the key timeline."""

from __future__ import annotations

import asyncio
import time

from ledger import Ledger

from mintmark import UNCHECKED, KeySet, MintmarkError, Verifier
from mintmark.authorization_server.storage import Database, StorageUnavailable
from mintmark.authorization_server.storage.repositories import signing_keys
from mintmark.jwt import Claims
from mintmark.resource_server import RemoteKeys, RevocationFeed
from mintmark.resource_server.key_cache import CachePolicy

__all__ = ["Verifiers", "watch_keys"]

_HEARD_WITHIN = 20.0  # seconds from the end of something to its refusal everywhere, a restart included
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
        self._keys = [PollingKeys(RemoteKeys(issuer, policy=policy)) for _ in range(count)]
        self._verifiers = [
            Verifier(issuer=issuer, audience=UNCHECKED, keys=keys, typ=("at+jwt", "JWT"), cache=None)
            for keys in self._keys
        ]
        name, secret = resource
        self._feeds = [
            RevocationFeed(issuer, client_id=name, client_secret=secret, when_stale="accept")
            for _ in range(count)
        ]
        self._known: dict[str, Claims] = {}
        self._ends: list[asyncio.Task[None]] = []
        self._group: asyncio.TaskGroup | None = None

    async def start(self) -> None:
        """Begin to follow; who has once had keys serves the last good ones from then on."""
        for keys in self._keys:
            await keys.arefresh(None)
        for feed in self._feeds:
            feed.start()

    def close(self) -> None:
        """Stop following."""
        for feed in self._feeds:
            feed.close()

    async def watch(self) -> None:
        """Take tokens until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            await asyncio.Event().wait()

    def issued(self, kind: str, token: str) -> None:
        """Take a token; of the kind ``ended``, one whose grant was ended just now."""
        if self._group is None:
            return
        if kind != "ended":
            self._group.create_task(self._follow(kind, token))
        elif token in self._known:
            hearing = self._until_heard(self._known[token], time.monotonic())
            self._ends.append(self._group.create_task(hearing))

    async def _follow(self, kind: str, token: str) -> None:
        """Show a token to everybody, at once and again before it expires."""
        claims = await self._show(kind, token, until=None)
        if claims is not None and claims.expires_at is not None:
            self._known[token] = claims
            await asyncio.sleep(claims.expires_at - _BEFORE_THE_END - time.time())
            await self._show(f"{kind} near its end", token, until=claims.expires_at)

    async def _show(self, kind: str, token: str, *, until: float | None) -> Claims | None:
        claims, refusals = None, list[str | None]()
        for verifier in self._verifiers:
            try:
                claims = await verifier.averify(token)
            except MintmarkError as error:
                refusals.append(str(error.code))
            else:
                refusals.append(None)
        if until is None or time.time() < until:  # else it took us too long
            self._ledger.verified(kind, refusals)
        return claims

    async def heard_everything(self) -> None:
        """Wait until every follower has heard of every end, or not within the time that it has."""
        await asyncio.gather(*self._ends)

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
