"""Signing a person in on another device (RFC 8628), over a real socket, with time as the test says."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from client.fake_issuer import CLIENT, DEVICE_GRANT, FakeIssuer
from mintmark.client import DeviceFlow, DeviceFlowEnded, Ending, Token, TokenClient, TokenRefused
from mintmark.client.device_answers import Polling, read_authorization
from mintmark.errors import FetchFailed
from mintmark.net import Response
from net.scripted_server import reply, serving


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    issuer = FakeIssuer()
    with serving(issuer.answer) as server:
        issuer.server = server
        yield issuer


def flow(issuer: FakeIssuer, client_id: str = CLIENT, **options: Any) -> DeviceFlow:
    client = TokenClient(issuer.server.url, client_id, public=True, clock=issuer.clock)
    return DeviceFlow(client, **{"sleep": issuer.sleep, "asleep": issuer.asleep, **options})


def approving_after(issuer: FakeIssuer, polls: int, verdict: str = "approved") -> Any:
    """A sleep during which, at the given turn, the person decides."""
    turns = iter(range(1, 1000))

    def sleep(seconds: float) -> None:
        issuer.now += seconds
        if next(turns) == polls:
            issuer.decide(verdict)

    return sleep


def test_start_gives_what_a_person_needs(issuer: FakeIssuer) -> None:
    started = flow(issuer, scope=["orders:read", "orders:write"], resource="https://api.example.com").start()
    assert started.user_code == "WDJB-MJHT"
    assert started.verification_uri == f"{issuer.server.url}/device"
    assert started.verification_uri_complete == f"{issuer.server.url}/device?user_code=WDJB-MJHT"
    assert (started.expires_at, started.interval) == (issuer.now + 600, 5)
    sent = issuer.server.seen[-1].body.decode()
    assert sent == (
        f"resource=https%3A%2F%2Fapi.example.com&scope=orders%3Aread+orders%3Awrite&client_id={CLIENT}"
    )
    assert "device-code" not in repr(started)


@pytest.mark.parametrize("interval", [5, 9, None])
def test_polls_at_the_issuers_interval_until_the_person_said_yes(
    issuer: FakeIssuer, interval: int | None
) -> None:
    issuer.interval, begun = interval, issuer.now
    device = flow(issuer, sleep=approving_after(issuer, 3))
    token = device.token(device.start())
    assert (token.access_token, token.refresh_token) == ("t3", "device.0")
    assert "device.0" not in repr(token)
    assert [at - begun for at in issuer.asked_at] == [(interval or 5) * turn for turn in (1, 2, 3)]
    code = {"grant_type": DEVICE_GRANT, "device_code": "device-code-0", "client_id": CLIENT}
    assert issuer.asked == [code] * 3


def test_slow_down_adds_five_seconds_for_good(issuer: FakeIssuer) -> None:
    device = flow(issuer, sleep=approving_after(issuer, 5))
    started, begun = device.start(), issuer.now
    issuer.devices["device-code-0"].busy = 2  # after that it would mind who comes too soon
    assert device.token(started).access_token == "t5"
    assert [at - begun for at in issuer.asked_at] == [5, 15, 30, 45, 60]


@pytest.mark.parametrize(("verdict", "ending"), [("access_denied", "denied"), ("expired_token", "expired")])
def test_no_is_an_answer(issuer: FakeIssuer, verdict: str, ending: str) -> None:
    device = flow(issuer, sleep=approving_after(issuer, 2, verdict))
    with pytest.raises(DeviceFlowEnded) as caught:
        device.token(device.start())
    assert caught.value.ending == ending
    assert len(issuer.asked) == 2


def test_an_expired_code_is_not_asked_about(issuer: FakeIssuer) -> None:
    issuer.lifetime = 22
    device = flow(issuer)
    with pytest.raises(DeviceFlowEnded) as caught:
        device.token(device.start())
    assert caught.value.ending is Ending.EXPIRED
    assert len(issuer.asked) == 4


def test_an_issuer_in_trouble_is_asked_half_as_often_each_time(issuer: FakeIssuer) -> None:
    issuer.broken, begun = reply(status="503 Busy"), issuer.now
    waited = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        issuer.now += seconds
        if len(waited) == 4:
            issuer.broken = None
            issuer.decide("approved")

    device = flow(issuer, sleep=sleep)
    assert device.token(device.start()).access_token == "t4"
    assert waited == [5, 10, 20, 40]
    assert issuer.now - begun == 75


def test_another_refusal_ends_it(issuer: FakeIssuer) -> None:
    device = flow(issuer, client_id="stranger")
    with pytest.raises(TokenRefused, match="invalid_client"):
        device.token(device.start())


def test_cancelling_wakes_the_thread_that_waits(issuer: FakeIssuer) -> None:
    device = flow(issuer, sleep=None)
    started = device.start()
    seen: list[object] = []

    def wait() -> None:
        try:
            seen.append(device.token(started))
        except DeviceFlowEnded as ended:
            seen.append(ended.ending)

    waiting = threading.Thread(target=wait)
    waiting.start()
    started.cancel()
    waiting.join(4)  # less than the interval
    assert seen == [Ending.CANCELLED]
    assert issuer.asked == []


def test_asyncio_gets_the_same(issuer: FakeIssuer) -> None:
    sleep = approving_after(issuer, 3)

    async def asleep(seconds: float) -> None:
        sleep(seconds)

    async def sign_in() -> Token:
        device = flow(issuer, asleep=asleep)
        return await device.atoken(await device.astart())

    assert asyncio.run(sign_in()).access_token == "t3"


def test_a_cancelled_task_asks_no_more(issuer: FakeIssuer) -> None:
    async def sign_in() -> None:
        device = flow(issuer, asleep=asyncio.sleep)
        task = asyncio.create_task(device.atoken(await device.astart()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(sign_in())
    assert issuer.asked == []


GOOD = {
    "device_code": "d",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://a.example",
    "expires_in": 9,
}


@pytest.mark.parametrize(
    "change",
    [
        {"device_code": None},
        {"device_code": ""},
        {"user_code": 7},
        {"user_code": ""},
        {"user_code": "A\x1b[2J"},
        {"user_code": "A" * 65},
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "https://a.example/\n"},
        {"verification_uri_complete": "data:text/html,x"},
        {"expires_in": None},
        {"expires_in": True},
        {"expires_in": -1},
        {"expires_in": "600"},
        {"interval": "soon"},
    ],
)
def test_what_cannot_be_shown_to_a_person_is_refused(change: dict[str, object]) -> None:
    body = json.dumps({**GOOD, **change}).encode()
    with pytest.raises(FetchFailed):
        read_authorization(Response(200, {}, body), now=0.0)


def test_times_are_bounded() -> None:
    body = json.dumps({**GOOD, "expires_in": 10**9, "interval": 0}).encode()
    started = read_authorization(Response(200, {}, body), now=1.0)
    assert (started.expires_at, started.interval) == (86_401.0, 1.0)


def test_the_last_turn_is_before_the_code_expires() -> None:
    assert Polling(5.0, 100.0).wait(94.9) == 5.0
    with pytest.raises(DeviceFlowEnded):
        Polling(5.0, 100.0).wait(95.0)
