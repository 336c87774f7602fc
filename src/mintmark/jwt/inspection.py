"""inspect: takes a token apart without verifying anything, for people who look at one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from mintmark.errors import ErrorCode, MalformedToken, MintmarkError
from mintmark.jose.encoding import b64url_decode, freeze, json_object
from mintmark.jose.header import check_header, read_header
from mintmark.jwt.checks import TIMES, is_time, malformed
from mintmark.jwt.policy import media_type
from mintmark.jwt.profiles.logout_token import BACKCHANNEL_LOGOUT_EVENT

__all__ = ["Unverified", "inspect"]

MAX_CHARACTERS: Final = 1 << 20

_WRAPPING: Final = "\"'`<>"
_SCHEME: Final = re.compile(r"(?:authorization\s*:\s*)?(?:bearer|dpop)\s+", re.IGNORECASE)

_KINDS_BY_TYP: Final = {
    media_type("at+jwt"): "access token (RFC 9068)",
    media_type("logout+jwt"): "logout token (OpenID Connect Back-Channel Logout)",
    media_type("dpop+jwt"): "DPoP proof (RFC 9449)",
    media_type("revocations+jwt"): "revocation snapshot",
    media_type("client-authentication+jwt"): "client assertion (RFC 7523)",
    media_type("secevent+jwt"): "security event (RFC 8417)",
    media_type("statuslist+jwt"): "status list",
    media_type("dc+sd-jwt"): "SD-JWT credential (RFC 9901)",
    media_type("token-introspection+jwt"): "introspection response (RFC 9701)",
    media_type("oauth-authz-req+jwt"): "authorization request (RFC 9101)",
}


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a text says of itself. **Nothing here has been verified**: anybody can write such a text.

    A type of its own, so that it is never taken for :class:`~mintmark.jwt.claims.Claims`.

    :param kind: ``"jws"`` for a signed token, ``"jwe"`` for an encrypted one, ``"unknown"`` for anything
        else.
    :param recognised: what kind of token it seems to be, for people.
    :param header: the header, empty where it cannot be read.
    :param claims: the claims; None where there are none to be read (an encrypted token shows none).
    :param signature: the octets of the signature, or of the authentication tag of an encrypted token.
    :param problems: what is wrong with its form, as errors that are not raised.
    :param notes: what was taken off around it (``Bearer``, quotes, line breaks).
    """

    kind: Literal["jws", "jwe", "unknown"]
    recognised: str
    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] | None = None
    signature: bytes = field(default=b"", repr=False)
    problems: tuple[MintmarkError, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        state = f", {len(self.problems)} problems" if self.problems else ""
        return f"<UNVERIFIED {self.recognised}{state}>"

    __str__ = __repr__


def inspect(token: str | bytes) -> Unverified:
    """Return what can be seen of a token without any key, and what is wrong with its form.

    Takes what people paste: with ``Bearer`` in front, in quotes, over several lines. Never raises because of
    what the text is. To trust anything of it, verify it: :meth:`mintmark.Verifier.verify`.
    """
    text, notes = _unwrapped(token)
    if text is None:
        problem = MalformedToken(
            "This is no text, or far too long for a token", code=ErrorCode.TOKEN_TOO_LARGE
        )
        return Unverified("unknown", "no token", problems=(problem,))
    parts = text.split(".")
    if len(parts) == 3:
        return _signed(parts, notes)
    if len(parts) == 5:
        return _encrypted(parts, notes)
    hint = "A JSON serialization or something else: a JWT is compact." if text.startswith("{") else None
    problem = MalformedToken(
        f"A signed token has three parts and an encrypted one five; this has {len(parts)}",
        code=ErrorCode.TOKEN_WRONG_FORM if text.startswith("{") else ErrorCode.TOKEN_MALFORMED,
        hint=hint,
    )
    return Unverified("unknown", "no compact token", problems=(problem,), notes=tuple(notes))


def _unwrapped(token: object) -> tuple[str | None, list[str]]:
    """Return the token within what was pasted, and what was taken off."""
    if isinstance(token, bytes | bytearray):
        token = bytes(token).decode("utf-8", "replace")
    if not isinstance(token, str) or len(token) > MAX_CHARACTERS:
        return None, []
    notes = []
    text = token.strip().strip(_WRAPPING).strip()
    without = _SCHEME.sub("", text, count=1) if _SCHEME.match(text) else text
    if without != text:
        notes.append("an authorization scheme stood in front of it")
    bare = without.strip().strip(_WRAPPING)
    if bare != token.strip() and not notes:
        notes.append("it stood in quotes")
    joined = "".join(bare.split())
    if joined != bare:
        notes.append("it had white space or line breaks in it")
    return joined, notes


def _signed(parts: list[str], notes: list[str]) -> Unverified:
    problems: list[MintmarkError] = []
    header = _header(parts[0], problems)
    claims = _claims(parts[1], problems)
    signature = _octets(parts[2], "the signature", problems)
    if not parts[2]:
        problems.append(MalformedToken("There is no signature", code=ErrorCode.SIGNATURE_INVALID))
    return Unverified(
        "jws",
        _recognise(header, claims),
        freeze(header),
        None if claims is None else freeze(claims),
        signature,
        tuple(problems),
        tuple(notes),
    )


def _encrypted(parts: list[str], notes: list[str]) -> Unverified:
    problems: list[MintmarkError] = []
    header = _header(parts[0], problems)
    for index, what in ((1, "the encrypted key"), (2, "the initialization vector"), (3, "the ciphertext")):
        _octets(parts[index], what, problems)
    tag = _octets(parts[4], "the authentication tag", problems)
    cty = header.get("cty")
    nested = isinstance(cty, str) and media_type(cty) == media_type("JWT")
    recognised = "signed and encrypted token (nested JWT)" if nested else "encrypted message (JWE)"
    return Unverified("jwe", recognised, freeze(header), None, tag, tuple(problems), tuple(notes))


def _header(part: str, problems: list[MintmarkError]) -> dict[str, Any]:
    try:
        header = read_header(part)
    except MintmarkError as problem:
        problems.append(problem)
        return {}
    try:
        check_header(header, header, understood=frozenset({"b64"}))
    except MintmarkError as problem:
        problems.append(problem)
    alg = header.get("alg")
    if isinstance(alg, str) and alg.lower() == "none":
        problems.append(
            MalformedToken(
                "It is not signed at all", code=ErrorCode.ALGORITHM_NOT_ALLOWED, claim="alg", actual="none"
            )
        )
    return header


def _claims(part: str, problems: list[MintmarkError]) -> dict[str, Any] | None:
    try:
        claims = json_object(b64url_decode(part, what="the payload"), what="the payload")
    except MintmarkError as problem:
        problems.append(problem)
        return None
    for name in TIMES:
        if name in claims and not is_time(claims[name]):
            problems.append(malformed(name, "a time (seconds since 1970, a finite number)", claims[name]))
    return claims


def _octets(part: str, what: str, problems: list[MintmarkError]) -> bytes:
    try:
        return b64url_decode(part, what=what)
    except MintmarkError as problem:
        problems.append(problem)
        return b""


def _recognise(header: Mapping[str, Any], claims: Mapping[str, Any] | None) -> str:
    """Return what kind of token this seems to be: its typ says so, or else its claims do."""
    typ = header.get("typ")
    named = _KINDS_BY_TYP.get(media_type(typ)) if isinstance(typ, str) else None
    if named is not None:
        return named
    if claims is None:
        return "signed message (JWS), not a JWT"
    events = claims.get("events")
    if isinstance(events, dict) and BACKCHANNEL_LOGOUT_EVENT in events:
        return _KINDS_BY_TYP[media_type("logout+jwt")]
    if {"htm", "htu", "jti"} <= claims.keys():
        return _KINDS_BY_TYP[media_type("dpop+jwt")]
    if not claims.keys().isdisjoint({"nonce", "at_hash", "c_hash", "auth_time"}) and "scope" not in claims:
        return "ID token (OpenID Connect)"
    if "scope" in claims or "scp" in claims or "client_id" in claims:
        return "access token without the typ of RFC 9068"
    return "signed token (JWT)"
