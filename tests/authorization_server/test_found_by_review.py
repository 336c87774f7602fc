"""What a review of the token service found, each thing once."""

from __future__ import annotations

import logging
import socket
from typing import ClassVar

import pytest

from mintmark.authorization_server.claims import build_access_claims
from mintmark.authorization_server.sessions import Refreshed

from .oauth.test_exchange import exchange
from .running import Browser, claims_of
from .world import World

pytestmark = pytest.mark.anyio


class Minted(dict[str, object]):
    """The claims of a token, and its header."""

    header: ClassVar = {"kid": "k"}


async def test_C8_O11_a_token_that_is_minted_as_the_person_is_shut_out_is_denied(world: World) -> None:
    """The refresh is on disk, its token not yet made: another replica ends everything in between."""
    granted = await world.grant()
    assert granted.refresh_token is not None
    refreshed = await world.refresh(granted.refresh_token)
    assert isinstance(refreshed, Refreshed)
    await world.sessions.end_person(world.alice.person_id, world.now, reason="disabled")
    claims = build_access_claims(client_id="app", scope=("orders",), grant=refreshed.grant)
    token = Minted(claims, sub=world.alice.person_id, iat=world.now + 2.0, exp=world.now + 602.0)
    world.now += 3.0
    assert world.deny_log.reason(token) is not None


@pytest.mark.parametrize("late", [599.5, 610.0])
def test_E9_a_subject_token_in_its_last_moment_is_refused_and_no_fault(own: Browser, late: float) -> None:
    """Verifiers grant clocks some leeway; what is given in exchange cannot live in it."""
    token = own.tokens()["access_token"]
    own.server.clock.now = claims_of(token)["exp"] - 600.0 + late
    answer = exchange(own, token)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_caller_that_hangs_up_in_mid_sentence_is_no_fault_of_ours(
    own: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    host, _, port = own.server.url.removeprefix("http://").partition(":")
    for path in ("/token", "/sign-in"):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
            connection.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant".encode())
        while path not in [getattr(record, "mintmark", {}).get("route") for record in caplog.records]:
            own.http.get("/health")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
