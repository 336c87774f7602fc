"""The JWT with which an OAuth client proves who it is: ``private_key_jwt`` (RFC 7523 2.2, 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mintmark.errors import InvalidClaim, InvalidToken
from mintmark.jwt.policy import Policy, media_type
from mintmark.jwt.profile import Profile

__all__ = ["CLIENT_ASSERTION"]


def _speaks_for_itself(claims: Mapping[str, Any], policy: Policy) -> Iterator[InvalidToken]:
    # RFC 7523 3: for client authentication both are the client_id
    if "iss" in claims and "sub" in claims and claims["iss"] != claims["sub"]:
        yield InvalidClaim("The issuer and the subject of a client assertion differ", claim="sub")


CLIENT_ASSERTION: Final = Profile(
    name="client assertion",
    typ="client-authentication+jwt",
    # draft-ietf-oauth-rfc7523bis names the explicit typ; the clients there are today write JWT or none
    types=(None, media_type("JWT"), media_type("client-authentication+jwt")),
    # jti, so that the receiver can refuse a second use: the caller keeps (iss, jti) until exp
    required=("iss", "sub", "aud", "exp", "jti"),
    rules=_speaks_for_itself,
)
"""What an authorization server accepts from one client.

``Verifier(issuer=client_id, audience=server, keys=keys_of_the_client, profile=CLIENT_ASSERTION,
cache=None)``. Refusing a ``jti`` that was seen before is left to the caller, who has the store for it.
"""
