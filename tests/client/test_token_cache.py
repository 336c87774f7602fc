"""When a token is used, renewed or given up: the state machine alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mintmark.client import Token
from mintmark.client.token_cache import HeldToken, Need, RenewalPolicy, failed, need, renewed
from mintmark.errors import FetchFailed

POLICY = RenewalPolicy()
ERROR = FetchFailed("down")


def test_a_token_is_used_then_renewed_ahead_then_waited_for() -> None:
    held = renewed(Token("t", 1600.0), now=1000.0, jitter=0.0)
    assert need(HeldToken(), 0.0, POLICY) is Need.WAIT
    assert need(held, 1449.0, POLICY) is Need.USE
    assert need(held, 1450.0, POLICY) is Need.USE_AND_RENEW
    assert need(held, 1595.0, POLICY) is Need.WAIT


def test_while_renewal_fails_the_old_token_serves_and_the_issuer_is_spared() -> None:
    held = failed(
        renewed(Token("t", 1600.0), now=1000.0, jitter=0.0), ERROR, now=1450.0, policy=POLICY, jitter=1.0
    )
    assert need(held, 1450.5, POLICY) is Need.USE
    assert need(held, 1451.0, POLICY) is Need.USE_AND_RENEW
    held = failed(held, ERROR, now=1594.0, policy=POLICY, jitter=1.0)
    assert need(held, 1595.5, POLICY) is Need.GIVE_UP
    assert need(held, 1596.0, POLICY) is Need.WAIT


@given(st.lists(st.tuples(st.floats(0, 400), st.booleans(), st.floats(0, 1)), max_size=50))
def test_no_expired_token_is_used_and_failures_do_not_hammer(
    events: list[tuple[float, bool, float]],
) -> None:
    held, now, last_failure = HeldToken(), 1000.0, -1.0
    for passed, works, jitter in events:
        now += passed
        needed = need(held, now, POLICY)
        if needed in (Need.USE, Need.USE_AND_RENEW):
            assert held.token is not None
            assert now < held.token.expires_at
        if needed in (Need.WAIT, Need.USE_AND_RENEW):
            assert not held.failures or now - last_failure >= 0.5
            if works:
                held = renewed(Token("t", now + 300.0), now=now, jitter=jitter)
            else:
                last_failure = now
                held = failed(held, ERROR, now=now, policy=POLICY, jitter=jitter)


def test_a_clock_that_is_set_back_blocks_nobody() -> None:
    held = failed(HeldToken(), ERROR, now=10_000.0, policy=POLICY, jitter=1.0)
    assert need(held, 10_000.5, POLICY) is Need.GIVE_UP
    assert need(held, 6_400.0, POLICY) is Need.WAIT
