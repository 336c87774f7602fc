"""Logout tokens (OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mintmark.errors import InvalidToken
from mintmark.jwt.checks import malformed, missing
from mintmark.jwt.policy import Policy, media_type
from mintmark.jwt.profile import Profile

__all__ = ["BACKCHANNEL_LOGOUT_EVENT", "LOGOUT_TOKEN"]

BACKCHANNEL_LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"


def _ends_a_session(claims: Mapping[str, Any], policy: Policy) -> Iterator[InvalidToken]:
    if "sub" not in claims and "sid" not in claims:
        yield missing("sid", "A logout token without sub")
    events = claims.get("events")
    if events is None:
        return  # reported as missing
    if not isinstance(events, dict) or not isinstance(events.get(BACKCHANNEL_LOGOUT_EVENT), dict):
        yield malformed("events", "an object that names the back-channel logout event", events)


LOGOUT_TOKEN: Final = Profile(
    name="logout token",
    typ="logout+jwt",
    # the typ is only recommended (2.4); `events` and the ban on nonce keep other tokens out all the same
    types=(media_type("logout+jwt"), media_type("JWT"), None),
    required=("iss", "aud", "iat", "exp", "jti", "events"),
    strings=("sid",),
    forbidden=("nonce",),  # so that no logout token is ever taken for an ID token
    rules=_ends_a_session,
)
"""What a client accepts at its back-channel logout endpoint; it keeps the ``jti`` to refuse a second use."""
