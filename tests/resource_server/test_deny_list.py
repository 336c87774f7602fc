"""What is revoked, matched against tokens (research rows O11, O12)."""

from __future__ import annotations

from typing import Any

import pytest

from mintmark.errors import FetchFailed
from mintmark.jose.jwk import Key
from mintmark.jwt import Claims
from mintmark.resource_server.deny_list import DenyList, Entry

KEY = Key.generate("ES256", kid="k1")
MEMBERS = {"jti": "j", "sid": "s", "grant_id": "g", "sub": "alice", "client_id": "c", "iat": 1000}


def claims(**changed: Any) -> Claims:
    return Claims(MEMBERS | changed, {"alg": "ES256"}, KEY)


def denied(*entries: Entry, now: float = 1000.0) -> DenyList:
    found = DenyList()
    found.add(entries, now=now)
    return found


@pytest.mark.parametrize(
    ("kind", "value"),
    [("jti", "j"), ("sid", "s"), ("grant_id", "g"), ("sub", "alice"), ("client_id", "c"), ("kid", "k1")],
)
def test_each_kind_matches_its_claim_and_nothing_else(kind: str, value: str) -> None:
    assert denied(Entry(kind, value, 2000.0)).reason(claims()) is not None
    assert denied(Entry(kind, value + "x", 2000.0)).reason(claims()) is None
    other = {"jti": "sid"}.get(kind, "jti")
    assert denied(Entry(other, value, 2000.0)).reason(claims()) is None


def test_a_claim_that_is_absent_or_odd_matches_nothing() -> None:
    found = denied(Entry("sid", "s", 2000.0))
    assert found.reason(claims(sid=None)) is None
    assert found.reason(claims(sid=["s"])) is None


@pytest.mark.parametrize(("kind", "value"), [("sub", "alice"), ("client_id", "c")])
def test_before_spares_tokens_issued_later(kind: str, value: str) -> None:
    entry = Entry.read({"kind": kind, "value": value, "exp": 2000, "before": 1000.5})
    assert entry is not None
    found = denied(entry)
    assert found.reason(claims(iat=1000)) is not None
    assert found.reason(claims(iat=1001)) is None
    assert found.reason(claims(iat=None)) is not None


def test_the_wider_of_two_entries_stays() -> None:
    found = denied(Entry("sub", "alice", 2000.0, before=1500.0), Entry("sub", "alice", 1900.0, before=900.0))
    assert found.reason(claims(iat=1400)) is not None
    found.expire(1950.0)
    assert len(found) == 1
    found.add([Entry("sub", "alice", 1960.0)], now=1950.0)
    assert found.reason(claims(iat=1_000_000)) is not None


def test_an_entry_outlives_its_token_by_the_leeway_that_a_verifier_may_grant() -> None:
    found = denied(Entry("jti", "j", 1500.0))
    found.expire(1500.0 + 299.0)
    found.add([Entry("sid", "s", 1500.0)], now=1500.0 + 299.0)
    assert found.reason(claims(sid=None)) is not None
    assert found.reason(claims(jti=None)) is not None


def test_memory_is_bounded_entries_die_with_the_last_token() -> None:
    found = DenyList()
    for second in range(20_000):
        found.add([Entry("jti", f"t{second}", second + 600.0)], now=float(second))
        if second % 60 == 0:
            found.expire(float(second))
    assert len(found) <= 600 + 300 + 60
    found.add([Entry("jti", "dead", 5.0)], now=400.0)
    assert "dead" not in found._entries["jti"]


def test_too_many_entries_are_refused_not_forgotten() -> None:
    found = DenyList(most=3)
    with pytest.raises(FetchFailed):
        found.add([Entry("jti", f"t{number}", 2000.0) for number in range(4)], now=0.0)


@pytest.mark.parametrize(
    "members",
    [
        [],
        {"kind": "jti"},
        {"kind": "jti", "value": 7, "exp": 1},
        {"kind": "jti", "value": "j", "exp": "soon"},
        {"kind": "jti", "value": "j", "exp": True},
        {"kind": "jti", "value": "j", "exp": float("nan")},
        {"kind": "jti", "value": "j" * 2000, "exp": 1},
        {"kind": "sub", "value": "j", "exp": 1, "before": "x"},
    ],
)
def test_malformed_entries_are_refused(members: Any) -> None:
    with pytest.raises(FetchFailed):
        Entry.read(members)


def test_entries_are_read_and_unknown_kinds_are_left_to_the_future() -> None:
    assert Entry.read({"kind": "jti", "value": "j", "exp": 1}) == Entry("jti", "j", 1.0)
    assert Entry.read({"kind": "sub", "value": "a", "exp": 9, "iat": 1, "before": 5}) == Entry(
        "sub", "a", 9.0, 5.0
    )
    assert Entry.read({"kind": "planet", "value": "x", "exp": 1}) is None
    assert Entry.read({"kind": ["jti"], "value": "x", "exp": 1}) is None
