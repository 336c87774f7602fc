"""OAuth 2.0 access tokens that are JWTs (RFC 9068)."""

from __future__ import annotations

from typing import Final

from mintmark.jwt.policy import media_type
from mintmark.jwt.profile import Profile

__all__ = ["ACCESS_TOKEN"]

ACCESS_TOKEN: Final = Profile(
    name="access token",
    typ="at+jwt",  # RFC 9068 2.1; nothing else passes, so no ID token is ever taken for one (attack C9)
    types=(media_type("at+jwt"),),
    required=("iss", "exp", "aud", "sub", "client_id", "iat", "jti"),  # RFC 9068 2.2
    strings=("scope", "acr"),  # RFC 8693 4.2, OpenID Connect Core 2
    string_lists=("amr",),
    times=("auth_time",),  # RFC 9068 2.2.1
)
"""What a resource server accepts (RFC 9068 4).

For an issuer that does not follow RFC 9068, say which typ it writes: ``Verifier(..., profile=ACCESS_TOKEN,
typ=("at+jwt", "JWT"))``, or use no profile and state what is ``required``.
"""
