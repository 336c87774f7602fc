"""The refresh rules, as a decision over a grant, a genuine token's generation, the policy and the time.

What holds, whatever requests, retries and thefts interleave:

- a token that we did not make changes nothing (its MAC is checked before this is asked, see :mod:`.tokens`);
- an answer that was lost, or two tabs that refresh at once, never end a grant: within ``grace`` the
  generation before the current one gives the same successor again;
- whoever holds an older generation, or comes after ``grace``, ends this one grant and no other: one of two
  holders is a thief, and nobody can tell which;
- no generation is current twice, and no grant outlives its absolute end.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from mintmark.authorization_server.storage.records import Grant
from mintmark.errors import ConfigurationError

__all__ = [
    "Decision",
    "Ended",
    "Expired",
    "Keep",
    "RefreshPolicy",
    "Reuse",
    "Rotate",
    "SameSuccessor",
    "Unknown",
    "decide",
    "end_of",
]


class RefreshPolicy(Struct, frozen=True):
    """How a client's refresh tokens live. Durations are seconds.

    :param idle: a grant that is not used for so long ends.
    :param absolute: a grant ends after so long, however often it is used.
    :param grace: how long after a rotation the token before may come once more.
    :param rotate: False for clients that keep one token (FAPI 2.0 asks for it with confidential clients).
    """

    idle: float = 30 * 86400.0
    absolute: float = 90 * 86400.0
    grace: float = 30.0
    rotate: bool = True

    def __post_init__(self) -> None:
        if self.idle <= 0 or self.absolute <= 0 or self.grace < 0:
            raise ConfigurationError("refresh: idle and absolute must be greater than 0, grace not less.")


class Rotate(Struct, frozen=True):
    """The token is the current one: the successor takes its place. ``grant`` is the state to write."""

    grant: Grant


class SameSuccessor(Struct, frozen=True):
    """The token was the current one a moment ago: answer as then; nothing is written."""

    generation: int


class Keep(Struct, frozen=True):
    """The client does not rotate: the same token goes on. ``grant`` is the state to write, if it is due."""

    grant: Grant | None


class Reuse(Struct, frozen=True):
    """A genuine token that was replaced long ago: two hold this grant. It ends."""


class Unknown(Struct, frozen=True):
    """There is no such grant (any more)."""


class Ended(Struct, frozen=True):
    """The grant was ended before: sign-out, reuse, by hand."""

    reason: str


class Expired(Struct, frozen=True):
    """The grant has not been used for too long, or has reached its absolute end."""


Decision: TypeAlias = Rotate | SameSuccessor | Keep | Reuse | Unknown | Ended | Expired

_WORTH_WRITING = 0.01  # a kept token's idle end is written when it moves by this part of ``idle``


def end_of(grant: Grant) -> float:
    """When the grant ends if nothing more happens."""
    return min(grant.idle_end, grant.absolute_end)


def decide(grant: Grant | None, generation: int, now: float, policy: RefreshPolicy) -> Decision:
    """Say what becomes of a genuine refresh token of that generation (RFC 9700 4.14.2).

    A generation greater than the grant's was issued by us and then forgotten: the database was restored
    from a backup. The grant goes on from it, so that a restore signs nobody out; older tokens are still
    recognised.
    """
    if grant is None or not grant.refreshable:
        return Unknown()
    if grant.ended_at is not None:
        return Ended(grant.end_reason or "ended")
    if now >= end_of(grant):
        return Expired()
    if generation >= grant.generation:
        return _go_on(grant, generation, now, policy)
    replaced_now = grant.rotated_at is not None and now <= grant.rotated_at + policy.grace
    if generation == grant.generation - 1 and replaced_now:
        return SameSuccessor(grant.generation)
    return Reuse()


def _go_on(grant: Grant, generation: int, now: float, policy: RefreshPolicy) -> Decision:
    idle_end = min(now + policy.idle, grant.absolute_end)
    if policy.rotate:
        return Rotate(replace(grant, generation=generation + 1, rotated_at=now, idle_end=idle_end))
    if generation == grant.generation and idle_end - grant.idle_end < policy.idle * _WORTH_WRITING:
        return Keep(None)
    return Keep(replace(grant, generation=generation, idle_end=idle_end))
