"""Claim rules: what they add to which tokens, and what they can never do."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mintmark.authorization_server.claims import (
    REGISTERED,
    ClaimRule,
    TokenKind,
    Wanted,
    build_access_claims,
    extra_claims,
)
from mintmark.authorization_server.storage.records import Person
from mintmark.errors import ConfigurationError

PERSON = Person(
    "p_1",
    "alice",
    name="Alice",
    email="a@example.org",
    roles=("clerk", "chief"),
    groups=("north",),
    attributes={"department": "sales", "limit": 0, "nothing": None},
)
WANTED = Wanted(TokenKind.ACCESS, "app", "orders", ("openid", "orders:read"), PERSON)
ALL = tuple(TokenKind)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"value": {"id": 7}}, {"id": 7}),
        ({"value": False}, False),
        ({"source": "username"}, "alice"),
        ({"source": "roles"}, ["clerk", "chief"]),
        ({"source": "email_verified"}, False),
        ({"source": "attributes.department"}, "sales"),
        ({"source": "attributes.limit"}, 0),
        (
            {"by_role": {"clerk": ["refund"], "chief": ["refund", "cancel"], "other": ["x"]}},
            ["refund", "cancel"],
        ),
        ({"by_group": {"north": [1, 2]}}, [1, 2]),
    ],
)
def test_P13_a_rule_says_what_the_application_needs(rule: dict[str, Any], expected: object) -> None:
    assert extra_claims([ClaimRule("x", **rule)], WANTED) == {"x": expected}


@pytest.mark.parametrize(
    "rule",
    [
        {"source": "attributes.unheard_of"},
        {"source": "attributes.nothing"},
        {"by_role": {"other": ["x"]}},
        {"by_group": {"south": ["x"]}},
    ],
)
def test_where_there_is_nothing_to_say_nothing_is_said(rule: dict[str, Any]) -> None:
    assert extra_claims([ClaimRule("x", **rule)], WANTED) == {}


@pytest.mark.parametrize(
    ("limits", "applies"),
    [
        ({}, True),
        ({"tokens": (TokenKind.ID, TokenKind.USERINFO)}, False),
        ({"tokens": ALL}, True),
        ({"resources": ("orders",)}, True),
        ({"resources": ("billing",)}, False),
        ({"clients": ("app", "other")}, True),
        ({"clients": ("other",)}, False),
        ({"scopes": ("orders:read", "orders:write")}, True),
        ({"scopes": ("orders:write",)}, False),
        ({"resources": ("orders",), "clients": ("other",)}, False),
    ],
)
def test_a_rule_holds_for_the_tokens_that_it_names(limits: dict[str, Any], applies: bool) -> None:
    assert extra_claims([ClaimRule("x", value=1, **limits)], WANTED) == ({"x": 1} if applies else {})


def test_a_client_that_acts_for_itself_gets_what_is_said_of_everybody() -> None:
    alone = replace(WANTED, person=None)
    rules = [
        ClaimRule("tenant", value=7),
        ClaimRule("who", source="name"),
        ClaimRule("may", by_role={"clerk": [1]}),
    ]
    assert extra_claims(rules, alone) == {"tenant": 7}


def test_later_rules_win_and_the_hook_wins_over_all() -> None:
    rules = [ClaimRule("x", value=1), ClaimRule("x", value=2), ClaimRule("y", value=3)]
    assert extra_claims(rules, WANTED) == {"x": 2, "y": 3}
    assert extra_claims(rules, WANTED, hook=lambda wanted: {"x": wanted.client_id}) == {"x": "app", "y": 3}


@pytest.mark.parametrize("claim", sorted(REGISTERED))
def test_P13_neither_rule_nor_hook_can_set_a_registered_claim(claim: str) -> None:
    with pytest.raises(ConfigurationError, match=claim):
        ClaimRule(claim, value="x")
    with pytest.raises(ConfigurationError, match=claim):
        extra_claims([], WANTED, hook=lambda _: {claim: "x"})


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"value": 1, "source": "name"},
        {"source": "password_hash"},
        {"source": "attributes"},
        {"source": "attributes."},
        {"source": "__class__"},
        {"value": object()},
        {"value": float("nan")},
        {"by_role": {"clerk": [object()]}},
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused_when_it_is_made(rule: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        ClaimRule("x", **rule)


def test_rules_end_up_in_tokens() -> None:
    extra = extra_claims([ClaimRule("department", source="attributes.department")], WANTED)
    claims = build_access_claims(client_id="app", scope=["orders:read"], person=PERSON, extra=extra)
    assert claims["department"] == "sales"
    assert claims["client_id"] == "app"
