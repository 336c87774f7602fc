"""An issuer's keys over a real socket: down, slow, lying, rotating, flooded (rows K8, K9, K11-K14)."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mintmark.errors import FetchFailed, InvalidSignature, KeysUnavailable, UnknownKey
from mintmark.jose.jwk import Key
from mintmark.jwt.issuer import Issuer
from mintmark.jwt.verifier import Verifier
from mintmark.net import Limits
from mintmark.resource_server import RemoteKeys
from net.scripted_server import reply
from resource_server.fake_issuer import KEY_A, KEY_B, Clock, FakeIssuer, issuing

LIMITS = Limits(connect=10.0, read=20.0, total=30.0, body=20_000)  # no test here waits for one of these


@pytest.fixture
def world() -> Iterator[FakeIssuer]:
    with issuing(KEY_A) as issuer:
        yield issuer


def remote(world: FakeIssuer, clock: Clock, **options: Any) -> RemoteKeys:
    return RemoteKeys(world.issuer, clock=clock, jitter=lambda: 1.0, limits=LIMITS, **options)


def kids(keys: RemoteKeys) -> set[str] | None:
    current = keys.current()
    return None if current is None else {key.kid for key in current}


def eventually(condition: Callable[[], bool]) -> None:
    """Wait for a background thread; fails after five seconds."""
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_making_one_fetches_nothing_and_the_first_use_finds_the_keys(world: FakeIssuer) -> None:
    keys = remote(world, Clock())
    assert world.server.seen == []
    assert keys.current() is None
    assert {key.kid for key in keys.refresh("a")} == {"a"}
    assert [seen.path for seen in world.server.seen] == ["/.well-known/openid-configuration", "/jwks"]
    assert kids(keys) == {"a"}
    assert keys.counters["fetches"] == keys.counters["replacements"] == 1


def test_P3_a_hundred_tokens_are_verified_and_the_issuer_is_asked_once(world: FakeIssuer) -> None:
    clock = Clock()
    issuer = Issuer(world.issuer, KEY_A, clock=clock)
    verifier = Verifier(issuer=world.issuer, audience="orders", keys=remote(world, clock), clock=clock)
    for number in range(50):
        token = issuer.issue(subject=f"s{number}", audience="orders", lifetime=600)
        assert verifier.verify(token).subject == f"s{number}"
        token = issuer.issue(subject=f"a{number}", audience="orders", lifetime=600)
        assert asyncio.run(verifier.averify(token)).subject == f"a{number}"
    assert world.fetches == 1


def test_K13_an_issuer_that_is_down_at_the_start_is_asked_again_with_back_off() -> None:
    clock = Clock()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    keys = RemoteKeys(f"http://127.0.0.1:{port}", clock=clock, jitter=lambda: 1.0, limits=LIMITS)
    for _ in range(20):
        with pytest.raises(KeysUnavailable) as caught:
            keys.refresh("a")
    assert keys.counters["fetches"] == 1
    assert caught.value.retry_after == 1.0
    clock.now += 1.0
    with pytest.raises(KeysUnavailable) as caught:
        keys.refresh("a")
    assert keys.counters["fetches"] == 2
    assert caught.value.retry_after == 2.0
    assert keys.counters["unavailable"] == 21


BROKEN: dict[str, bytes] = {
    "500": reply(b"no", status="500 Internal Server Error"),
    "404": reply(b"no", status="404 Not Found"),
    "redirect": reply(status="302 Found", headers={"Location": "https://evil.example/"}),
    "garbage": reply(b"\xff\xfe<html>"),
    "not an object": reply(b"[]"),
    "no keys": reply(b'{"keyz":[]}'),
    "keys no list": reply(b'{"keys":{}}'),
    "duplicate names": reply(b'{"keys":[],"keys":[]}'),
    "too many keys": reply(b'{"keys":[' + b"{}," * 100 + b"{}]}"),
    "truncated": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
    "cut before the head": b"",
    "oversized": reply(b" " * 30_000),
    "unasked 304": b"HTTP/1.1 999 Odd\r\n\r\n",
}


@pytest.mark.parametrize("wire", BROKEN.values(), ids=BROKEN.keys())
def test_K13_whatever_an_issuer_answers_the_last_good_set_serves_until_max_stale(
    world: FakeIssuer, wire: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    keys = remote(world, clock, max_stale=10_000.0)
    keys.refresh("a")
    world.broken = wire
    clock.now += 700.0  # past the TTL: one caller waits for a fetch, which fails
    assert keys.current() is None
    with caplog.at_level(logging.WARNING, logger="mintmark.resource_server"):
        assert keys.refresh("a").get("a") is not None
    assert "the last good set serves" in caplog.text
    assert kids(keys) == {"a"}  # and from now on nobody waits
    assert keys.counters["stale_served"] == 1
    clock.now += 10_000.0
    assert keys.current() is None
    with pytest.raises(KeysUnavailable):
        keys.refresh("a")
    world.broken = None
    clock.now += 60.0
    assert {key.kid for key in keys.refresh("a")} == {"a"}


def test_K14_a_slow_issuer_costs_a_caller_patience_not_more(world: FakeIssuer) -> None:
    world.hold = threading.Event()
    keys = remote(world, Clock(), patience=0.05)
    began = time.monotonic()
    with pytest.raises(KeysUnavailable):
        keys.refresh("a")
    with pytest.raises(KeysUnavailable):
        asyncio.run(keys.arefresh("a"))
    assert time.monotonic() - began < 3.0
    world.hold.set()
    eventually(lambda: kids(keys) == {"a"})
    assert keys.counters["fetches"] == 1


def test_a_strangers_kid_never_makes_others_wait(world: FakeIssuer) -> None:
    """While a fetch for an unknown kid hangs, tokens with a known key go on being verified."""
    clock = Clock()
    keys = remote(world, clock, patience=5.0)
    keys.refresh("a")
    clock.now += 31
    world.hold = threading.Event()
    stranger = threading.Thread(target=keys.refresh, args=("made-up",))
    stranger.start()
    eventually(lambda: world.fetches == 2)
    assert kids(keys) == {"a"}
    world.hold.set()
    stranger.join(5)


def test_a_kid_that_is_known_to_be_unknown_waits_for_nobody(world: FakeIssuer) -> None:
    clock = Clock()
    keys = remote(world, clock)
    keys.refresh("a")
    keys.refresh("made-up")
    world.hold = threading.Event()
    other = threading.Thread(target=keys.refresh, args=("another",))
    other.start()
    eventually(lambda: world.fetches == 3)
    began = time.monotonic()
    keys.refresh("made-up")
    assert time.monotonic() - began < 1.0
    world.hold.set()
    other.join(5)


def test_a_refresh_happens_ahead_in_the_background_and_keeps_an_unchanged_set(world: FakeIssuer) -> None:
    clock = Clock()
    world.etags = True
    keys = remote(world, clock)
    first = keys.refresh("a")
    clock.now += 580.0
    assert keys.current() is first
    eventually(lambda: keys.counters["not_modified"] == 1)
    assert "if-none-match" in world.server.seen[-1].headers
    assert keys.current() is first
    clock.now += 580.0
    world.publish(KEY_A, KEY_B)
    assert keys.current() is first
    eventually(lambda: kids(keys) == {"a", "b"})


def test_an_unchanged_body_keeps_the_same_set_without_etag_too(world: FakeIssuer) -> None:
    clock = Clock()
    keys = remote(world, clock)
    first = keys.refresh("a")
    clock.now += 700.0
    assert keys.refresh("a") is first


def test_K11_a_removed_key_dies_at_the_next_refresh(world: FakeIssuer) -> None:
    clock = Clock()
    verifier = Verifier(issuer=world.issuer, audience="o", keys=remote(world, clock), clock=clock)
    token = Issuer(world.issuer, KEY_A, clock=clock).issue(subject="s", audience="o", lifetime=3600)
    verifier.verify(token)
    world.publish(KEY_B)
    clock.now += 601.0
    with pytest.raises(UnknownKey):
        verifier.verify(token)


def test_a_new_key_is_found_at_once_though_a_fetch_was_just_made(world: FakeIssuer) -> None:
    clock = Clock()
    verifier = Verifier(issuer=world.issuer, audience="o", keys=remote(world, clock), clock=clock)
    verifier.verify(Issuer(world.issuer, KEY_A, clock=clock).issue(subject="s", audience="o", lifetime=60))
    world.publish(KEY_A, KEY_B)
    token = Issuer(world.issuer, KEY_B, clock=clock).issue(subject="s", audience="o", lifetime=60)
    assert verifier.verify(token).key.kid == "b"
    assert world.fetches == 2


def test_K12_ten_thousand_unknown_kids_make_two_fetches_then_one_per_cooldown(world: FakeIssuer) -> None:
    clock = Clock()
    keys = remote(world, clock)
    keys.refresh("a")
    for round_ in range(3):
        for number in range(3400):
            assert keys.refresh(f"made-up-{round_}-{number}").get("a") is not None
        assert world.fetches == 3 + round_
        clock.now += 30.0
    assert keys.counters["unknown_kid_fetches"] == 4
    assert keys.counters["unknown_kid_refusals"] == 10_200 - 4


def test_K12_a_known_unknown_kid_costs_nothing_at_all(world: FakeIssuer) -> None:
    clock = Clock()
    keys = remote(world, clock)
    keys.refresh("a")
    keys.refresh("made-up")
    clock.now += 29.0
    keys.refresh("made-up")
    assert world.fetches == 2


def test_K12_sixteen_threads_on_a_cold_cache_share_one_fetch(world: FakeIssuer) -> None:
    keys = remote(world, Clock())
    found: list[bool] = []
    together = threading.Barrier(16)

    def ask() -> None:
        together.wait()
        found.append(keys.refresh("a").get("a") is not None)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == [True] * 16
    assert (world.fetches, keys.counters["fetches"]) == (1, 1)


def test_K12_two_hundred_tasks_and_threads_beside_share_one_fetch(world: FakeIssuer) -> None:
    keys = remote(world, Clock())
    world.hold = threading.Event()

    async def crowd() -> int:
        beside = asyncio.gather(*(asyncio.to_thread(keys.refresh, "a") for _ in range(4)))
        tasks = [asyncio.create_task(keys.arefresh("a")) for _ in range(200)]
        await asyncio.sleep(0.05)
        assert world.hold is not None
        world.hold.set()
        sets = [*await asyncio.gather(*tasks), *await beside]
        return sum(found.get("a") is not None for found in sets)

    assert asyncio.run(crowd()) == 204
    assert world.fetches == 1


def test_a_task_that_is_cancelled_takes_nobody_with_it(world: FakeIssuer) -> None:
    keys = remote(world, Clock())
    world.hold = threading.Event()

    async def crowd() -> None:
        tasks = [asyncio.create_task(keys.arefresh("a")) for _ in range(3)]
        await asyncio.sleep(0.02)
        tasks[0].cancel()
        await asyncio.sleep(0)
        assert world.hold is not None
        world.hold.set()
        assert (await tasks[1]).get("a") is not None
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        await tasks[2]

    asyncio.run(crowd())
    assert world.fetches == 1


def test_two_issuers_with_one_kid_do_not_mix(world: FakeIssuer) -> None:
    clock = Clock()
    impostor = Key.generate("ES256", kid="a")
    with issuing(impostor) as other:
        here = Verifier(issuer=world.issuer, audience="o", keys=remote(world, clock), clock=clock)
        there = Verifier(issuer=other.issuer, audience="o", keys=remote(other, clock), clock=clock)
        forged = Issuer(world.issuer, impostor, clock=clock).issue(subject="s", audience="o", lifetime=60)
        with pytest.raises(InvalidSignature):
            here.verify(forged)
        honest = Issuer(other.issuer, impostor, clock=clock).issue(subject="s", audience="o", lifetime=60)
        assert there.verify(honest).subject == "s"


@pytest.mark.parametrize("named", ["https://evil.example", "{}/", "HTTP://127.0.0.1"])
def test_discovery_must_name_the_very_issuer(world: FakeIssuer, named: str, caplog: Any) -> None:
    world.named = named.format(world.issuer)
    keys = remote(world, Clock())
    with pytest.raises(KeysUnavailable, match="names another issuer") as caught:
        keys.refresh("a")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("Write the issuer exactly as it names itself")
    assert world.fetches == 0
    assert "names another issuer" in caplog.text


def test_oauth_metadata_serves_where_openid_has_none() -> None:
    issuer = FakeIssuer(KEY_A)

    def oauth_only(seen: Any, connection: socket.socket) -> bytes:
        if seen.path == "/.well-known/openid-configuration":
            return reply(status="404 Not Found")
        if seen.path == "/.well-known/oauth-authorization-server":
            return reply(
                b'{"issuer":"%s","jwks_uri":"%s/jwks"}' % (issuer.issuer.encode(), issuer.issuer.encode())
            )
        return issuer.answer(seen, connection)

    from net.scripted_server import serving

    with serving(oauth_only) as server:
        issuer.server = server
        assert remote(issuer, Clock()).refresh("a").get("a") is not None


def test_K8_what_is_not_understood_is_skipped_and_secrets_are_refused(
    world: FakeIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    secret = Key.generate("ES256", kid="leaked").to_jwk(private=True)
    symmetric = {"kty": "oct", "kid": "hmac", "alg": "HS256", "k": "A" * 43}
    future = {"kty": "FUTURE", "kid": "f"}
    world.jwks = {"keys": [future, secret, symmetric, 7, {"kty": "EC", "crv": "P-256"}, KEY_A.to_jwk()]}
    keys = remote(world, Clock())
    assert {key.kid for key in keys.refresh("a")} == {"a"}
    assert keys.counters["secret_keys_refused"] == 2
    assert "('leaked', 'hmac')" in caplog.text
    assert str(secret["d"]) not in caplog.text


def test_an_empty_set_replaces_the_old_one(world: FakeIssuer) -> None:
    clock = Clock()
    keys = remote(world, clock)
    keys.refresh("a")
    world.publish()
    clock.now += 700.0
    assert len(keys.refresh("a")) == 0


def test_K9_plain_http_is_refused_when_it_is_made() -> None:
    with pytest.raises(FetchFailed, match="only https"):
        RemoteKeys("http://auth.example.com")
    RemoteKeys("http://auth.internal", allow_http=["auth.internal"])


def test_a_stated_jwks_uri_needs_no_discovery(world: FakeIssuer) -> None:
    keys = RemoteKeys("https://auth.example.com", jwks_uri=f"{world.issuer}/jwks", clock=Clock())
    assert keys.refresh("a").get("a") is not None
    assert [seen.path for seen in world.server.seen] == ["/jwks"]


def test_a_warm_start_serves_while_the_issuer_is_down(world: FakeIssuer, tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "keys.json"
    remote(world, clock, warm_start=file).refresh("a")
    eventually(file.exists)
    assert file.stat().st_mode & 0o777 == 0o600
    world.broken = reply(status="500 No")
    clock.now += 30.0
    again = remote(world, clock, warm_start=file)
    assert kids(again) == {"a"}
    clock.now += 86400.0
    assert remote(world, clock, warm_start=file).current() is None


@pytest.mark.parametrize("damage", ["mode", "issuer", "content", "secret", "symlink", "future"])
def test_a_warm_start_file_is_believed_only_when_it_is_ours(
    world: FakeIssuer, tmp_path: Path, damage: str
) -> None:
    clock, file = Clock(), tmp_path / "keys.json"
    remote(world, clock, warm_start=file).refresh("a")
    eventually(file.exists)
    if damage == "mode":
        file.chmod(0o620)
    elif damage == "issuer":
        file.write_text(file.read_text().replace(world.issuer, "https://evil.example"))
    elif damage == "content":
        file.write_bytes(file.read_bytes()[:-3])
    elif damage == "secret":
        file.write_text(file.read_text().replace("keys", "keyz"))
    elif damage == "symlink":
        file.rename(tmp_path / "real.json")
        file.symlink_to(tmp_path / "real.json")
    elif damage == "future":
        clock.now -= 100.0
    assert remote(world, clock, warm_start=file).current() is None


def test_a_folder_that_is_not_there_costs_a_warning(
    world: FakeIssuer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = remote(world, Clock(), warm_start=tmp_path / "absent" / "keys.json")
    assert keys.refresh("a").get("a") is not None
    eventually(lambda: "cannot be written" in caplog.text)


FORK = """
import os, sys, threading, warnings
warnings.simplefilter("ignore")
from mintmark.resource_server import RemoteKeys
keys = RemoteKeys(sys.argv[1], clock=lambda: clock[0])
clock = [1_700_000_000.0]
keys.refresh("a")
keys._local.here().lock.acquire()  # the worst moment: another thread of the parent holds the lock
clock[0] += 31
children = []
for number in range(3):
    pid = os.fork()
    if pid == 0:
        ok = keys.current().get("a") is not None and keys.refresh("new").get("a") is not None
        os._exit(0 if ok and keys.counters["fetches"] == 2 else 1)
    children.append(pid)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children))
"""


def test_a_fork_after_the_first_use_works_on_by_itself(world: FakeIssuer) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK, world.issuer], timeout=30, env=dict(os.environ), check=False
    )
    assert done.returncode == 0
    assert world.fetches == 4
