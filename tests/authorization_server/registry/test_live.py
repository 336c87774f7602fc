"""The catalogue of a running service: swapped whole when the database moves, and not a query without that."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from mintmark.authorization_server.registry import Registry
from mintmark.authorization_server.registry.carrying_out import carry_out
from mintmark.authorization_server.registry.planning import Wanted
from mintmark.authorization_server.storage import Connection
from mintmark.authorization_server.storage.repositories import registrations

from ..running import CALLBACK, Browser, Running, basic, claims_of
from .given import APP, NOW, client, client_row, resource, resource_row, settings, wanted

T = TypeVar("T")


class Rows:
    """A database that counts how often it is asked."""

    def __init__(self, *rows: Any) -> None:
        self.rows: tuple[Any, Any] = (rows[:1], rows[1:])
        self.version = self.revision = 0
        self.reads = 0

    def changes(self) -> int:
        return self.version

    async def look_up(self, work: Callable[[Connection], T]) -> Any:
        assert work is registrations.revision
        return self.revision

    async def read(self, work: Callable[[Connection], T]) -> Any:
        assert work is registrations.every
        self.reads += 1
        return self.rows

    def now_has(self, *rows: Any) -> None:
        self.rows = (rows[:1], rows[1:])
        self.version += 1
        self.revision += 1


def registry_of(rows: Rows) -> Registry:
    return Registry(rows, settings())  # type: ignore[arg-type] # all that it asks of a database


@pytest.mark.anyio
async def test_without_a_change_nothing_is_asked_and_nothing_moves() -> None:
    rows = Rows(resource_row(), client_row())
    registry = registry_of(rows)
    assert not registry.catalogue.clients
    await registry.start(NOW)
    catalogue = registry.catalogue
    assert set(catalogue.clients) == {"app"}
    for _ in range(3):
        await registry.tick(NOW)
    assert rows.reads == 1
    rows.version += 1  # somebody has written something else
    await registry.tick(NOW)
    assert rows.reads == 1
    assert registry.catalogue is catalogue


@pytest.mark.anyio
async def test_a_change_makes_another_catalogue_and_leaves_the_one_before_as_it_was() -> None:
    rows = Rows(resource_row(), client_row())
    registry = registry_of(rows)
    await registry.start(NOW)
    before = registry.catalogue
    rows.now_has(resource_row(), client_row(name="Another"), client_row(client_id="second"))
    await registry.tick(NOW)
    assert registry.catalogue.clients["app"].name == "Another"
    assert set(registry.catalogue.clients) == {"app", "second"}
    assert before.clients["app"].name is None
    assert set(before.clients) == {"app"}


@pytest.mark.anyio
async def test_what_cannot_be_used_is_told_once_and_never_stops_a_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    def told() -> list[tuple[str, str]]:
        records = [record for record in caplog.records if record.message == "registration_left_out"]
        caplog.clear()
        return [(record.mintmark["name"], record.mintmark["reason"]) for record in records]  # type: ignore[attr-defined]

    broken = replace(client_row(client_id="broken"), document="{")
    rows = Rows(resource_row(), client_row(), broken)
    registry = registry_of(rows)
    await registry.start(NOW)
    assert [name for name, _ in told()] == ["broken"]
    rows.now_has(resource_row(), client_row(name="Another"), broken)
    await registry.tick(NOW)
    assert told() == []
    rows.now_has(resource_row(audience="elsewhere"), client_row(), broken)
    await registry.tick(NOW)
    assert [name for name, _ in told()] == ["app"]
    assert not registry.catalogue.clients
    rows.now_has(resource_row(), client_row())
    await registry.tick(NOW)
    assert set(registry.catalogue.clients) == {"app"}
    assert told() == []


class Registered:
    """A server on which one registers things from inside."""

    def __init__(self, server: Running) -> None:
        self.server = server

    def now(self, *entries: Any, **more: Any) -> dict[str, str]:
        service = self.server.service
        wish: Wanted = wanted(*entries, **more)
        done = carry_out(service.database, self.server.settings, lambda _: wish, self.server.clock())
        self.server.do(service.registry.tick(self.server.clock()))
        return dict(done.secrets)


BOUTIQUE = APP | {
    "client_id": "boutique",
    "redirect_uris": [CALLBACK],
    "resources": ["stock", "orders"],
    "scopes": ["openid", "stock:read", "stock:write", "orders:read"],
    "first_party": True,
}
STOCK = resource(
    audience="stock",
    scopes=["stock:read", "stock:write"],
    claims=[{"claim": "floor", "value": 3, "scopes": ["stock:read"]}],
)


def test_P13_people_sign_in_to_an_application_that_was_registered_meanwhile(
    server: Running, own: Browser
) -> None:
    assert own.authorize("boutique").status_code == 400
    Registered(server).now(STOCK, client(BOUTIQUE))
    tokens = own.tokens("boutique", scope="openid stock:read")
    claims = claims_of(tokens["access_token"])
    assert (claims["aud"], claims["scope"], claims["floor"]) == ("stock", "openid stock:read", 3)
    assert "stock:read" in own.http.get("/.well-known/openid-configuration").json()["scopes_supported"]


def test_what_a_client_loses_its_living_grants_lose_too(server: Running, own: Browser) -> None:
    registered = Registered(server)
    registered.now(STOCK, client(BOUTIQUE))
    tokens = own.tokens("boutique", scope="openid stock:read stock:write orders:read")
    registered.now(client(BOUTIQUE | {"scopes": ["openid", "stock:read"], "resources": ["stock"]}))
    renewed = own.refresh(tokens["refresh_token"], "boutique").json()
    assert renewed["scope"] == "openid stock:read"
    asked = own.refresh(renewed["refresh_token"], "boutique", resource="orders")
    assert asked.json()["error"] == "invalid_target"
    registered.now(client(BOUTIQUE | {"scopes": ["profile"], "resources": ["orders"]}))
    last = own.refresh(renewed["refresh_token"], "boutique")
    assert (last.status_code, last.json()["error"]) == (400, "invalid_grant")


def test_a_client_that_is_removed_is_nobody_and_its_tokens_open_nothing(
    server: Running, own: Browser
) -> None:
    registered = Registered(server)
    registered.now(STOCK, client(BOUTIQUE))
    tokens = own.tokens("boutique", scope="openid")
    assert own.userinfo(tokens["access_token"]).status_code == 200
    registered.now(removed_clients=frozenset({"boutique"}))
    server.do(server.service.deny_log.tick(server.clock()))
    assert own.userinfo(tokens["access_token"]).status_code == 401
    assert own.refresh(tokens["refresh_token"], "boutique").json()["error"] == "invalid_client"
    assert own.authorize("boutique").status_code == 400
    server.clock.advance(3)
    registered.now(client(BOUTIQUE))  # under the same name, anew
    assert own.refresh(tokens["refresh_token"], "boutique").json()["error"] == "invalid_grant"
    again = own.tokens("boutique", scope="openid")
    assert own.userinfo(again["access_token"]).status_code == 200


def test_secrets_overlap_at_the_token_endpoint(server: Running, own: Browser) -> None:
    registered = Registered(server)
    job = client(
        {"client_id": "job", "kind": "confidential", "grants": ["client_credentials"]},
        scopes=["stock:read"],
        resources=["stock"],
    )
    first = registered.now(STOCK, job)["job"]
    second = registered.now(fresh_secrets=frozenset({"job"}), overlap=60.0)["job"]

    def statuses() -> list[int]:
        data = {"grant_type": "client_credentials"}
        return [
            own.http.post("/token", data=data, headers=basic("job", secret)).status_code
            for secret in (first, second)
        ]

    assert statuses() == [200, 200]
    server.clock.advance(60)
    assert statuses() == [401, 200]
