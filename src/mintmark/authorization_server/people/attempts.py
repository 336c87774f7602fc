"""Count tries to sign in: before the password is looked at, so that many at once are many."""

from __future__ import annotations

from msgspec import Struct

from mintmark.authorization_server.keys.secrets import MacKey
from mintmark.authorization_server.people.slow_down import (
    Counts,
    SlowDown,
    SlowDownPolicy,
    Tally,
    network_of,
    wait,
)
from mintmark.authorization_server.storage import Connection, Database
from mintmark.authorization_server.storage.repositories import sign_in_failures as rows

__all__ = ["Attempt", "Attempts"]


class Attempt(Struct, frozen=True):
    """A try that has been counted as a failure until it turns out to be none."""

    here: bytes
    others: tuple[bytes, ...]


class Attempts:
    """The counts of one database, under keyed digests."""

    def __init__(self, db: Database, key: bytes, policy: SlowDownPolicy) -> None:
        self._db = db
        self._key = MacKey(key)
        self._policy = policy

    async def begin(
        self, username_key: str, address: str, known_device: str | None, now: float
    ) -> Attempt | SlowDown:
        """Count a try, unless it comes too early."""
        network = network_of(address)
        on_network = self._bucket("network", network)
        strangers = self._bucket("account", username_key)
        if known_device is not None:
            here = self._bucket("device", username_key, known_device)
            attempt = Attempt(here, ())
        else:
            here = self._bucket("account on network", username_key, network)
            attempt = Attempt(here, (on_network, strangers))

        def work(connection: Connection) -> SlowDown | None:
            tallies = self._tallies(connection, (here, on_network, strangers), now)
            counts = Counts(
                here=tallies[here],
                network=tallies[on_network],
                strangers=tallies[strangers],
                known_device=known_device is not None,
            )
            early = wait(counts, now, self._policy)
            if early is None:
                buckets = (attempt.here, *attempt.others)
                rows.put(connection, {b: self._count(tallies[b].failures + 1, now) for b in buckets})
            return early

        return await self._db.write(work, durable=False) or attempt

    def succeeded(self, connection: Connection, attempt: Attempt) -> None:
        """The password was right: nothing is held against this account here any more."""
        rows.forget(connection, attempt.here)
        rows.take_back(connection, attempt.others)

    async def withdraw(self, attempt: Attempt) -> None:
        """The try came to nothing that anybody can be blamed for."""
        await self._db.write(lambda c: rows.take_back(c, (attempt.here, *attempt.others)), durable=False)

    def _tallies(self, connection: Connection, buckets: tuple[bytes, ...], now: float) -> dict[bytes, Tally]:
        found = rows.get(connection, buckets)
        alive = {b: Tally(c.failures, c.last_at) for b, c in found.items() if c.expires_at > now}
        return {bucket: alive.get(bucket, Tally()) for bucket in buckets}

    def _count(self, failures: int, last_at: float) -> rows.Count:
        return rows.Count(failures, last_at, last_at + self._policy.remembered)

    def _bucket(self, *parts: str) -> bytes:
        said = "\x00".join(parts).encode("utf-8", "surrogatepass")
        return self._key.mac(said)
