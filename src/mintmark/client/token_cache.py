"""When a token that one holds is used, renewed or given up: a pure state machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from mintmark.client.tokens import Token
from mintmark.errors import MintmarkError

__all__ = ["HeldToken", "Need", "RenewalPolicy", "failed", "need", "renewed"]

_NEVER = float("-inf")


class Need(Enum):
    """What a caller who needs the token is to do now."""

    USE = "use it"
    USE_AND_RENEW = "use it, renew it in the background"
    WAIT = "wait for a new one"
    GIVE_UP = "there is none, and asking failed just now"


@dataclass(frozen=True, slots=True)
class RenewalPolicy:
    """Times in seconds.

    :param margin: how long before it expires a token is used no more: it must survive the way to the service.
    :param retry_first: the wait after a first failure; it doubles up to ``retry_most``.
    """

    margin: float = 5.0
    retry_first: float = 1.0
    retry_most: float = 30.0


@dataclass(frozen=True, slots=True)
class HeldToken:
    """What is held for one kind of request."""

    token: Token | None = None
    renew_at: float = _NEVER
    retry_at: float = _NEVER
    failures: int = 0
    error: MintmarkError | None = None


def need(held: HeldToken, now: float, policy: RenewalPolicy) -> Need:
    """Decide for a caller who needs the token."""
    waiting = now < held.retry_at <= now + policy.retry_most  # beyond that the clock has been set back
    if held.token is not None and now < held.token.expires_at - policy.margin:
        return Need.USE if waiting or now < held.renew_at else Need.USE_AND_RENEW
    return Need.GIVE_UP if waiting else Need.WAIT


def renewed(token: Token, *, now: float, jitter: float) -> HeldToken:
    """A token came: it is renewed after 75 % to 90 % of its life, spread by ``jitter`` (0 to 1)."""
    return HeldToken(token, renew_at=now + (token.expires_at - now) * (0.75 + 0.15 * jitter))


def failed(
    held: HeldToken, error: MintmarkError, *, now: float, policy: RenewalPolicy, jitter: float
) -> HeldToken:
    """Asking failed: the old token serves as long as it lives, and the issuer is not hammered."""
    wait = min(policy.retry_most, policy.retry_first * 2.0 ** min(held.failures, 16))
    return replace(held, failures=held.failures + 1, error=error, retry_at=now + wait * (0.5 + 0.5 * jitter))
