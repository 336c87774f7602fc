"""A key's life as dates: what has been, and what the schedule intends."""

from __future__ import annotations

from typing import Any

from mintmark.authorization_server.keys import KeyPolicy, alarm, key_lives
from mintmark.authorization_server.storage.records import KeyRecord, KeyState

NOW = 1_800_000_000.0
DAY = 86400.0
POLICY = KeyPolicy()
AFTERLIFE = POLICY.token_lifetime + POLICY.skew


def record(state: KeyState, created_at: float, *, alg: str = "ES256", **more: Any) -> KeyRecord:
    values = {"activates_at": created_at, "signing_since": None, "retired_at": None, "gone_at": None, **more}
    return KeyRecord(f"{state}-{created_at}", alg, state, {}, created_at, token_lifetime=600, **values)


def test_a_current_key_signs_until_the_schedule_or_its_staged_successor_ends_it() -> None:
    current = record(KeyState.CURRENT, NOW - 6 * DAY, signing_since=NOW - 5 * DAY)
    (life,) = key_lives([current], NOW, POLICY)
    assert life.published_since == NOW - 6 * DAY
    assert (life.signs_from, life.signs_until) == (NOW - 5 * DAY, NOW + 25 * DAY)
    assert life.gone_at == NOW + 25 * DAY + AFTERLIFE
    staged = record(KeyState.NEXT, NOW, activates_at=NOW + DAY)
    following, life = key_lives([current, staged], NOW, POLICY)
    assert following.record is staged
    assert (following.signs_from, following.signs_until) == (NOW + DAY, NOW + 31 * DAY)
    assert life.signs_until == NOW + DAY


def test_a_successor_that_is_late_is_still_published_in_time() -> None:
    (life,) = key_lives([record(KeyState.CURRENT, 0, signing_since=NOW - 40 * DAY)], NOW, POLICY)
    assert life.signs_until == NOW + POLICY.publish_ahead


def test_what_stopped_signing_has_its_dates_from_the_record() -> None:
    ended: dict[str, Any] = {"signing_since": NOW - 9 * DAY, "retired_at": NOW - 60, "gone_at": NOW + 570}
    previous = record(KeyState.PREVIOUS, NOW - 10 * DAY, **ended)
    never = record(KeyState.REVOKED, NOW - DAY, retired_at=NOW - 60, gone_at=NOW + DAY)
    lives = key_lives([never, previous], NOW, POLICY)
    assert [life.record for life in lives] == [previous, never]
    assert (lives[0].signs_until, lives[0].gone_at) == (NOW - 60, NOW + 570)
    assert (lives[1].signs_from, lives[1].signs_until, lives[1].gone_at) == (None, None, NOW + DAY)


def test_the_alarm_is_for_more_than_a_little_lateness() -> None:
    staged = record(KeyState.NEXT, NOW - DAY, activates_at=NOW)
    assert alarm([staged], NOW + POLICY.late_after, POLICY) == 0
    assert alarm([staged], NOW + POLICY.late_after + 1, POLICY) == POLICY.late_after + 1
