"""Claims: what each scope gives, and what no rule can take the place of."""

from __future__ import annotations

import base64
import hashlib

import pytest
from msgspec.structs import replace

from mintmark.authorization_server.claims import (
    REGISTERED,
    build_access_claims,
    build_id_claims,
    build_userinfo,
)
from mintmark.authorization_server.storage.records import Grant, Person
from mintmark.errors import ConfigurationError

PERSON = Person(
    "p_1",
    "alice",
    name="Alice",
    email="alice@example.org",
    email_verified=True,
    roles=("clerk",),
    updated_at=9.9,
)
GRANT = Grant(
    grant_id="g",
    client_id="app",
    person_id="p_1",
    sid="s",
    scope=("openid", "orders"),
    resources=("orders",),
    offline=False,
    refreshable=True,
    auth_time=5.7,
    acr="1",
    amr=("pwd",),
    nonce="n",
    generation=1,
    rotated_at=None,
    created_at=5.0,
    idle_end=50.0,
    absolute_end=500.0,
)


def test_D1_an_access_token_says_who_what_and_for_whom() -> None:
    assert build_access_claims(client_id="app", scope=["orders"], grant=GRANT, person=PERSON) == {
        "client_id": "app",
        "scope": "orders",
        "sid": "s",
        "grant_id": "g",
        "auth_time": 5,
        "acr": "1",
        "amr": ["pwd"],
        "roles": ["clerk"],
    }


def test_D3_a_token_of_a_client_alone_speaks_of_nobody() -> None:
    claims = build_access_claims(client_id="job", scope=["a", "b"])
    assert claims == {"client_id": "job", "scope": "a b"}


def test_an_offline_grant_gives_tokens_that_no_sign_out_reaches() -> None:
    offline = replace(GRANT, offline=True)
    assert "sid" not in build_access_claims(client_id="app", scope=[], grant=offline, person=PERSON)
    assert build_access_claims(client_id="app", scope=[], grant=offline)["grant_id"] == "g"


def test_F1_an_id_token_echoes_the_nonce_and_hashes_the_access_token() -> None:
    claims = build_id_claims(grant=GRANT, person=PERSON, scope=["openid"], alg="RS256", access_token="abc")
    expected = base64.urlsafe_b64encode(hashlib.sha256(b"abc").digest()[:16]).rstrip(b"=").decode()
    assert claims == {
        "auth_time": 5,
        "acr": "1",
        "amr": ["pwd"],
        "sid": "s",
        "azp": "app",
        "nonce": "n",
        "at_hash": expected,
    }
    plain = build_id_claims(grant=replace(GRANT, nonce=None), person=PERSON, scope=["openid"], alg="RS256")
    assert not {"nonce", "at_hash"} & plain.keys()


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        (["openid"], set()),
        (["openid", "profile"], {"name", "preferred_username", "updated_at"}),
        (["openid", "email"], {"email", "email_verified"}),
        (["email", "profile"], {"name", "preferred_username", "updated_at", "email", "email_verified"}),
    ],
)
def test_F7_scopes_give_exactly_their_claims(scope: list[str], names: set[str]) -> None:
    info = build_userinfo(PERSON, scope)
    assert info.keys() == names | {"sub"}
    assert info["sub"] == "p_1"
    assert isinstance(info.get("email_verified", True), bool)
    id_claims = build_id_claims(grant=GRANT, person=PERSON, scope=scope, alg="ES256")
    assert names <= id_claims.keys()


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert build_userinfo(Person("p", "bob"), ["profile", "email"]).keys() == {
        "sub",
        "preferred_username",
        "updated_at",
    }


@pytest.mark.parametrize("name", sorted(REGISTERED))
def test_P13_no_rule_can_set_a_registered_claim(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        build_access_claims(client_id="app", scope=[], grant=GRANT, extra={name: "x"})
    with pytest.raises(ConfigurationError, match=name):
        build_id_claims(grant=GRANT, person=PERSON, scope=[], alg="ES256", extra={name: "x"})
    with pytest.raises(ConfigurationError, match=name):
        build_userinfo(PERSON, [], extra={name: "x"})


def test_P13_rules_add_what_an_application_needs() -> None:
    extra = {"permissions": ["refund"], "https://example.org/tenant": {"id": 7}}
    claims = build_access_claims(client_id="app", scope=["orders"], grant=GRANT, person=PERSON, extra=extra)
    assert claims["permissions"] == ["refund"]
    assert claims["https://example.org/tenant"] == {"id": 7}
    assert claims["scope"] == "orders"
