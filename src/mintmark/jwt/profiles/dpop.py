"""DPoP proofs: a caller shows that it holds the key its token is bound to (RFC 9449).

A proof is no token of an issuer: it is signed with the key in its own header, and proves nothing but that its
maker holds that key, now, for this one request. So it has its own function instead of a Verifier.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final
from urllib.parse import urlsplit

from mintmark.errors import (
    AlgorithmNotAllowed,
    ConfigurationError,
    ErrorCode,
    InvalidClaim,
    InvalidKey,
    InvalidToken,
)
from mintmark.jose import jws
from mintmark.jose.encoding import b64url_encode, json_encode, json_object
from mintmark.jose.jwk import Key
from mintmark.jose.keyrules import PRIVATE_MEMBERS
from mintmark.jwt.checks import is_time, malformed, missing, raise_first
from mintmark.jwt.examiner import plain_text
from mintmark.jwt.policy import DEFAULT_LEEWAY, UNCHECKED, Unchecked, media_type

__all__ = ["DPOP_TYP", "Proof", "access_token_hash", "make_proof", "verify_proof"]

DPOP_TYP: Final = "dpop+jwt"

ALGORITHMS: Final = (
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
    "Ed448",
    "PS256",
    "PS384",
    "PS512",
    "RS256",
)
"""What proofs may be signed with: asymmetric algorithms only (RFC 9449 4.3, 5)."""

DEFAULT_MAX_AGE: Final = 300.0
"""How old a proof may be: the store of seen ``jti`` must remember for this long, plus the leeway."""

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_ENCODED: Final = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset(string.ascii_letters + string.digits + "-._~")


@dataclass(frozen=True, slots=True)
class Proof:
    """A DPoP proof in which everything holds that can be known without a store.

    :param thumbprint: RFC 7638 thumbprint of the key: what ``cnf.jkt`` of the token must be (RFC 9449 6).
    :param jwt_id: refuse it when it was seen before with this key (RFC 9449 11.1).
    :param issued_at: when it was made, in seconds since the epoch.
    :param key: the public key.
    """

    thumbprint: str
    jwt_id: str
    issued_at: float
    key: Key


def access_token_hash(access_token: str) -> str:
    """Return ``ath``: base64url of the SHA-256 of the access token (RFC 9449 4.2)."""
    return b64url_encode(hashlib.sha256(access_token.encode("utf-8", "surrogatepass")).digest())


def make_proof(
    key: Key,
    *,
    method: str,
    url: str,
    now: float,
    access_token: str | None = None,
    nonce: str | None = None,
) -> str:
    """Return a proof for one request (RFC 9449 4.2).

    :param key: the private key that the token is bound to.
    :param method: the HTTP method.
    :param url: the URL; query and fragment are left out.
    :param now: the time in seconds since the epoch.
    :param access_token: the access token that goes with the request.
    :param nonce: the nonce that the server asked for.
    :raises ConfigurationError: when the key is not an asymmetric private key.
    """
    if not key.is_private or key.alg not in ALGORITHMS:
        raise ConfigurationError("a DPoP proof is signed with an asymmetric private key", actual=key.alg)
    claims: dict[str, Any] = {
        "jti": b64url_encode(os.urandom(16)),
        "htm": method,
        "htu": urlsplit(url)._replace(query="", fragment="").geturl(),
        "iat": int(now),
    }
    if access_token is not None:
        claims["ath"] = access_token_hash(access_token)
    if nonce is not None:
        claims["nonce"] = nonce
    return jws.sign(json_encode(claims), key, header={"typ": DPOP_TYP, "jwk": _bare(key.public.to_jwk())})


def verify_proof(
    proof: str,
    *,
    method: str,
    url: str,
    now: float,
    access_token: str | Unchecked,
    bound_to: str | Unchecked,
    nonce: str | Unchecked,
    max_age: float = DEFAULT_MAX_AGE,
    leeway: float = DEFAULT_LEEWAY,
    algorithms: tuple[str, ...] = ALGORITHMS,
) -> Proof:
    """Return what a proof proves, after the checks of RFC 9449 4.3 that need no store and no HTTP.

    The caller still refuses a request with more than one proof, and a ``jti`` that was seen before.

    :param method: the method of the request.
    :param url: the URL of the request, as the client sees it.
    :param access_token: the token of the request; ``UNCHECKED`` at the token endpoint, where there is none.
    :param bound_to: ``cnf.jkt`` of the token or grant; ``UNCHECKED`` where nothing is bound yet.
    :param nonce: the nonce that was handed out; ``UNCHECKED`` where none is used.
    :param max_age: how old the proof may be, in seconds.
    :raises InvalidToken: when the proof is refused.
    """
    parts = jws.parse_compact(plain_text(proof))
    key = _holder(parts.header, algorithms)
    verified = jws.verify(proof, key)
    claims = json_object(verified.payload, what="the proof")
    checks = [_form(claims), _belongs_to(claims, method, url)]
    if access_token is not UNCHECKED:
        checks.append(_repeats(claims, "ath", access_token_hash(access_token)))  # RFC 9449 4.3, 12
    if nonce is not UNCHECKED:
        checks.append(_repeats(claims, "nonce", nonce))  # RFC 9449 4.3, 10
    raise_first(chain.from_iterable(checks))
    issued = claims["iat"]
    # RFC 9449 4.3, 11: neither old nor from the future
    if not issued - leeway <= now < issued + max_age + leeway:
        early = now < issued - leeway
        raise InvalidClaim(
            "The proof was made in the future" if early else "The proof is too old",
            code=ErrorCode.TOKEN_NOT_YET_VALID if early else ErrorCode.TOKEN_TOO_OLD,
            claim="iat",
            actual=issued,
            now=now,
            skew=leeway,
        )
    if bound_to is not UNCHECKED and not hmac.compare_digest(key.thumbprint.encode(), _octets(bound_to)):
        raise InvalidClaim("The token is bound to another key than the proof's", claim="jkt")  # 4.3, 12
    return Proof(key.thumbprint, claims["jti"], issued, key)


def _holder(header: Mapping[str, Any], algorithms: tuple[str, ...]) -> Key:
    """Return the key in the header (attack S19: here, and only here, a header's key is used)."""
    typ = header.get("typ")
    if not isinstance(typ, str) or media_type(typ) != media_type(DPOP_TYP):
        raise InvalidToken(
            "The typ of the header is not that of a DPoP proof",
            code=ErrorCode.TYP_MISMATCH,
            claim="typ",
            expected=DPOP_TYP,
        )
    alg, jwk = header.get("alg"), header.get("jwk")
    if alg not in algorithms or not isinstance(alg, str):
        raise AlgorithmNotAllowed(
            "The proof is signed with an algorithm that proofs must not use", claim="alg"
        )
    if not isinstance(jwk, Mapping):
        raise InvalidToken("The proof carries no key", code=ErrorCode.HEADER_INVALID, claim="jwk")
    if not PRIVATE_MEMBERS.isdisjoint(jwk):  # RFC 9449 4.3, 7, before anything is computed
        raise InvalidToken("The proof gives away a private key", code=ErrorCode.KEY_INVALID, claim="jwk")
    try:
        return Key.from_jwk(_thawed(jwk), alg=alg)
    except InvalidKey as reason:
        raise InvalidToken(
            f"The key of the proof cannot be used: {reason.message}", code=ErrorCode.KEY_INVALID, claim="jwk"
        ) from None


def _form(claims: Mapping[str, Any]) -> Iterator[InvalidToken]:
    for name in ("jti", "htm", "htu", "iat"):  # RFC 9449 4.2
        if name not in claims:
            yield missing(name, "The proof")
        elif name == "iat":
            if not is_time(claims[name]):
                yield malformed(name, "a time (seconds since 1970, a finite number)", claims[name])
        elif not isinstance(claims[name], str):
            yield malformed(name, "a string", claims[name])


def _belongs_to(claims: Mapping[str, Any], method: str, url: str) -> Iterator[InvalidToken]:
    expected = _normalized(url)
    if expected is None:
        raise ConfigurationError("url= is the http(s) address of the request", claim="htu")
    if claims["htm"] != method:
        yield InvalidClaim("The proof is for another method", claim="htm", expected=method)
    if _normalized(claims["htu"]) != expected:
        yield InvalidClaim("The proof is for another address", claim="htu", expected=url)


def _repeats(claims: Mapping[str, Any], name: str, expected: str) -> Iterator[InvalidToken]:
    actual = claims.get(name)
    if actual is None:
        yield missing(name, "The proof")
    elif not isinstance(actual, str) or not hmac.compare_digest(_octets(actual), _octets(expected)):
        yield InvalidClaim(f"The {name} claim is not the one expected", claim=name)


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _bare(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """Return a public JWK without what the receiver does not need to know."""
    return {name: value for name, value in jwk.items() if name not in {"alg", "kid", "use", "key_ops"}}


def _thawed(jwk: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in jwk.items()}


def _normalized(url: str) -> tuple[str, str, int, str] | None:
    """Return what two equal addresses have in common, without query and fragment (RFC 9449 4.3, 9).

    Syntax- and scheme-based normalization (RFC 3986 6.2.2, 6.2.3); None for what is no http(s) address.
    """
    if not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not parts.hostname or parts.username is not None:
        return None
    return scheme, parts.hostname, port or _DEFAULT_PORTS[scheme], _normalized_path(parts.path)


def _normalized_path(path: str) -> str:
    """Return a path with its dot segments removed and only those octets encoded that need to be."""
    segments: list[str] = []
    names = _ENCODED.sub(_decoded_if_unreserved, path).split("/")[1:]
    for name in names:
        if name == "..":
            del segments[-1:]
        elif name != ".":
            segments.append(name)
    if names and names[-1] in {".", ".."}:
        segments.append("")
    return "/" + "/".join(segments)


def _decoded_if_unreserved(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()
