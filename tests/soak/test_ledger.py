"""The soak's ledger: a service that keeps its word breaks nothing, and each way to break it is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def ledger() -> Any:
    from ledger import Ledger

    return Ledger()


def test_a_service_that_keeps_its_word_breaks_nothing(ledger: Any) -> None:
    ledger.answered("refresh", 503, seconds=0.1, retry_after=True)
    ledger.answered("refresh", 200, seconds=0.1, retry_after=False)
    ledger.signed_in("sid")
    grant = ledger.granted("grant", "sid", "1")
    ledger.renewed(grant, "1", "2", asked_at=1.0)
    ledger.renewed(grant, "1", "2", asked_at=1.1)  # the same successor, to whoever asks again
    ledger.renewed(grant, "2", "3", asked_at=2.0)
    assert grant.newest == "3"
    assert ledger.live() == ledger.within("sid") == [grant]
    ledger.ending([grant], now=3.0)
    ledger.renewed(grant, "3", "4", asked_at=3.1)  # nobody was told yet that it has ended
    ledger.refused(grant)
    ledger.ended([grant], now=4.0)
    ledger.refused(grant)
    ledger.signed_out("sid")
    ledger.asked_to_sign_in("sid")
    assert ledger.live() == ledger.within("sid") == []
    ledger.saw_keys([("a", "ES256", "current"), ("b", "ES256", "next"), ("c", "RS256", "current")])
    ledger.saw_keys([("a", "ES256", "previous"), ("b", "ES256", "current"), ("c", "RS256", "current")])
    ledger.verified("access token", [None, None])
    ledger.heard_of_end(0.2)
    assert ledger.rotations() == {"ES256": 1, "RS256": 0}
    assert ledger.violations == []


def double_rotation(ledger: Any) -> None:
    grant = ledger.granted("grant", "sid", "1")
    ledger.renewed(grant, "1", "2", asked_at=1.0)
    ledger.renewed(grant, "1", "3", asked_at=1.0)


def two_predecessors(ledger: Any) -> None:
    grant = ledger.granted("grant", "sid", "1")
    ledger.renewed(grant, "1", "2", asked_at=1.0)
    ledger.renewed(grant, "2", "2", asked_at=1.0)


def renewed_after_its_end(ledger: Any) -> None:
    grant = ledger.granted("grant", "sid", "1")
    ledger.ending([grant], now=1.0)
    ledger.ended([grant], now=2.0)
    ledger.renewed(grant, "1", "2", asked_at=2.1)


def lost_sign_in(ledger: Any) -> None:
    ledger.signed_in("sid")
    ledger.asked_to_sign_in("sid")


def key_came_back(ledger: Any) -> None:
    ledger.saw_keys([("a", "ES256", "previous"), ("b", "ES256", "current")])
    ledger.saw_keys([("a", "ES256", "current"), ("b", "ES256", "previous")])


BROKEN: dict[str, Callable[[Any], object]] = {
    "refresh: answered 500": lambda book: book.answered("refresh", 500, seconds=0.1, retry_after=False),
    "503 without Retry-After": lambda book: book.answered("refresh", 503, seconds=0.1, retry_after=False),
    "no good answer for 25 s": lambda book: book.unanswered("refresh", 25.0),
    "a sign-in was lost": lost_sign_in,
    "a code was lost": lambda book: book.code_refused(),
    "a code gave a grant twice": lambda book: [book.granted("grant", "sid", "1") for _ in range(2)],
    "a grant was lost": lambda book: book.refused(book.granted("grant", "sid", "1")),
    "one refresh token has two successors": double_rotation,
    "two refresh tokens have one successor": two_predecessors,
    "a grant that had ended was renewed": renewed_after_its_end,
    "ES256: 2 current keys": lambda book: book.saw_keys([(kid, "ES256", "current") for kid in "ab"]),
    "ES256: 0 current keys": lambda book: book.saw_keys([("a", "ES256", "next")]),
    "ES256: a key went back": key_came_back,
    "verifies nowhere: key_unknown": lambda book: book.verified("ID token", ["key_unknown"] * 2),
    "is refused by a verifier": lambda book: book.verified("ID token", [None, "key_unknown"]),
    "did not reach a follower": lambda book: book.never_heard_of_end(10.0),
}


@pytest.mark.parametrize("said", BROKEN)
def test_each_broken_promise_is_seen(ledger: Any, said: str) -> None:
    BROKEN[said](ledger)
    assert len(ledger.violations) == 1
    assert said in ledger.violations[0]
