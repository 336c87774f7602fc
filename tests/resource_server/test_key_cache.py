"""When keys are fetched, served and given up: the state machine alone, without a clock or a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.resource_server import key_cache
from mintmark.resource_server.key_cache import CachePolicy, CacheState, Decision

POLICY = CachePolicy()
State = CacheState[str]


def fresh(now: float = 1000.0, keys: str = "A", ttl: float = 600.0) -> State:
    state: State = key_cache.attempted(CacheState(), now)
    return key_cache.fetched(state, keys, etag=None, ttl=ttl, now=now, policy=POLICY, jitter=0.5)


def fail(state: State, now: float) -> State:
    return key_cache.failed(key_cache.attempted(state, now), now=now, policy=POLICY, jitter=1.0)


def test_nothing_known_means_fetch() -> None:
    state: State = CacheState()
    assert key_cache.decide(state, 0.0, POLICY) is Decision.FETCH
    assert key_cache.decide_for_kid(state, "k", 0.0, POLICY) is Decision.FETCH


def test_a_set_is_fresh_then_refreshed_ahead_then_waited_for() -> None:
    state = fresh()
    assert state.refresh_at == 1000.0 + 600 * 0.85
    assert key_cache.decide(state, 1000.0, POLICY) is Decision.SERVE
    assert key_cache.decide(state, 1509.0, POLICY) is Decision.SERVE
    assert key_cache.decide(state, 1511.0, POLICY) is Decision.SERVE_AND_REFRESH
    assert key_cache.decide(state, 1600.0, POLICY) is Decision.FETCH  # a removed key must not outlive the TTL


@pytest.mark.parametrize(("said", "kept"), [(1.0, 60.0), (0.0, 60.0), (900.0, 900.0), (1e9, 3600.0)])
def test_the_issuers_ttl_is_clamped(said: float, kept: float) -> None:
    assert fresh(ttl=said).fresh_until == 1000.0 + kept


def test_K13_on_error_the_last_good_set_serves_until_max_stale() -> None:
    state = fail(fresh(), 1700.0)
    assert key_cache.decide(state, 1700.5, POLICY) is Decision.SERVE_STALE
    assert key_cache.decide(state, 1702.0, POLICY) is Decision.SERVE_AND_REFRESH  # nobody waits
    last = 1000.0 + POLICY.max_stale
    assert key_cache.decide(state, last - 1, POLICY) is Decision.SERVE_AND_REFRESH
    assert key_cache.decide(state, last, POLICY) is Decision.FETCH
    state = fail(state, last)
    assert key_cache.decide(state, last + 0.5, POLICY) is Decision.GIVE_UP
    assert key_cache.decide_for_kid(state, "k", last + 0.5, POLICY) is Decision.GIVE_UP


def test_retries_back_off_to_a_bound_and_success_forgets_failures() -> None:
    state: State = CacheState()
    waits = []
    now = 0.0
    for _ in range(8):
        state = fail(state, now)
        waits.append(state.retry_at - now)
        now = state.retry_at
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert key_cache.retry_after(state, now) == 1.0
    state = key_cache.fetched(state, "A", etag=None, ttl=600.0, now=now, policy=POLICY, jitter=0.0)
    assert state.failures == 0
    assert key_cache.decide(state, now, POLICY) is Decision.SERVE


def for_kid(state: State, now: float) -> State:
    """A fetch that an unknown kid asked for, with nothing new in it."""
    state = key_cache.attempted_for_kid(state, now, POLICY)
    return key_cache.fetched(state, "A", etag=None, ttl=600.0, now=now, policy=POLICY, jitter=0.5)


def test_K12_unknown_kids_fetch_twice_then_once_per_cooldown() -> None:
    state, fetches = fresh(), list[float]()
    for second in range(1001, 1101):
        if key_cache.decide_for_kid(state, f"k{second}", float(second), POLICY) is Decision.FETCH:
            fetches.append(second)
            state = for_kid(state, float(second))
    assert fetches == [1001, 1002, 1031, 1061, 1091]


def test_K12_a_key_that_is_new_just_after_a_fetch_is_found_at_once() -> None:
    """An emergency: every service has fetched a moment ago, because it was time or for a bad token."""
    assert key_cache.decide_for_kid(fresh(), "new", 1000.1, POLICY) is Decision.FETCH
    state = key_cache.missed(for_kid(fresh(), 1001.0), "bad", now=1001.0, policy=POLICY)
    assert key_cache.decide_for_kid(state, "bad", 1002.0, POLICY) is Decision.SERVE
    assert key_cache.decide_for_kid(state, "new", 1002.0, POLICY) is Decision.FETCH


def test_K12_one_bad_kid_never_uses_up_what_a_new_one_needs() -> None:
    state = fresh()
    for second in range(1001, 1500):
        if key_cache.decide_for_kid(state, "bad", float(second), POLICY) is Decision.FETCH:
            state = key_cache.missed(for_kid(state, float(second)), "bad", now=float(second), policy=POLICY)
        assert key_cache.decide_for_kid(state, "new", float(second), POLICY) is Decision.FETCH


def test_K12_a_clock_that_steps_back_takes_nothing_from_what_was_earned() -> None:
    state = for_kid(for_kid(fresh(now=1_000_000.0), 1_000_001.0), 1_000_001.0)
    assert key_cache.decide_for_kid(state, "k", 1_000_002.0, POLICY) is Decision.SERVE
    state = key_cache.attempted(state, 5000.0)
    assert key_cache.decide_for_kid(state, "k", 5001.0, POLICY) is Decision.FETCH
    state = for_kid(for_kid(state, 5001.0), 5001.0)
    assert key_cache.decide_for_kid(state, "k", 5002.0, POLICY) is Decision.SERVE
    assert key_cache.decide_for_kid(state, "k", 5032.0, POLICY) is Decision.FETCH


def test_K12_a_kid_that_was_fetched_for_in_vain_fetches_no_more_until_the_set_changes() -> None:
    state = key_cache.missed(fresh(), "k", now=1001.0, policy=POLICY)
    assert key_cache.decide_for_kid(state, "k", 1030.0, POLICY) is Decision.SERVE
    assert key_cache.decide_for_kid(state, "other", 1030.0, POLICY) is Decision.FETCH
    assert key_cache.decide_for_kid(state, "k", 1031.0, POLICY) is Decision.FETCH
    same = key_cache.fetched(state, "A", etag=None, ttl=600, now=1030.0, policy=POLICY, jitter=0)
    assert "k" in same.unknown
    changed = key_cache.fetched(state, "B", etag=None, ttl=600, now=1030.0, policy=POLICY, jitter=0)
    assert not changed.unknown


def test_K12_the_memory_of_unknown_kids_is_bounded() -> None:
    state = fresh()
    for number in range(10_000):
        state = key_cache.missed(state, f"k{number}", now=1001.0, policy=POLICY)
    assert len(state.unknown) == POLICY.unknown_size
    state = key_cache.missed(state, "later", now=1200.0, policy=POLICY)
    assert set(state.unknown) == {"later"}


def test_a_clock_that_steps_back_fetches_once_and_keeps_serving() -> None:
    state = fresh(now=1_000_000.0)
    assert key_cache.decide(state, 5000.0, POLICY) is Decision.SERVE_AND_REFRESH
    assert key_cache.decide(key_cache.attempted(state, 5000.0), 5000.1, POLICY) is Decision.SERVE
    broken: State = fail(CacheState(), 1_000_000.0)
    assert key_cache.decide(broken, 5000.0, POLICY) is Decision.FETCH


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 600.0),
        ({"cache-control": "max-age=300"}, 300.0),
        ({"cache-control": "public, MAX-AGE=300 , must-revalidate"}, 300.0),
        ({"cache-control": 'max-age="300"'}, 300.0),
        ({"cache-control": "max-age=300", "age": "100"}, 200.0),
        ({"cache-control": "max-age=300", "age": "900"}, 0.0),
        ({"cache-control": "max-age=300", "age": "-9"}, 300.0),
        ({"cache-control": "max-age=300", "age": "²"}, 300.0),
        ({"cache-control": "max-age=-1"}, 600.0),
        ({"cache-control": "max-age=99999999999999999999"}, 600.0),
        ({"cache-control": "s-max-age=5, x-max-age=7"}, 600.0),
        ({"cache-control": "no-store"}, 60.0),
        ({"cache-control": "max-age=3600, no-cache"}, 60.0),
        ({"cache-control": "garbage;;;"}, 600.0),
    ],
)
def test_lifetimes_are_read_from_cache_control(headers: dict[str, str], seconds: float) -> None:
    assert key_cache.lifetime(headers, POLICY) == seconds


@given(st.text(max_size=50), st.text(max_size=10))
def test_no_header_breaks_the_reading(control: str, age: str) -> None:
    assert key_cache.lifetime({"cache-control": control, "age": age}, POLICY) >= 0


EVENTS = st.tuples(
    st.floats(0.0, 5000.0),  # seconds that pass
    st.sampled_from(["ask", "unknown", "other"]),
    st.booleans(),  # would a fetch succeed
    st.floats(0.0, 1.0),
)


@given(st.lists(EVENTS, max_size=60))
def test_whatever_happens_the_rules_hold(events: list[tuple[float, str, bool, float]]) -> None:
    """A stale set never serves too long, failing never hammers, and strangers never cause a flood."""
    state: State = CacheState()
    now, fetches = 1000.0, list[float]()
    for number, (passed, kind, works, jitter) in enumerate(events):
        now += passed
        kid = f"k{number}" if kind == "other" else "k"
        ask = key_cache.decide(state, now, POLICY)
        decision = ask if kind == "ask" else key_cache.decide_for_kid(state, kid, now, POLICY)
        served = decision in (Decision.SERVE, Decision.SERVE_AND_REFRESH, Decision.SERVE_STALE)
        assert not served or (state.keys is not None and now - state.fetched_at < POLICY.max_stale)
        assert ask is not Decision.SERVE or now <= state.fresh_until
        if decision is Decision.FETCH or decision is Decision.SERVE_AND_REFRESH:
            assert not state.failures or now >= state.retry_at
            if ask is not decision:  # only the unknown kid asks for this one
                assert len(fetches) < 2 or now - fetches[-2] >= POLICY.cooldown
                fetches.append(now)
                state = key_cache.attempted_for_kid(state, now, POLICY)
            else:
                state = key_cache.attempted(state, now)
            if works:
                state = key_cache.fetched(
                    state, f"set {number}", etag=None, ttl=600, now=now, policy=POLICY, jitter=jitter
                )
                state = key_cache.missed(state, kid, now=now, policy=POLICY)
            else:
                state = key_cache.failed(state, now=now, policy=POLICY, jitter=jitter)
