"""What a review of the token service found, each thing once."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from msgspec.structs import replace
from starlette.types import ASGIApp, Receive, Scope, Send

from mintmark.authorization_server.app import create_app
from mintmark.authorization_server.assembly import opened
from mintmark.authorization_server.claims import Wanted, build_access_claims
from mintmark.authorization_server.people import NewPerson, PasswordHasher, People
from mintmark.authorization_server.sessions import Beginning, CodeRequest, Refreshed
from mintmark.authorization_server.settings_file import load_settings
from mintmark.authorization_server.storage.records import Person

from .oauth.test_exchange import exchange
from .running import (
    ALICE,
    ORDERS_SECRET,
    START,
    Browser,
    Clock,
    Running,
    basic,
    claims_of,
    settings_data,
    toml_of,
)
from .world import CHEAP, PASSWORD, World

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


async def test_a_password_that_is_changed_during_its_last_sign_in_is_not_brought_back(world: World) -> None:
    """The old hash is outdated, so that it is made anew: by then it may be another one."""
    people = People(world.db, world.secrets, hasher=PasswordHasher(replace(CHEAP, passes=2)))
    hash_anew = people._hasher.hash

    async def slowly(password: str) -> str:
        await world.people.set_password(world.alice.person_id, "quite another phrase", world.now)
        return await hash_anew(password)

    people._hasher.hash = slowly  # type: ignore[method-assign]
    await world.try_password("alice", PASSWORD, network="10.0.0.1", people=people)
    people._hasher.hash = hash_anew  # type: ignore[method-assign]
    try:
        for password, fits in ((PASSWORD, False), ("quite another phrase", True)):
            found = await world.try_password("alice", password, network="10.0.0.2", people=people)
            assert isinstance(found, Person) is fits
    finally:
        people.close()


@pytest.mark.parametrize("disabled", [False, True])
def test_C8_a_sign_in_that_was_under_way_does_not_outlive_its_password(own: Browser, disabled: bool) -> None:
    """The password fitted a moment ago; while that was found out, everything of the person was ended."""
    own.server.clock.advance(1)
    service, now = own.server.service, own.server.clock()
    verify = service.people._hasher.verify

    async def slowly(stored: str | None, password: str) -> bool:
        fits = await verify(stored, password)
        person = await service.people.find_by_username(ALICE[0])
        assert person is not None
        if disabled:
            await service.database.write(service.people.disabling(person.person_id, now))
        else:
            await service.people.set_password(person.person_id, "quite another phrase", now)
        await service.sessions.end_person(person.person_id, now, reason="password_changed")
        return fits

    service.people._hasher.verify = slowly  # type: ignore[method-assign]
    answer = own.sign_in(own.authorize())
    assert answer.status_code == 422
    assert own.authorize().status_code == 200  # the page that asks for the password


def test_C8_an_account_that_is_erased_during_a_request_gets_no_code(own: Browser) -> None:
    own.sign_in(own.authorize())
    service, now = own.server.service, own.server.clock()
    create_code = service.sessions.create_code

    async def late(request: CodeRequest, at: float, *, beginning: Beginning | None) -> str:
        unit = service.people.removing(request.person_id, now)
        await service.sessions.end_person(request.person_id, now, reason="removed", also=unit)
        return await create_code(request, at, beginning=beginning)

    service.sessions.create_code = late  # type: ignore[method-assign]
    answer = own.authorize()
    assert answer.status_code == 303
    assert "error=login_required" in answer.headers["location"]
    assert own.authorize().status_code == 200  # the page that asks for the password


def test_an_outage_of_the_claims_hook_signs_nobody_out(tmp_path: Path) -> None:
    """However long it lasts: a successor that nobody was given does not make its token a stolen one."""
    broken = False

    def hook(wanted: Wanted) -> dict[str, object]:
        if broken:
            raise TimeoutError("the directory does not answer")
        return {}

    with Running(tmp_path, claims_hook=hook) as server, Browser(server) as browser:
        token = browser.tokens()["refresh_token"]
        broken = True
        for _ in range(3):
            server.clock.advance(60)
            answer = browser.refresh(token)
            assert (answer.status_code, answer.headers["connection"]) == (500, "close")
        broken = False
        server.clock.advance(60)
        renewed = browser.refresh(token)
        assert renewed.status_code == 200
        server.clock.advance(60)
        assert browser.refresh(token).json()["error"] == "invalid_grant"  # an old one ends it as ever
        assert browser.refresh(renewed.json()["refresh_token"]).json()["error"] == "invalid_grant"


def test_O7_B15_two_authorization_headers_are_refused(browser: Browser) -> None:
    """Whatever stands before us may have looked at the other one."""
    credentials = [
        (name, value) for who in ("orders", "billing") for name, value in basic(who, ORDERS_SECRET).items()
    ]
    answer = browser.http.post("/token", headers=credentials, data={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_O11_tokens_from_before_their_lives_were_shortened_stay_denied_to_their_end(
    tmp_path: Path,
) -> None:
    file = tmp_path / "settings.toml"
    for lifetime in (3600, 300):
        file.write_text(
            toml_of(settings_data("https://a.example", tokens={"access_token_lifetime": lifetime}))
        )
        async with opened(load_settings(file), clock=Clock()) as service:
            person = await service.people.ensure(NewPerson("eve", PASSWORD), START)
            await service.sessions.end_person(person.person_id, START + lifetime, reason="disabled")
            ends = [entry.exp for entry in service.deny_log.entries_after(0, START)]
    assert ends[-1] >= START + 300 + 3600


async def test_middleware_that_somebody_adds_sees_every_request(tmp_path: Path) -> None:
    """The short way past the router is for an application as it comes."""
    (tmp_path / "settings.toml").write_text(toml_of(settings_data("https://auth.example.com")))
    app = create_app(load_settings(tmp_path / "settings.toml"))
    seen: list[str] = []

    class Watching:
        def __init__(self, app: ASGIApp) -> None:
            self._app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["path"])
            await self._app(scope, receive, send)

    app.add_middleware(Watching)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://auth.example.com") as http:
        assert (await http.get("/health")).json() == {"status": "ok"}
    assert seen == ["/health"]
