"""Following a revocation feed over a real socket: cut, healed, silent, refused, forked (research row O11)."""

from __future__ import annotations

import base64
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mintmark.errors import ConfigurationError, RevocationsUnavailable
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jwt import REVOCATIONS, Claims, Issuer
from mintmark.jwt.sources import FixedKeys
from mintmark.resource_server import FeedPolicy, RevocationFeed, feed_state
from mintmark.resource_server.feed_state import FeedState
from net.scripted_server import ScriptedServer, Seen, reply, serving
from resource_server.fake_issuer import Clock

KEY = Key.generate("ES256", kid="k1")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 1000\n: connected\n\n"
QUICK = FeedPolicy(retry_first=0.01, retry_most=0.05, heartbeat_timeout=5.0)


class FeedServer:
    """The issuer's end: a log that grows, streams that follow it, a snapshot that is signed."""

    def __init__(self) -> None:
        self.log: list[dict[str, Any]] = []
        self.streams: list[queue.Queue[bytes]] = []
        self.snapshots = True
        self.refusal: bytes | None = None
        self.signer = KEY
        self.clock = Clock()
        self.server: ScriptedServer

    def deny(self, kind: str, value: str, **more: Any) -> None:
        self.log.append({"kind": kind, "value": value, "exp": self.clock.now + 600.0, **more})
        for stream in self.streams:
            stream.put(self._event(len(self.log)))

    def say(self, data: bytes) -> None:
        for stream in self.streams:
            stream.put(data)

    def _event(self, number: int) -> bytes:
        return f"id: {number}\ndata: {json.dumps(self.log[number - 1])}\n\n".encode()

    def answer(self, seen: Seen, connection: socket.socket) -> bytes | None:
        if self.refusal is not None:
            return self.refusal
        if seen.path == "/revocations/snapshot":
            return reply(self._snapshot()) if self.snapshots else reply(status="404 Not Found")
        after = int(seen.headers.get("last-event-id", "0"))
        coming: queue.Queue[bytes] = queue.Queue()
        self.streams.append(coming)
        events = b"".join(self._event(number) for number in range(after + 1, len(self.log) + 1))
        connection.sendall(HEAD + events)
        try:
            while not self.server.stopping.is_set():
                try:
                    connection.sendall(coming.get(timeout=0.05))
                except queue.Empty:
                    connection.setblocking(False)
                    try:
                        if connection.recv(1, socket.MSG_PEEK) == b"":
                            return None
                    except BlockingIOError:
                        pass
                    connection.setblocking(True)
        finally:
            self.streams.remove(coming)
        return None

    def _snapshot(self) -> bytes:
        issuer = Issuer(self.server.url, self.signer, clock=self.clock)
        claims = {"seq": len(self.log), "entries": self.log}
        return issuer.issue(lifetime=60, claims=claims, profile=REVOCATIONS).encode()


@pytest.fixture
def world() -> Iterator[FeedServer]:
    feed_server = FeedServer()
    with serving(feed_server.answer) as server:
        feed_server.server = server
        yield feed_server


@contextmanager
def following(world: FeedServer, **options: Any) -> Iterator[RevocationFeed]:
    settings: dict[str, Any] = {
        "client_id": "orders",
        "client_secret": "s:3 cr%t",
        "when_stale": "refuse",
        "keys": FixedKeys(KeySet([KEY.public])),
        "policy": QUICK,
        "clock": world.clock,
    }
    with RevocationFeed(world.server.url, **(settings | options)) as feed:
        yield feed


def claims(world: FeedServer, **members: Any) -> Claims:
    return Claims({"iss": world.server.url, "iat": 1, **members}, {}, KEY)


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_O11_a_revoked_sign_in_is_refused_within_a_second(world: FeedServer) -> None:
    with following(world) as feed:
        assert feed.wait(5)
        token = claims(world, sid="s1")
        assert feed.reason(token) is None
        began = time.monotonic()
        world.deny("sid", "s1")
        eventually(lambda: feed.reason(token) is not None)
        assert time.monotonic() - began < 1.0
        assert feed.reason(claims(world, sid="s2")) is None
    assert feed.counters["snapshots"] == 1


def test_it_authenticates_as_oauth_writes_basic_credentials(world: FeedServer) -> None:
    with following(world) as feed:
        assert feed.wait(5)
    sent = world.server.seen[0].headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent) == b"orders:s%3A3+cr%25t"


def test_what_was_revoked_before_is_in_the_snapshot_and_not_sent_again(world: FeedServer) -> None:
    world.deny("jti", "old")
    with following(world) as feed:
        assert feed.wait(5)
        assert feed.reason(claims(world, jti="old")) is not None
        eventually(lambda: feed.counters["connections"] == 1)
        assert world.server.seen[-1].headers["last-event-id"] == "1"


@pytest.mark.parametrize("trouble", ["absent", "forged"])
def test_without_a_usable_snapshot_the_stream_says_everything(world: FeedServer, trouble: str) -> None:
    world.snapshots = trouble != "absent"
    world.signer = Key.generate("ES256", kid="k1")
    world.deny("jti", "old")
    with following(world) as feed:
        eventually(lambda: feed.counters["events"] == 1)
        assert feed.reason(claims(world, jti="old")) is not None
        assert "last-event-id" not in world.server.seen[-1].headers
        assert feed.counters["snapshots"] == 0


def test_a_cut_connection_heals_and_misses_nothing(world: FeedServer) -> None:
    with following(world) as feed:
        eventually(lambda: feed.counters["connections"] == 1)
        world.refusal = reply(status="503 Busy")
        world.server.cut()
        eventually(lambda: feed.counters["cuts"] >= 3)
        world.deny("grant_id", "g1")
        world.snapshots = False
        world.refusal = None
        eventually(lambda: feed.reason(claims(world, grant_id="g1")) is not None)


def test_a_log_that_began_anew_is_followed_from_its_beginning(world: FeedServer) -> None:
    for number in range(5):
        world.deny("jti", f"t{number}")
    with following(world) as feed:
        eventually(lambda: feed.counters["connections"] == 1)
        world.log.clear()
        world.server.cut()
        eventually(lambda: feed.counters["connections"] == 2)
        world.deny("jti", "new")
        eventually(lambda: feed.reason(claims(world, jti="new")) is not None)


def test_a_silent_connection_is_given_up(world: FeedServer) -> None:
    policy = FeedPolicy(retry_first=0.01, retry_most=0.02, heartbeat_timeout=0.1)
    with following(world, policy=policy) as feed:
        eventually(lambda: feed.counters["connections"] >= 2)


@pytest.mark.parametrize(("when_stale", "refused"), [("refuse", True), ("accept", False)])
def test_stale_knowledge_fails_as_the_user_said(world: FeedServer, when_stale: str, refused: bool) -> None:
    with following(world, when_stale=when_stale) as feed:
        eventually(lambda: feed.counters["connections"] == 1)
        token = claims(world, sid="s")
        assert feed.reason(token) is None
        world.refusal = reply(status="503 Busy")
        world.server.cut()
        world.clock.now += 61.0
        assert feed.staleness >= 61.0
        if refused:
            with pytest.raises(RevocationsUnavailable):
                feed.reason(token)
        else:
            assert feed.reason(token) is None
        world.refusal = None
        eventually(lambda: feed.staleness < 1.0)
        assert feed.reason(token) is None


def test_before_the_first_contact_fail_closed_refuses(world: FeedServer) -> None:
    world.refusal = reply(status="503 Busy")
    with following(world) as feed, pytest.raises(RevocationsUnavailable):
        feed.reason(claims(world, sid="s"))


def test_wrong_credentials_are_said_once(world: FeedServer, caplog: pytest.LogCaptureFixture) -> None:
    world.refusal = reply(status="401 Unauthorized")
    with following(world) as feed:
        eventually(lambda: feed.counters["cuts"] >= 3)
    lines = [record.getMessage() for record in caplog.records if "cut" in record.getMessage()]
    assert len(lines) == 1
    assert "refuses this service's credentials" in lines[0]
    assert "s:3 cr%t" not in caplog.text


def test_garbage_in_the_stream_is_counted_and_the_rest_still_counts(world: FeedServer) -> None:
    with following(world) as feed:
        eventually(lambda: feed.counters["connections"] == 1)
        world.say(b'data: {]\n\ndata: []\n\ndata: {"kind":"jti"}\n\ndata: {"kind":"planet"}\n\n\xff\xfe\n\n')
        world.deny("jti", "t")
        eventually(lambda: feed.reason(claims(world, jti="t")) is not None)
        assert feed.counters["malformed"] == 3


def test_another_issuers_tokens_are_not_its_business(world: FeedServer) -> None:
    world.deny("sub", "alice", before=world.clock.now)
    with following(world) as feed:
        assert feed.wait(5)
        assert feed.reason(claims(world, sub="alice")) is not None
        assert feed.reason(Claims({"iss": "https://other.example", "sub": "alice"}, {}, KEY)) is None


def test_closing_is_quick_and_leaves_no_thread(world: FeedServer) -> None:
    with following(world) as feed:
        eventually(lambda: feed.counters["connections"] == 1)
        began = time.monotonic()
    assert time.monotonic() - began < 3.0
    assert not any(thread.name == "mintmark-revocations" for thread in threading.enumerate())
    feed.reason(claims(world, sid="s"))  # a question after the end starts nothing
    assert not any(thread.name == "mintmark-revocations" for thread in threading.enumerate())


def test_it_may_be_started_again(world: FeedServer) -> None:
    with following(world) as feed:
        assert feed.wait(5)
    world.deny("sid", "s")
    with feed:
        eventually(lambda: feed.reason(claims(world, sid="s")) is not None)


def test_what_happens_when_stale_must_be_stated() -> None:
    with pytest.raises(ConfigurationError):
        RevocationFeed("https://a.example", client_id="c", client_secret="s", when_stale="perhaps")  # type: ignore[arg-type]


FORK = """
import os, sys, time, warnings
warnings.simplefilter("ignore")
from mintmark.jose.jwk import Key
from mintmark.jwt import Claims
from mintmark.resource_server import RevocationFeed
feed = RevocationFeed(sys.argv[1], client_id="c", client_secret="s", when_stale="accept")
feed.start()
assert feed.wait(5)
token = Claims({"iss": sys.argv[1], "jti": "t", "iat": 1}, {}, Key.generate("ES256"))
pid = os.fork()
if pid == 0:
    feed.reason(token)
    until = time.monotonic() + 5
    print("ready", flush=True)
    while feed.reason(token) is None and time.monotonic() < until:
        time.sleep(0.01)
    os._exit(0 if feed.reason(token) is not None else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def test_a_fork_follows_by_itself(world: FeedServer) -> None:
    world.snapshots = False
    world.clock.now = time.time()
    child = subprocess.Popen(
        [sys.executable, "-c", FORK, world.server.url], stdout=subprocess.PIPE, env=dict(os.environ)
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        world.deny("jti", "t")
        assert child.wait(20) == 0


def test_retries_back_off_with_jitter_to_a_bound() -> None:
    policy, state, waits = FeedPolicy(), FeedState(), []
    for _ in range(8):
        state = feed_state.broken(state)
        waits.append(feed_state.retry_delay(state, policy, 1.0))
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0]
    assert feed_state.retry_delay(state, policy, 0.0) == 0.5
    assert feed_state.heard(state, 1.0).failures == 0
