"""Follow an issuer's revocation feed in the background: a revoked token is refused within a second."""

from __future__ import annotations

import base64
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import quote_plus

from mintmark.errors import ConfigurationError, FetchFailed, MintmarkError, RevocationsUnavailable
from mintmark.jose.encoding import json_object
from mintmark.jwt import UNCHECKED, KeySource, Verifier
from mintmark.jwt.profiles.revocations import REVOCATIONS
from mintmark.net import Fetcher, Limits, Stream, check_url
from mintmark.net.flight import PerProcess
from mintmark.resource_server import feed_state
from mintmark.resource_server.deny_list import DenyList, Entry
from mintmark.resource_server.event_stream import Event, EventStream
from mintmark.resource_server.feed_state import FeedPolicy, FeedState
from mintmark.resource_server.remote_keys import RemoteKeys

if TYPE_CHECKING:
    from mintmark.jwt import Claims

__all__ = ["RevocationFeed"]

_log = logging.getLogger("mintmark.resource_server")
_SNAPSHOT_LIMITS = Limits(body=16 << 20)
_MEDIA_TYPE = "text/event-stream"
_SWEEP = 60.0  # seconds between clearings of dead entries


@dataclass(slots=True)
class _Follower:
    """One thread that follows, from its start to its close."""

    stopping: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    stream: Stream | None = None


@dataclass(slots=True)
class _Local:
    """What belongs to one process; a fork starts a follower of its own."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    follower: _Follower | None = None


class RevocationFeed:
    """What one issuer has revoked, followed in a background thread: ``Revocations`` for a Verifier.

    It starts at the first question or by :meth:`start`, and after a fork by itself. Each time it connects it
    takes the signed snapshot, then follows the stream from there; where there is no usable snapshot, the
    stream alone says everything. Memory is bounded: an entry dies with the last token that it could match.

    :param client_id: this resource server as the issuer has registered it, and ``client_secret``.
    :param when_stale: what happens to tokens while nothing has been heard for ``max_staleness`` seconds:
        ``"accept"`` (the service stays up, revocations come late) or ``"refuse"`` (503 until it is back).
    :param keys: where the issuer's keys come from, for the snapshot; its own RemoteKeys by default.
    :param feed_uri: the stream; ``<issuer>/revocations`` by default, the snapshot is ``/snapshot`` below it.
    :raises ConfigurationError: ``when_stale`` is neither of the two words.
    :raises FetchFailed: the issuer is no https URL.
    """

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        client_secret: str,
        when_stale: Literal["accept", "refuse"],
        max_staleness: float = 60.0,
        keys: KeySource | None = None,
        feed_uri: str | None = None,
        allow_http: Collection[str] = (),
        ca_file: str | None = None,
        policy: FeedPolicy | None = None,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        if when_stale not in ("accept", "refuse"):
            raise ConfigurationError("when_stale must be 'accept' or 'refuse'.", claim="when_stale")
        self.issuer = issuer
        self._uri = feed_uri or f"{issuer.rstrip('/')}/revocations"
        check_url(self._uri, allow_http=frozenset(allow_http))
        self._refuse = when_stale == "refuse"
        self._policy = policy or FeedPolicy(max_staleness=max_staleness)
        self._authorization = _basic(client_id, client_secret)
        self._fetcher = Fetcher(limits=_SNAPSHOT_LIMITS, allow_http=allow_http, ca_file=ca_file)
        self._keys = keys or RemoteKeys(issuer, allow_http=allow_http, ca_file=ca_file, clock=clock)
        self._verifier = Verifier(
            issuer=issuer, audience=UNCHECKED, keys=self._keys, profile=REVOCATIONS, cache=None, clock=clock
        )
        self._clock = clock
        self._jitter = jitter
        self._denied = DenyList()
        self._state = FeedState()
        self._in_step = threading.Event()
        self._swept_at = clock()
        self._counts: Counter[str] = Counter()
        self._local = PerProcess(_Local)

    # --- what a Verifier asks ---

    def reason(self, claims: Claims) -> str | None:
        """Return why a token of this issuer is revoked, or None.

        :raises RevocationsUnavailable: the knowledge is stale, and ``when_stale`` is ``"refuse"``.
        """
        if not self._local.exists:
            self.start()
        if self._refuse and feed_state.is_stale(self._state, self._clock(), self._policy):
            raise RevocationsUnavailable(
                f"Nothing has been heard of the revocations of {self.issuer} for too long.",
                expected=self._policy.max_staleness,
                hint="Is the issuer's feed reachable from here, and this service registered with it?",
                retry_after=self._policy.retry_most,
            )
        return self._denied.reason(claims) if claims.issuer == self.issuer else None

    @property
    def staleness(self) -> float:
        """For how many seconds nothing has been heard; infinite before the first contact."""
        return feed_state.staleness(self._state, self._clock())

    @property
    def counters(self) -> Mapping[str, int]:
        """What happened so far: connections, cuts, events, malformed; and how many entries are held."""
        names = ("connections", "cuts", "snapshots", "events", "malformed")
        return {name: self._counts[name] for name in names} | {"entries": len(self._denied)}

    # --- its life ---

    def start(self) -> None:
        """Begin to follow, once per process; returns at once."""
        local = self._local.here()
        with local.lock:
            if local.follower is None:
                follower = local.follower = _Follower()
                follower.thread = threading.Thread(
                    target=self._follow, args=(follower,), name="mintmark-revocations", daemon=True
                )
                follower.thread.start()

    def wait(self, timeout: float) -> bool:
        """Wait until the feed has been in step once; tell whether it has."""
        return self._in_step.wait(timeout)

    def close(self) -> None:
        """Stop following until the next :meth:`start`; what is known stays known and becomes stale."""
        local = self._local.here()
        with local.lock:
            follower, local.follower = local.follower, None
        if follower is None:
            return
        follower.stopping.set()
        if follower.stream is not None:
            follower.stream.close()
        if follower.thread is not None:
            follower.thread.join(5.0)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- in the follower's thread ---

    def _follow(self, follower: _Follower) -> None:
        while not follower.stopping.is_set():
            try:
                self._connect(follower)
                failure = "the issuer ended the stream"
            except MintmarkError as error:
                failure = error.message
            except Exception as error:  # the thread must outlive whatever comes over the wire
                failure = type(error).__name__
            if follower.stopping.is_set():
                return
            self._counts["cuts"] += 1
            if self._state.failures == 0:  # once per outage, not once per try
                _log.warning("the revocation feed of %s is cut: %s", self.issuer, failure)
            self._state = feed_state.broken(self._state)
            follower.stopping.wait(feed_state.retry_delay(self._state, self._policy, self._jitter()))

    def _connect(self, follower: _Follower) -> None:
        last_id = self._snapshot()
        headers = {"Authorization": self._authorization, "Accept": _MEDIA_TYPE}
        headers |= {"Accept-Encoding": "identity", "Cache-Control": "no-store"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        timeout = self._policy.heartbeat_timeout
        with self._fetcher.stream(self._uri, headers=headers, read_timeout=timeout) as stream:
            follower.stream = stream
            if follower.stopping.is_set():  # close() has looked before there was a stream to close
                return
            if stream.status != 200 or not stream.headers.get("content-type", "").startswith(_MEDIA_TYPE):
                raise _unusable(stream.status, self._uri)
            self._counts["connections"] += 1
            if self._state.failures:
                _log.info("the revocation feed of %s is followed again", self.issuer)
            events = EventStream()
            for chunk in stream:
                self._take(events.feed(chunk))

    def _snapshot(self) -> str | None:
        """Take the signed snapshot; return the id from which the stream goes on."""
        try:
            answer = self._fetcher.fetch(
                f"{self._uri}/snapshot", headers={"Authorization": self._authorization}
            )
            if answer.status != 200:
                return self._state.last_id
            claims = self._verifier.verify(answer.body.decode("ascii", "replace"))
        except MintmarkError as error:
            _log.debug("the snapshot of %s cannot be used: %s", self.issuer, error.message)
            return self._state.last_id
        sequence = str(claims["seq"])
        now = self._clock()
        self._denied.add(self._entries(claims["entries"]), now=now)
        self._counts["snapshots"] += 1
        self._state = feed_state.heard(self._state, now, sequence)
        self._in_step.set()
        return sequence

    def _take(self, events: list[Event]) -> None:
        now = self._clock()
        for event in events:
            self._counts["events"] += 1
            try:
                members = json_object(event.data)
            except MintmarkError as error:
                self._malformed(error)
                continue
            self._denied.add(self._entries([members]), now=now)
        self._state = feed_state.heard(self._state, now, events[-1].event_id if events else None)
        self._in_step.set()
        if not 0 <= now - self._swept_at < _SWEEP:
            self._swept_at = now
            self._denied.expire(now)

    def _entries(self, listed: list[object]) -> list[Entry]:
        found = []
        for members in listed:
            try:
                entry = Entry.read(members)
            except FetchFailed as error:
                self._malformed(error)
                continue
            if entry is not None:
                found.append(entry)
        return found

    def _malformed(self, error: MintmarkError) -> None:
        self._counts["malformed"] += 1
        _log.error("an entry of the revocation feed of %s is left out: %s", self.issuer, error.message)


def _unusable(status: int, uri: str) -> FetchFailed:
    if status in (401, 403):
        return FetchFailed(
            f"{uri} refuses this service's credentials.",
            actual=status,
            hint="Register the service as a resource server at the issuer; check client_id and secret.",
        )
    return FetchFailed(f"{uri} is not to be had as an event stream: status {status}.", actual=status)


def _basic(client_id: str, client_secret: str) -> str:
    """Return HTTP Basic credentials as OAuth writes them: both parts form-encoded first (RFC 6749 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")
