"""An issuer's keys over HTTP, for threads and for asyncio: what drives the state machine of ``key_cache``."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from mintmark.errors import FetchFailed, KeysUnavailable, MintmarkError
from mintmark.jose.jwks import KeySet
from mintmark.net import Fetcher, Limits, check_url
from mintmark.net.discovery import discover
from mintmark.net.flight import Flight, PerProcess
from mintmark.resource_server import key_cache
from mintmark.resource_server.key_cache import CachePolicy, CacheState, Decision
from mintmark.resource_server.key_document import read_key_document
from mintmark.resource_server.warm_start import StoredKeys, WarmStart

__all__ = ["COUNTERS", "RemoteKeys"]

_log = logging.getLogger("mintmark.resource_server")
_PATIENCE_WITH_KEYS = 2.0  # seconds that a caller waits for a newer set while there is one
_DISCOVERY_LIFETIME = 86400.0  # seconds after which the issuer is asked again where its keys are

COUNTERS = {
    "fetches": "fetches begun",
    "fetch_failures": "fetches that failed",
    "not_modified": "fetches that found the set unchanged",
    "replacements": "fetches that brought another set",
    "joined": "callers who waited for a fetch that was already under way",
    "unknown_kid_fetches": "fetches made because of a kid that was not in the set",
    "unknown_kid_refusals": "callers whose kid was not fetched for: cooldown, or known to be unknown",
    "stale_served": "times the last good set served after a failed fetch",
    "unavailable": "callers who were told that there are no keys",
    "secret_keys_refused": "published keys that were refused because they are private or symmetric",
}
"""What :attr:`RemoteKeys.counters` counts."""


@dataclass(slots=True)
class _Local:
    """What belongs to one process. A fork starts with a new one: its parent's thread is not in it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    flight: Flight | None = None


class RemoteKeys:
    """The public keys of one issuer, found by discovery and kept fresh. A ``KeySource`` for a Verifier.

    Making one does nothing but read the warm-start file: the issuer need not be up. All waiting callers,
    threads and tasks alike, share one fetch, which runs in a thread of its own.

    :param issuer: the issuer, exactly as it names itself.
    :param jwks_uri: where the keys are, for an issuer without discovery.
    :param algorithms: the algorithms of keys that are published without ``alg``.
    :param allow_http: hosts for which plain http is accepted beside loopback.
    :param ca_file: PEM file of the authorities to trust instead of the system's.
    :param max_stale: for how many seconds the last good set serves when the issuer cannot be reached.
    :param cooldown: seconds that a fetch for an unknown kid takes to be earned again; two may come at once.
    :param patience: for how many seconds one caller waits for a fetch; for an unknown kid two at most.
    :param warm_start: a file that keeps the last good set over restarts; written with mode 0600.
    :param policy: all times at once, instead of ``max_stale`` and ``cooldown``.
    :raises ConfigurationError, FetchFailed: the issuer or jwks_uri is no https URL.
    """

    def __init__(
        self,
        issuer: str,
        *,
        jwks_uri: str | None = None,
        algorithms: Sequence[str] | Mapping[str, str] | None = None,
        allow_http: Collection[str] = (),
        ca_file: str | None = None,
        max_stale: float = 86400.0,
        cooldown: float = 30.0,
        patience: float = 5.0,
        warm_start: str | os.PathLike[str] | None = None,
        policy: CachePolicy | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        check_url(jwks_uri or issuer, allow_http=frozenset(allow_http))
        self.issuer = issuer
        self._stated_uri = jwks_uri
        self._found_uri: tuple[str, float] | None = None
        self._algorithms = algorithms
        self._fetcher = Fetcher(limits=limits, allow_http=allow_http, ca_file=ca_file)
        self._policy = policy or CachePolicy(max_stale=max_stale, cooldown=cooldown)
        self._patience = patience
        self._clock = clock
        self._jitter = jitter
        self._counts: Counter[str] = Counter()
        self._local = PerProcess(_Local)
        self._body: bytes | None = None
        self._state: CacheState[KeySet] = CacheState()
        self._failure: MintmarkError | None = None  # why the last fetch failed, for whoever is turned away
        self._warm_start = WarmStart(warm_start, issuer) if warm_start is not None else None
        if self._warm_start is not None:
            self._begin_warm(self._warm_start)

    @property
    def counters(self) -> Mapping[str, int]:
        """A copy of what was counted so far; see :data:`COUNTERS`."""
        return {name: self._counts[name] for name in COUNTERS}

    def current(self) -> KeySet | None:
        """Return the set that may serve now, without waiting; begin a background refresh when one is due."""
        state, now = self._state, self._clock()
        decision = key_cache.decide(state, now, self._policy)
        if decision is Decision.SERVE:
            return state.keys
        if decision is Decision.SERVE_AND_REFRESH:
            self._plan(None, unknown=False)
            return state.keys
        if decision is Decision.SERVE_STALE:
            with self._local.here().lock:
                self._counts["stale_served"] += 1
            return state.keys
        return None

    def refresh(self, kid: str | None) -> KeySet:
        """Return a set to look for ``kid`` in, fetched if the rules allow it.

        :raises KeysUnavailable: there is none, and none can be had now.
        """
        flight = self._plan(kid, unknown=True)
        return self._outcome(kid, landed=flight is not None and flight.wait(self._wait_time()))

    async def arefresh(self, kid: str | None) -> KeySet:
        """Do what :meth:`refresh` does; the event loop goes on meanwhile."""
        flight = self._plan(kid, unknown=True)
        return self._outcome(kid, landed=flight is not None and await flight.join(self._wait_time()))

    # --- deciding, under the lock ---

    def _plan(self, kid: str | None, *, unknown: bool) -> Flight | None:
        """Decide anew under the lock; return the fetch to wait for, begun now or already under way.

        :param unknown: somebody looked for ``kid`` in vain, and will wait; else a refresh is merely due.
        """
        local = self._local.here()
        with local.lock:
            state, now = self._state, self._clock()
            decision = key_cache.decide(state, now, self._policy)
            for_kid = unknown and decision not in (Decision.FETCH, Decision.GIVE_UP)
            if for_kid:
                if kid is not None and state.keys is not None and state.keys.get(kid) is not None:
                    return None  # somebody else's fetch brought it meanwhile
                if kid is not None and key_cache.is_unknown(state, kid, now):
                    self._counts["unknown_kid_refusals"] += 1
                    return None  # nor does it wait for a fetch that others began
                decision = key_cache.decide_for_kid(state, kid, now, self._policy)
            if local.flight is not None:
                self._counts["joined"] += unknown
                return local.flight
            if decision is Decision.FETCH or (decision is Decision.SERVE_AND_REFRESH and not unknown):
                self._counts["unknown_kid_fetches"] += for_kid
                if for_kid:
                    self._state = key_cache.attempted_for_kid(state, now, self._policy)
                else:
                    self._state = key_cache.attempted(state, now)
                return self._take_off(local, now)
            self._counts["unknown_kid_refusals"] += for_kid
            return None

    def _wait_time(self) -> float:
        """Return how long a caller waits: not long for a stranger's kid while there are keys to serve."""
        usable = key_cache.is_usable(self._state, self._clock(), self._policy)
        return min(self._patience, _PATIENCE_WITH_KEYS) if usable else self._patience

    def _take_off(self, local: _Local, now: float) -> Flight | None:
        flight = Flight()
        self._counts["fetches"] += 1
        try:
            flight.begin(partial(self._fly, local), "mintmark-keys")
        except RuntimeError:  # the interpreter ends, or the system has no thread left
            self._state = key_cache.failed(self._state, now=now, policy=self._policy, jitter=1.0)
            return None
        local.flight = flight
        return flight

    def _outcome(self, kid: str | None, *, landed: bool) -> KeySet:
        with self._local.here().lock:
            state, now = self._state, self._clock()
            if state.keys is None or not key_cache.is_usable(state, now, self._policy):
                self._counts["unavailable"] += 1
                why = self._failure
                raise KeysUnavailable(
                    f"The keys of {self.issuer} cannot be had now" + (f": {why.message}" if why else "."),
                    kid=kid,
                    hint=(why and why.hint) or "Is the issuer reachable from here, and its address right?",
                    retry_after=key_cache.retry_after(state, now),
                )
            if landed and not state.failures and kid is not None and state.keys.get(kid) is None:
                self._state = key_cache.missed(state, kid, now=now, policy=self._policy)
            return state.keys

    # --- fetching, in the flight's own thread ---

    def _fly(self, local: _Local) -> None:
        try:
            self._fetch(local)
        except Exception as error:  # waiting callers must be woken whatever happens
            self._note_failure(local, error)
        finally:
            with local.lock:
                local.flight = None

    def _fetch(self, local: _Local) -> None:
        state, address = self._state, self._address()
        headers = {"Accept": "application/jwk-set+json, application/json"}
        if state.keys is not None and state.etag is not None:
            headers["If-None-Match"] = state.etag
        answer = self._fetcher.fetch(address, headers=headers)
        if answer.status == 304 and state.keys is not None:
            keys, etag, body = state.keys, state.etag, self._body
        elif answer.status == 200:
            etag, body = answer.headers.get("etag"), answer.body
            keys = state.keys if state.keys is not None and body == self._body else self._read(body)
        else:
            raise FetchFailed(
                f"The keys of {self.issuer} are not to be had: status {answer.status}.",
                expected=200,
                actual=answer.status,
            )
        ttl = key_cache.lifetime(answer.headers, self._policy)
        with local.lock:
            now = self._clock()
            self._state = key_cache.fetched(
                state=self._state,
                keys=keys,
                etag=etag,
                ttl=ttl,
                now=now,
                policy=self._policy,
                jitter=self._jitter(),
            )
            self._body = body
        self._note_success(state, keys, now)
        if self._warm_start is not None and body is not None:
            self._warm_start.write(StoredKeys(body, etag, address, now))

    def _address(self) -> str:
        if self._stated_uri is not None:
            return self._stated_uri
        now = self._clock()
        if self._found_uri is None or not 0 <= now - self._found_uri[1] < _DISCOVERY_LIFETIME:
            self._found_uri = discover(self._fetcher, self.issuer).address("jwks_uri"), now
        return self._found_uri[0]

    def _read(self, body: bytes) -> KeySet:
        document = read_key_document(body, algorithms=self._algorithms)
        if document.refused:
            self._counts["secret_keys_refused"] += len(document.refused)
            _log.error(
                "%s publishes private or symmetric keys, which are refused: %r. They are lost: replace them.",
                self.issuer,
                document.refused,
            )
        if not len(document.keys):
            _log.warning("the key set of %s holds no key that can be used", self.issuer)
        return document.keys

    def _note_success(self, before: CacheState[KeySet], keys: KeySet, now: float) -> None:
        self._counts["not_modified" if keys is before.keys else "replacements"] += 1
        if before.failures:
            _log.info("the keys of %s are fetched again after %d failures", self.issuer, before.failures)
        if keys is not before.keys:
            _log.info("the key set of %s now holds %r", self.issuer, [key.kid for key in keys])

    def _note_failure(self, local: _Local, error: Exception) -> None:
        with local.lock:
            before, now = self._state, self._clock()
            self._state = key_cache.failed(before, now=now, policy=self._policy, jitter=self._jitter())
            self._found_uri = None  # the address may have moved: ask discovery again
            self._counts["fetch_failures"] += 1
            self._failure = error if isinstance(error, MintmarkError) else None
        if before.failures == 0:  # once per outage, not once per try
            reason = error.message if isinstance(error, MintmarkError) else type(error).__name__
            serving = "the last good set serves" if before.keys is not None else "there is no set to serve"
            _log.warning("the keys of %s could not be fetched: %s (%s)", self.issuer, reason, serving)

    def _begin_warm(self, warm_start: WarmStart) -> None:
        stored = warm_start.read()
        now = self._clock()
        if stored is None or not now - self._policy.max_stale < stored.fetched_at <= now:
            return
        try:
            keys = self._read(stored.body)
        except MintmarkError:
            _log.warning("the warm-start file of %s cannot be read and is not used", self.issuer)
            return
        self._body, self._found_uri = stored.body, (stored.jwks_uri, stored.fetched_at)
        # Fresh for the shortest lifetime since its fetch: a restart is no reason to believe it longer.
        self._state = key_cache.fetched(
            self._state,
            keys,
            etag=stored.etag,
            ttl=self._policy.min_ttl,
            now=stored.fetched_at,
            policy=self._policy,
            jitter=self._jitter(),
        )
