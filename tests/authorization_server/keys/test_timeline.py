"""Single steps of the timeline, and the policies that are refused."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mintmark.authorization_server.keys import KeyPolicy
from mintmark.authorization_server.keys.timeline import (
    Create,
    Promote,
    Remove,
    Retire,
    Stretch,
    cache_lifetime,
    gone_at,
    lateness,
    next_change,
    overtaken,
    plan,
    published,
)
from mintmark.authorization_server.storage.records import KeyRecord, KeyState
from mintmark.errors import ConfigurationError

DAY = 86400.0
POLICY = KeyPolicy(algs=("ES256",))
CURRENT = KeyRecord(
    kid="a",
    alg="ES256",
    state=KeyState.CURRENT,
    public_jwk={},
    created_at=0.0,
    activates_at=0.0,
    signing_since=0.0,
    retired_at=None,
    gone_at=None,
    token_lifetime=600.0,
)
NEXT = replace(CURRENT, kid="b", state=KeyState.NEXT, activates_at=30 * DAY, signing_since=None)
PREVIOUS = replace(CURRENT, kid="p", state=KeyState.PREVIOUS, gone_at=630.0)


def test_the_first_key_signs_at_once() -> None:
    assert plan((), 5.0, POLICY) == (Create("ES256", KeyState.CURRENT, 5.0),)


def test_a_key_is_staged_a_day_before_it_signs_and_takes_over_on_time() -> None:
    assert plan((CURRENT,), 29 * DAY - 1, POLICY) == ()
    assert plan((CURRENT,), 29 * DAY, POLICY) == (Create("ES256", KeyState.NEXT, 30 * DAY),)
    assert plan((CURRENT, NEXT), 30 * DAY - 1, POLICY) == ()
    assert plan((CURRENT, NEXT), 30 * DAY, POLICY) == (Retire("a"), Promote("b", "ES256"))


def test_a_key_that_was_staged_late_is_still_published_for_the_whole_time() -> None:
    """After an outage of a year the schedule starts anew: nothing signs that verifiers have not seen."""
    assert plan((CURRENT,), 365 * DAY, POLICY) == (Create("ES256", KeyState.NEXT, 366 * DAY),)


def test_age_alone_never_removes_a_key() -> None:
    ancient = 10_000 * DAY
    actions = plan((CURRENT, replace(NEXT, activates_at=ancient + 1)), ancient, POLICY)
    assert actions == ()


def test_the_next_key_steps_in_when_there_is_no_current_one() -> None:
    assert plan((NEXT,), 5.0, POLICY) == (Promote("b", "ES256"),)


def test_the_public_half_goes_when_its_last_token_has_expired() -> None:
    assert plan((CURRENT, PREVIOUS), 629.9, POLICY) == ()
    assert plan((CURRENT, PREVIOUS), 630.0, POLICY) == (Remove("p", KeyState.PREVIOUS),)


def test_the_public_half_outlives_the_longest_token_that_the_key_may_have_signed() -> None:
    assert gone_at(CURRENT, 1000.0, replace(POLICY, token_lifetime=60.0)) == 1000.0 + 600.0 + 30.0
    assert gone_at(CURRENT, 1000.0, replace(POLICY, token_lifetime=900.0)) == 1000.0 + 900.0 + 30.0


def test_longer_tokens_stretch_the_key_that_signs_them() -> None:
    assert plan((CURRENT,), 5.0, replace(POLICY, token_lifetime=900.0)) == (Stretch("a", 900.0),)


def test_an_algorithm_that_is_no_longer_wanted_winds_down() -> None:
    other = KeyPolicy(algs=("EdDSA",))
    actions = plan((CURRENT, NEXT), 5.0, other)
    assert actions == (
        Create("EdDSA", KeyState.CURRENT, 5.0),
        Retire("a"),
        Remove("b", KeyState.NEXT),
    )


def test_the_key_that_signs_comes_first_in_the_set() -> None:
    revoked = replace(CURRENT, kid="r", state=KeyState.REVOKED)
    assert [record.kid for record in published((PREVIOUS, NEXT, revoked, CURRENT))] == ["a", "b", "p"]


@pytest.mark.parametrize(
    ("now", "records", "expected"),
    [
        (0.0, (CURRENT,), 3600),
        (29 * DAY - 1000.5, (CURRENT,), 1000),  # the next key is about to be staged
        (29 * DAY - 1, (CURRENT,), 60),
        (30 * DAY - 1, (CURRENT, NEXT), 3600),  # taking over changes nothing in the set
        (100.0, (CURRENT, PREVIOUS), 530),  # a key is about to go
        (0.0, (), 3600),
    ],
)
def test_no_cache_outlives_the_next_change(now: float, records: tuple[KeyRecord, ...], expected: int) -> None:
    assert cache_lifetime(next_change(records, POLICY), now, POLICY) == expected


def test_lateness_is_how_long_something_has_been_due() -> None:
    assert lateness((CURRENT,), 29 * DAY, POLICY) == 0.0
    assert lateness((CURRENT,), 29 * DAY + 7, POLICY) == 7.0
    assert lateness((CURRENT, NEXT), 30 * DAY + 9, POLICY) == 9.0
    assert lateness((CURRENT, PREVIOUS), 700.0, POLICY) == 70.0
    assert lateness((), 5.0, POLICY) == 0.0


@pytest.mark.parametrize(
    "changes",
    [
        {"algs": ()},
        {"algs": ("ES256", "ES256")},
        {"publish_ahead": 3600.0},  # a cache of an hour could miss the new key by the skew
        {"rotate_every": 3600.0},
        {"token_lifetime": 0.0},
        {"jwks_max_age": -1.0},
    ],
)
def test_a_policy_that_would_break_a_verifier_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="keys: "):
        KeyPolicy(**changes)  # type: ignore[arg-type]


def test_P8_who_cannot_look_stops_signing_before_its_tokens_outlive_the_key() -> None:
    """The public half stays for what was signed until ``skew`` after the change."""
    known, due = (CURRENT, NEXT), 30 * DAY
    assert overtaken(known, due + 14.9, POLICY) == frozenset()
    assert overtaken(known, due + 15.0, POLICY) == {"ES256"}
    assert overtaken((CURRENT, PREVIOUS), due + DAY, POLICY) == frozenset()  # nothing was due
    last_token_ends = due + 15.0 + POLICY.token_lifetime
    assert last_token_ends <= gone_at(CURRENT, due, POLICY)
