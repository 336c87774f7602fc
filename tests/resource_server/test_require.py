"""What a valid token must carry, and how a refusal is worded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.errors import ConfigurationError, ErrorCode
from mintmark.jose.jwks import KeySet
from mintmark.jwt import Verifier
from mintmark.resource_server import MalformedCredentials, Require, ResourceServer, SimpleRequest
from mintmark.resource_server.credentials import from_authorization
from mintmark.resource_server.require import granted_scopes


def code(require: Require, now: float = 1000.0, **claims: Any) -> ErrorCode | None:
    unmet = require.unmet(claims, now=now)
    return None if unmet is None else unmet.code


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "a b"}, {"a", "b"}),
        ({"scope": " a  b "}, {"a", "b"}),
        ({"scope": ["a", 7, "b"]}, {"a", "b"}),
        ({"scp": "a b"}, {"a", "b"}),
        ({"scp": ["a"]}, {"a"}),
        ({"scope": "", "scp": "admin"}, set()),
        ({"scope": {"a": 1}}, set()),
        ({"scope": None}, set()),
        ({}, set()),
    ],
)
def test_scopes_are_read_in_the_forms_that_issuers_use(claims: dict[str, Any], scopes: set[str]) -> None:
    assert granted_scopes(claims) == scopes


def test_scopes_may_be_given_as_text_or_list() -> None:
    assert Require("a b") == Require(["a", "b"]) == Require(scopes=("a", "b"))


@pytest.mark.parametrize(
    "arguments",
    [
        {"scopes": ['a"b']},
        {"scopes": ["a b"]},
        {"scopes": ["ä"]},
        {"scopes": [7]},
        {"acr": ["x\\y"]},
        {"max_age": -1},
        {"max_age": float("nan")},
    ],
)
def test_what_no_challenge_could_say_is_refused_at_once(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Require(**arguments)


@pytest.mark.parametrize(
    ("wanted", "actual", "met"),
    [
        ("admin", "admin", True),
        ("admin", ["staff", "admin"], True),
        (("admin", "owner"), ["owner"], True),
        ({"admin"}, "admin", True),
        ("admin", "administrator", False),
        ("admin", None, False),
        ("admin", [], False),
        ((), "admin", False),
        (1, 1, True),
        (1, True, False),
        (True, 1, False),
        (True, True, True),
        ("1", 1, False),
        ({"a": 1}, {"a": 1}, True),
    ],
)
def test_claims_are_compared_as_json(wanted: Any, actual: Any, met: bool) -> None:
    assert (code(Require(claims={"c": wanted}), c=actual) is None) is met


@pytest.mark.parametrize("odd", [None, "now", True, float("nan"), [1]])
def test_an_odd_auth_time_is_never_fresh(odd: Any) -> None:
    assert code(Require(max_age=1e9), auth_time=odd) is ErrorCode.AUTHENTICATION_INSUFFICIENT


@given(st.text(max_size=80))
def test_no_header_breaks_the_reading(value: str) -> None:
    try:
        found = from_authorization(SimpleRequest({"Authorization": value}))
    except MalformedCredentials:
        return
    assert found is None or value.strip(" \t").lower().startswith("bearer ")


@pytest.mark.parametrize(
    "url", ["http://api.example.com", "https://api.example.com/?a=b", "https://api.example.com/#x", "api", ""]
)
def test_an_external_url_is_an_https_url_without_query(url: str) -> None:
    if url:
        with pytest.raises(ConfigurationError):
            ResourceServer("https://a.example", "o", external_url=url)


def test_a_realm_that_cannot_be_quoted_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        ResourceServer("https://a.example", "o", realm='a"b')


def test_an_empty_key_set_is_one_and_fetches_nothing() -> None:
    keys = KeySet()
    assert ResourceServer("https://a.example", "o", keys=keys).keys is keys


def test_a_verifier_of_ones_own_has_its_options_already() -> None:
    own = Verifier(issuer="https://a.example", audience="o", keys=KeySet())
    ResourceServer("https://a.example", "o", verifier=own, leeway=5.0)
    for options in ({"keys": KeySet()}, {"typ": "JWT"}):
        with pytest.raises(ConfigurationError):
            ResourceServer("https://a.example", "o", verifier=own, **options)
