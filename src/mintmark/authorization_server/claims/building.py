"""Build the claims of access tokens (RFC 9068), ID tokens (OpenID Connect Core 2) and userinfo (5.3).

``iss``, ``sub``, ``aud``, ``iat``, ``exp`` and ``jti`` are the issuer's to set; the rest is built here.
What a rule adds can never take the place of a claim that the protocol gives a meaning.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mintmark.authorization_server.storage.records import Grant, Person
from mintmark.errors import ConfigurationError
from mintmark.jwt import left_half_hash

__all__ = ["REGISTERED", "build_access_claims", "build_id_claims", "build_userinfo"]

# Claims that the protocol gives a meaning: no rule may set them.
_REGISTERED = """
iss sub aud exp nbf iat jti client_id scope sid grant_id auth_time acr amr azp nonce at_hash c_hash s_hash
act may_act cnf authorization_details events sub_jwk sub_id status typ
"""
REGISTERED = frozenset(_REGISTERED.split())


def build_access_claims(
    *,
    client_id: str,
    scope: Collection[str],
    grant: Grant | None = None,
    person: Person | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Claims of an access token (RFC 9068 2.2).

    :param scope: what this token may be used for.
    :param grant: None where no person is concerned (client credentials).
    :param extra: what rules add.
    :raises ConfigurationError: a rule sets a registered claim.
    """
    claims = _extra(extra)
    if person is not None and person.roles:
        claims["roles"] = list(person.roles)  # RFC 9068 2.2.3.1
    if person is not None and person.groups:
        claims["groups"] = list(person.groups)
    claims["client_id"] = client_id
    claims["scope"] = " ".join(scope)
    if grant is not None:
        claims["grant_id"] = grant.grant_id
        claims.update(_about_sign_in(grant))
    return claims


def build_id_claims(
    *,
    grant: Grant,
    person: Person,
    scope: Collection[str],
    alg: str,
    access_token: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Claims of an ID token (OpenID Connect Core 2 and 3.1.3.6).

    :param alg: the algorithm that will sign it, which decides the hash of ``at_hash``.
    :raises ConfigurationError: a rule sets a registered claim.
    """
    claims = _extra(extra)
    claims.update(_by_scope(person, scope))
    claims.update(_about_sign_in(grant))
    claims["azp"] = grant.client_id
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    if access_token is not None:
        claims["at_hash"] = left_half_hash(alg, access_token)
    return claims


def build_userinfo(
    person: Person, scope: Collection[str], *, extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The answer of the userinfo endpoint: ``sub`` and what the scope gives (Core 5.3.2, 5.4)."""
    return {**_extra(extra), **_by_scope(person, scope), "sub": person.person_id}


def _about_sign_in(grant: Grant) -> dict[str, Any]:
    """How and when the person signed in; ``sid`` only where sign-out is to end the token."""
    claims: dict[str, Any] = {"auth_time": int(grant.auth_time)}
    if grant.acr is not None:
        claims["acr"] = grant.acr
    if grant.amr:
        claims["amr"] = list(grant.amr)
    if grant.token_sid is not None:
        claims["sid"] = grant.token_sid
    return claims


def _by_scope(person: Person, scope: Collection[str]) -> dict[str, Any]:
    """What the scopes ``profile`` and ``email`` give (OpenID Connect Core 5.4)."""
    claims: dict[str, Any] = {}
    if "profile" in scope:
        claims["preferred_username"] = person.username
        claims["updated_at"] = int(person.updated_at)
        if person.name:
            claims["name"] = person.name
    if "email" in scope and person.email is not None:
        claims["email"] = person.email
        claims["email_verified"] = person.email_verified
    return claims


def _extra(extra: Mapping[str, Any] | None) -> dict[str, Any]:
    if not extra:
        return {}
    if taken := REGISTERED.intersection(extra):
        raise ConfigurationError(
            f"A claim rule sets {', '.join(sorted(taken))}: the protocol owns that claim."
        )
    return dict(extra)
