"""OpenID Connect ID tokens (OpenID Connect Core 1.0, 2 and 3.1.3.7)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mintmark.errors import ConfigurationError, ErrorCode, InvalidClaim, InvalidToken
from mintmark.jose.encoding import b64url_encode
from mintmark.jwt.checks import is_time, missing, shown
from mintmark.jwt.policy import UNCHECKED, Policy, Unchecked, media_type
from mintmark.jwt.profile import Profile

__all__ = ["ID_TOKEN", "SignIn", "left_half_hash"]

_HASHES: Final = {"256": "sha256", "384": "sha384", "512": "sha512"}
_EDWARDS_HASHES: Final = {"Ed25519": ("sha512", 64), "EdDSA": ("sha512", 64), "Ed448": ("shake_256", 114)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What the client knows of the sign-in that an ID token must belong to.

    The expectation comes from the client, never from the token (attack C14): what is given here must be in
    the token and must fit.

    :param nonce: the nonce of the authorization request; ``UNCHECKED`` where none was sent (at a refresh).
    :param access_token: the access token that came along; ``at_hash`` must fit it.
    :param code: the authorization code that came along; ``c_hash`` must fit it.
    :param max_age: the ``max_age`` of the request in seconds; ``auth_time`` must be there and recent enough.
    """

    nonce: str | Unchecked
    access_token: str | None = None
    code: str | None = None
    max_age: float | None = None

    def __repr__(self) -> str:
        return "<SignIn>"  # it holds secrets


def left_half_hash(alg: str, text: str) -> str:
    """Return what ``at_hash`` and ``c_hash`` say of ``text`` when the ID token is signed with ``alg``.

    The left half of the hash that the algorithm uses (Core 3.1.3.6, 3.3.2.11); for the Edwards curves the
    hash that is part of the signature scheme.

    :raises ConfigurationError: when no hash is defined for the algorithm.
    """
    data = text.encode("utf-8", "surrogatepass")
    if alg in _EDWARDS_HASHES:
        name, size = _EDWARDS_HASHES[alg]
        digest = hashlib.new(name, data)
        whole = digest.digest(size) if name.startswith("shake") else digest.digest()  # type: ignore[call-arg]
    elif alg[2:5] in _HASHES and alg[:2] in {"HS", "RS", "PS", "ES"}:
        whole = hashlib.new(_HASHES[alg[2:5]], data).digest()
    else:
        raise ConfigurationError(f"no hash is defined for at_hash and c_hash with {alg}")
    return b64url_encode(whole[: len(whole) // 2])


def _authorized_party(claims: Mapping[str, Any], policy: Policy) -> Iterator[InvalidToken]:
    audience, party = claims.get("aud"), claims.get("azp")
    if party is None:
        if isinstance(audience, list) and len(audience) > 1:  # Core 3.1.3.7, 4
            yield missing("azp", "An ID token for several audiences")
    elif policy.audiences is not None and isinstance(party, str) and party not in policy.audiences:
        yield InvalidClaim(  # Core 3.1.3.7, 5
            "The ID token was made for another client",
            claim="azp",
            expected=sorted(policy.audiences),
            actual=shown(party),
        )


def _compare(name: str, expected: str, claims: Mapping[str, Any], purpose: str) -> Iterator[InvalidToken]:
    actual = claims.get(name)
    if actual is None:
        yield missing(name, "The ID token")
    elif not isinstance(actual, str) or not _same(actual, expected):
        yield InvalidClaim(f"The {name} claim does not belong to {purpose}", claim=name)


def _same(actual: str, expected: str) -> bool:
    return hmac.compare_digest(
        actual.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass")
    )


def _belongs_to(
    claims: Mapping[str, Any], header: Mapping[str, Any], expected: SignIn, now: float, leeway: float
) -> Iterator[InvalidToken]:
    if expected.nonce is not UNCHECKED:
        yield from _compare("nonce", expected.nonce, claims, "this sign-in")  # Core 3.1.3.7, 11
    for name, text, purpose in (
        ("at_hash", expected.access_token, "the access token"),  # Core 3.1.3.8
        ("c_hash", expected.code, "the authorization code"),  # Core 3.3.2.10
    ):
        if text is not None:
            yield from _compare(name, left_half_hash(header["alg"], text), claims, purpose)
    if expected.max_age is not None:  # Core 3.1.3.7, 13
        auth_time = claims.get("auth_time")
        if auth_time is None:
            yield missing("auth_time", "The ID token")
        elif is_time(auth_time) and not now <= auth_time + expected.max_age + leeway:
            yield InvalidClaim(
                "The person signed in too long ago",
                code=ErrorCode.TOKEN_TOO_OLD,
                claim="auth_time",
                expected=expected.max_age,
                actual=auth_time,
                now=now,
                skew=leeway,
            )


ID_TOKEN: Final = Profile(
    name="ID token",
    typ="JWT",
    types=(None, media_type("JWT")),
    required=("iss", "sub", "aud", "exp", "iat"),  # Core 2
    strings=("nonce", "acr", "at_hash", "c_hash", "sid"),
    string_lists=("amr",),
    times=("auth_time",),
    rules=_authorized_party,
    expectation=SignIn,
    matches=_belongs_to,
)
"""What a client accepts: ``verifier.verify(id_token, expected=SignIn(nonce=nonce))``.

The audience of the verifier is the client's own ``client_id``; ``azp``, where it stands, must be that too.
"""
