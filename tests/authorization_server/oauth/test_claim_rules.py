"""Claim rules of the settings and the hook, in the tokens that a client really gets (promise P13)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mintmark.authorization_server.claims import TokenKind, Wanted

from ..running import (
    ACCESS_TOKEN_TYPE,
    BOB,
    EXCHANGE,
    LEDGER_SECRET,
    ORDERS_SECRET,
    Browser,
    Running,
    basic,
    claims_of,
    settings_data,
)

TENANT = "https://example.org/tenant"


def ruled() -> dict[str, Any]:
    """The settings of the other tests, with rules."""
    data = settings_data("http://127.0.0.1")
    orders, billing, ledger = data["resources"]
    orders["claims"] = [
        {"claim": "permissions", "by_role": {"customer": ["order", "return"], "clerk": ["refund"]}},
        {"claim": "writes", "value": True, "scopes": ["orders:write"]},
        {"claim": "plan", "value": "standard"},
    ]
    billing["claims"] = [{"claim": "mail", "source": "email"}]
    ledger["claims"] = [{"claim": "books", "value": ["main"]}, {"claim": "mail", "source": "email"}]
    app = next(client for client in data["clients"] if client["client_id"] == "app")
    app["claims"] = [
        {"claim": TENANT, "value": {"id": 7}, "tokens": ["access", "id", "userinfo"]},
        {"claim": "plan", "value": "gold"},
        {"claim": "account_roles", "source": "roles", "tokens": ["id"]},
    ]
    return {"resources": data["resources"], "clients": data["clients"]}


@pytest.fixture(scope="module")
def ruling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("ruled"), **ruled()) as server:
        yield server


def test_P13_access_and_id_tokens_carry_what_the_rules_say(ruling: Running) -> None:
    with Browser(ruling) as browser:
        tokens = browser.tokens()
        access, identity = claims_of(tokens["access_token"]), claims_of(tokens["id_token"])
        assert access["permissions"] == ["order", "return"]
        assert access[TENANT] == {"id": 7}
        assert access["plan"] == "gold"  # the client's rule wins over the resource's
        assert access["sub"] == identity["sub"]
        assert not {"writes", "mail", "account_roles"} & set(access)
        assert identity[TENANT] == {"id": 7}
        assert identity["account_roles"] == ["customer"]
        assert not {"permissions", "plan", "writes"} & set(identity)
        told = browser.userinfo(tokens["access_token"]).json()
        assert told[TENANT] == {"id": 7}
        assert not {"plan", "account_roles"} & set(told)
        again = claims_of(browser.refresh(tokens["refresh_token"]).json()["access_token"])
        assert {name: again[name] for name in ("permissions", TENANT, "plan")} == {
            name: access[name] for name in ("permissions", TENANT, "plan")
        }


def test_P13_rules_follow_scope_audience_client_and_person(ruling: Running) -> None:
    with Browser(ruling) as browser:
        assert claims_of(browser.tokens(scope="openid orders:write")["access_token"])["writes"] is True
        billing = claims_of(browser.tokens(scope="openid billing:read", resource="billing")["access_token"])
        assert billing["aud"] in ("billing", ["billing"])
        assert billing["mail"] == "alice@example.com"
        assert "permissions" not in billing
        other = claims_of(browser.tokens("other-app", scope="openid orders:read")["access_token"])
        assert other["plan"] == "standard"
        assert TENANT not in other
    with Browser(ruling) as browser:
        bob = browser.tokens(who=BOB, scope="openid orders:read billing:read")
        assert "permissions" not in claims_of(bob["access_token"])  # no role, nothing to say
        assert "account_roles" not in claims_of(bob["id_token"])


def test_P13_exchanged_tokens_and_those_of_a_client_itself_follow_the_rules_too(ruling: Running) -> None:
    with Browser(ruling) as browser:
        subject = browser.tokens(scope="openid orders:read")["access_token"]
        exchange = {
            "grant_type": EXCHANGE,
            "subject_token": subject,
            "subject_token_type": ACCESS_TOKEN_TYPE,
            "audience": "billing",
        }
        answer = browser.http.post("/token", data=exchange, headers=basic("orders", ORDERS_SECRET))
        assert claims_of(answer.json()["access_token"])["mail"] == "alice@example.com"
        alone = {"grant_type": "client_credentials"}
        answer = browser.http.post("/token", data=alone, headers=basic("ledger-job", LEDGER_SECRET))
        own = claims_of(answer.json()["access_token"])
        assert own["books"] == ["main"]
        assert "mail" not in own  # there is no person


def test_P13_a_hook_adds_what_no_rule_can_say(tmp_path: Path) -> None:
    seen: list[Wanted] = []

    def hook(wanted: Wanted) -> dict[str, Any]:
        seen.append(wanted)
        who = wanted.person.username if wanted.person else wanted.client_id
        return {"plan": f"{who} at {wanted.audience}"}

    with Running(tmp_path, claims_hook=hook, **ruled()) as server, Browser(server) as browser:
        tokens = browser.tokens()
    assert [wanted.kind for wanted in seen] == [TokenKind.ACCESS, TokenKind.ID]
    assert claims_of(tokens["access_token"])["plan"] == "alice at orders"  # over every rule
    assert claims_of(tokens["id_token"])["plan"] == "alice at app"


@pytest.mark.parametrize(
    "claims", [{"sub": "admin"}, {"scope": "orders:write"}, {"big": 2**70}, {"odd": {1}}]
)
def test_P13_a_hook_that_oversteps_gives_no_token(tmp_path: Path, claims: dict[str, Any]) -> None:
    with Running(tmp_path, claims_hook=lambda wanted: claims) as server, Browser(server) as browser:
        answer = browser.redeem(browser.code())
    assert answer.status_code == 500
    assert answer.json()["error"] == "server_error"
    assert "token" not in answer.json()
