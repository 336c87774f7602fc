"""One catalogue of settings and database: the settings win, and what cannot be used is nobody."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mintmark.authorization_server.claims import TokenKind, Wanted
from mintmark.authorization_server.registry.merging import SHADOWED, merged
from mintmark.authorization_server.storage.records import ClientRecord, ResourceRecord

from .given import APP, DIGEST, JOB, NOW, ORDERS, OTHER_DIGEST, client_row, resource_row, settings


def test_both_are_one_catalogue() -> None:
    in_settings = {"audience": "billing", "scopes": ["billing:read"]}
    rows = (
        resource_row(claims=[{"claim": "plan", "value": "free"}]),
        client_row(origins=["https://app.example"], claims=[{"claim": "tenant", "value": 7}]),
        client_row(JOB, secret=DIGEST, resources=["billing", "orders"], scopes=["billing:read"]),
    )
    catalogue, left_out = merged(settings(resources=[in_settings]), rows[:1], rows[1:])
    assert left_out == ()
    assert set(catalogue.resources) == {"billing", "orders"}
    assert set(catalogue.clients) == {"app", "job"}
    assert {"billing:read", "orders:read"} < set(catalogue.scopes)
    assert catalogue.origins == {"https://app.example"}
    assert catalogue.clients["job"].client_secret_sha256 == DIGEST
    token = Wanted(TokenKind.ACCESS, "app", "orders", ("openid",), None)
    assert [rule.claim for rule in catalogue.rules_for(token)] == ["plan", "tenant"]


def test_the_settings_win() -> None:
    ours = settings(resources=[ORDERS], clients=[APP | {"name": "From the settings"}])
    rows = (resource_row(scopes=["evil"]), client_row(name="From the database", kind="confidential"))
    catalogue, left_out = merged(ours, rows[:1], rows[1:])
    assert catalogue.clients["app"].name == "From the settings"
    assert catalogue.resources["orders"].scopes == ("orders:read", "orders:write")
    assert [(row.table, row.name, row.reason) for row in left_out] == [
        ("resources", "orders", SHADOWED),
        ("clients", "app", SHADOWED),
    ]


UNUSABLE: dict[str, tuple[ClientRecord, str]] = {
    "a resource that has gone": (client_row(resources=["gone"]), 'no resource has the audience "gone"'),
    "a scope that has gone": (client_row(scopes=["gone"]), 'has the scope "gone"'),
    "a member of another version": (client_row(of_the_future=True), "of_the_future: no such setting"),
    "a value of another version": (client_row(kind="cloudy"), "kind"),
    "no secret": (client_row(JOB), "no secret"),
    "not JSON": (replace(client_row(), document="{"), "client_id: is missing"),
    "JSON, but no object": (replace(client_row(), document="[]"), "client_id: is missing"),
    "too deep": (replace(client_row(), document="[" * 100_000), "client_id: is missing"),
    "under another name": (replace(client_row(), client_id="other"), "kept under another name"),
    "with half a change of secrets": (
        replace(
            client_row(JOB, secret=DIGEST), previous_secret_sha256="x", previous_secret_until=float("nan")
        ),
        "",
    ),
    "with a secret, but public": (client_row(secret=DIGEST), "public"),
    "an unsafe address": (client_row(redirect_uris=["http://evil.example/"]), "https"),
}


@pytest.mark.parametrize(("row", "reason"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_what_cannot_be_used_is_left_out_and_the_rest_goes_on(row: ClientRecord, reason: str) -> None:
    good = client_row(JOB, secret=DIGEST, client_id="good")
    catalogue, left_out = merged(settings(), [resource_row()], [row, good])
    assert set(catalogue.clients) == {"good"}
    ((table, name, told),) = [(each.table, each.name, each.reason) for each in left_out]
    assert (table, name) == ("clients", row.client_id)
    assert reason in told
    assert "\n" not in told
    assert DIGEST not in told


def test_a_resource_that_cannot_be_used_takes_its_clients_along() -> None:
    rows: list[ResourceRecord] = [resource_row(of_the_future=1)]
    catalogue, left_out = merged(settings(), rows, [client_row()])
    assert not catalogue.clients
    assert not catalogue.resources
    assert [(row.table, row.name) for row in left_out] == [("resources", "orders"), ("clients", "app")]


def test_the_secret_before_works_until_its_moment_and_not_longer() -> None:
    row: Any = replace(
        client_row(JOB, secret=DIGEST), previous_secret_sha256=OTHER_DIGEST, previous_secret_until=NOW
    )
    catalogue, _ = merged(settings(), [resource_row()], [row])
    client = catalogue.clients["job"]
    assert client.secret_digests(NOW - 0.001) == (DIGEST, OTHER_DIGEST)
    assert client.secret_digests(NOW) == (DIGEST, "0" * 64)
    assert DIGEST not in repr(client)
    assert OTHER_DIGEST not in repr(client)
