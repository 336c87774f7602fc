"""The key timeline's driver: keeps the keys that sign in memory; does what is due, once among processes."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mintmark.authorization_server.keys.applying import Candidates, apply
from mintmark.authorization_server.keys.sealing import Sealer
from mintmark.authorization_server.keys.timeline import (
    Action,
    Create,
    KeyPolicy,
    alarm,
    cache_lifetime,
    gone_at,
    next_change,
    overtaken,
    plan,
    published,
)
from mintmark.authorization_server.revocation import DenyLog
from mintmark.authorization_server.storage import Conflict, Connection, Database, StorageUnavailable
from mintmark.authorization_server.storage.records import DenyEntry, DenyKind, Event, KeyRecord, KeyState
from mintmark.authorization_server.storage.repositories import deny_entries, events
from mintmark.authorization_server.storage.repositories import signing_keys as rows
from mintmark.errors import ConfigurationError, MintmarkError
from mintmark.jose.encoding import json_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

__all__ = ["SigningKeys"]

_log = logging.getLogger("mintmark.keys")

# A stolen key signs tokens of any length, so its entry lives until no verifier can still hold the key: as
# long as a verifier may live on its last good key set (RemoteKeys, max_stale).
_KEY_REMEMBERED = 86400.0


class _Loaded(Struct, frozen=True):
    """What this process knows of the keys, replaced as a whole."""

    records: tuple[KeyRecord, ...]
    signing: Mapping[str, Key]  # alg -> the current private key
    jwks: Mapping[str, Any]
    changes_at: float  # when the key set is due to change
    seen: int  # Database.changes() before it was read


class SigningKeys:
    """The service's signing keys. Reading is in memory; what changes is durable when it returns."""

    def __init__(self, db: Database, sealer: Sealer, policy: KeyPolicy, deny_log: DenyLog) -> None:
        self._db = db
        self._sealer = sealer
        self._policy = policy
        self._deny_log = deny_log
        self._loaded = _Loaded((), {}, {"keys": []}, math.inf, seen=-1)
        self._overtaken: frozenset[str] = frozenset()  # what we must not sign with until we have looked
        self._turn = asyncio.Lock()  # one change at a time in this process; the database settles the rest

    async def start(self, now: float) -> None:
        """Load the keys; on the first start, make one for each algorithm, which signs at once.

        :raises ConfigurationError: the key-encryption key does not open them.
        """
        async with self._turn:
            await self._reload()
            await self._do_what_is_due(now)
        missing = [alg for alg in self._policy.algs if alg not in self._loaded.signing]
        if missing:
            raise ConfigurationError(f"There is no signing key for {', '.join(missing)}.")

    async def tick(self, now: float) -> tuple[str, ...]:
        """Do what is due, take over what other processes did, return what was done. Call it every second."""
        async with self._turn:
            try:
                if self._db.changes() != self._loaded.seen:
                    await self._reload()
                done = await self._do_what_is_due(now)
            except StorageUnavailable:
                self._overtaken = overtaken(self._loaded.records, now, self._policy)
                raise
            self._overtaken = frozenset()
        return done

    def current(self, alg: str) -> Key:
        """The private key that signs with ``alg``.

        :raises ConfigurationError: this service does not sign with that algorithm.
        :raises StorageUnavailable: the key was due to be replaced, and the database does not say by which.
        """
        if alg in self._overtaken:
            raise StorageUnavailable("The signing key was due to be replaced, and the database is away.")
        try:
            return self._loaded.signing[alg]
        except KeyError:
            raise ConfigurationError(
                f"This service has no signing key for {alg}.", expected=list(self._policy.algs), actual=alg
            ) from None

    def public_jwks(self) -> dict[str, Any]:
        """The key set to publish (RFC 7517 5): current, next and previous keys, never a private member."""
        return dict(self._loaded.jwks)

    def public_keys(self) -> KeySet:
        """The same as keys, to verify our own tokens with."""
        return KeySet.from_jwks(self._loaded.jwks)

    def jwks_max_age(self, now: float) -> int:
        """Seconds for ``Cache-Control: max-age`` of the key set, computed from the schedule."""
        return cache_lifetime(self._loaded.changes_at, now, self._policy)

    def timeline(self) -> tuple[KeyRecord, ...]:
        """Every key there is, revoked ones included, for people to look at."""
        return self._loaded.records

    def late(self, now: float) -> float:
        """Seconds by which the schedule is behind; 0.0 when all is well. For the health page."""
        return alarm(self._loaded.records, now, self._policy)

    async def rotate(self, alg: str | None, now: float) -> tuple[KeyRecord, ...]:
        """Stage the next key of ``alg``, or of all; it signs when it has been published long enough.

        Asked again, it returns the key that is already staged: ``activates_at`` says when it will sign.
        """
        algs = self._policy.algs if alg is None else (alg,)
        for each in algs:
            self.current(each)
        wanted = [Create(each, KeyState.NEXT, now + self._policy.publish_ahead) for each in algs]
        async with self._turn:
            await self._reload()
            staged = {record.alg for record in self._loaded.records if record.state is KeyState.NEXT}
            await self._apply([action for action in wanted if action.alg not in staged], now, by_hand=True)
        return tuple(r for r in self._loaded.records if r.state is KeyState.NEXT and r.alg in algs)

    async def revoke(self, kid: str, now: float, *, reason: str = "revoked by hand") -> KeyRecord:
        """Emergency: the key signs and verifies nothing from now on: here at once, elsewhere by the feed.

        If it was the current key, the next one takes its place, or a new one is made, and signs immediately.

        :raises ConfigurationError: there is no such key.
        """
        async with self._turn:
            await self._reload()
            record = next((r for r in self._loaded.records if r.kid == kid), None)
            if record is None:
                raise ConfigurationError(f"There is no signing key {kid!r}.", kid=kid)
            if record.state is KeyState.REVOKED:
                return record
            candidates = await self._candidates([record.alg] if record.state is KeyState.CURRENT else [])
            await self._db.write(lambda connection: self._revoke(connection, record, candidates, now, reason))
            await self._deny_log.tick(now)
            await self._reload()
        _log.warning("signing key revoked", extra={"kid": kid, "reason": reason})
        return next(r for r in self._loaded.records if r.kid == kid)

    def _revoke(
        self, connection: Connection, record: KeyRecord, candidates: Candidates, now: float, reason: str
    ) -> None:
        end = max(gone_at(record, now, self._policy), now + _KEY_REMEMBERED)
        values = {"state": KeyState.REVOKED, "gone_at": end, "retired_at": now, "reason": reason}
        if not rows.change(connection, record.kid, seen=record.state, values=values):
            return  # another process has moved it meanwhile; the caller sees its state
        events.record(connection, Event(now, "key_revoked", details={"kid": record.kid, "reason": reason}))
        records = tuple(record for record, _ in rows.every(connection))
        apply(connection, plan(records, now, self._policy), candidates, now, self._policy)
        deny_entries.append(connection, [DenyEntry(DenyKind.KID, record.kid, iat=now, exp=end)])

    async def _do_what_is_due(self, now: float) -> tuple[str, ...]:
        behind = self.late(now)
        due = plan(self._loaded.records, now, self._policy)
        if not due:
            return ()
        if behind:
            _log.error("the key schedule is late", extra={"seconds": round(behind)})
        return await self._apply(due, now, behind=behind)

    async def _apply(
        self, due: Sequence[Action], now: float, *, by_hand: bool = False, behind: float = 0.0
    ) -> tuple[str, ...]:
        candidates = await self._candidates([a.alg for a in due if isinstance(a, Create)])

        def work(connection: Connection) -> tuple[str, ...]:
            actions = due
            if not by_hand:  # the plan of what is there now: another process may have done it meanwhile
                records = tuple(record for record, _ in rows.every(connection))
                actions = plan(records, now, self._policy)
            if behind:
                events.record(connection, Event(now, "keys_late", details={"seconds": round(behind)}))
            return apply(connection, actions, candidates, now, self._policy)

        try:
            done = await self._db.write(work)
        except Conflict:  # another process was first
            done = ()
        await self._reload()
        for line in done:
            _log.info(line)
        return done

    async def _candidates(self, algs: Sequence[str]) -> Candidates:
        """Make keys outside the transaction: an RSA key takes long."""
        made = [await asyncio.to_thread(Key.generate, alg) for alg in algs]
        sealed = [self._sealer.seal(json_encode(key.to_jwk(private=True))) for key in made]
        return {key.alg: (key, text) for key, text in zip(made, sealed, strict=True)}

    async def _reload(self) -> None:
        seen = self._db.changes()
        found = await self._db.read(rows.every)
        records = tuple(record for record, _ in found)
        if records == self._loaded.records:
            self._loaded = replace(self._loaded, seen=seen)
            return
        known = {key.kid: key for key in self._loaded.signing.values()}
        signing = {
            record.alg: known.get(record.kid) or self._open(record, sealed)
            for record, sealed in found
            if record.state is KeyState.CURRENT and sealed is not None
        }
        jwks = {"keys": [dict(record.public_jwk) for record in published(records)]}
        self._loaded = _Loaded(records, signing, jwks, next_change(records, self._policy), seen)

    def _open(self, record: KeyRecord, sealed: str) -> Key:
        plaintext = self._sealer.open(sealed)
        try:
            key = Key.from_jwk(plaintext)
        except MintmarkError as error:
            raise ConfigurationError(f"The sealed key {record.kid} is damaged: restore a backup.") from error
        published_key = Key.from_jwk(dict(record.public_jwk))
        if key.public != published_key:  # rows that were exchanged in the database
            raise ConfigurationError(f"The sealed key {record.kid} is not the one that was published.")
        return key
