"""The JSON forms: flattened (one signature) and general (several) (RFC 7515 3.2, 7.2; RFC 7797 5.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mintmark.errors import ConfigurationError, ErrorCode, InvalidSignature, InvalidToken, MalformedToken
from mintmark.jose.encoding import b64url_decode, b64url_encode, freeze, json_encode, json_members
from mintmark.jose.header import check_header, join, read_header, refuse_header, unprotected_parameters
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet, select
from mintmark.jose.jws.compact import (
    MAX_CHARACTERS,
    UNDERSTOOD,
    Parts,
    Verified,
    check_b64,
    check_signer,
    first_match,
    protected_header,
)

__all__ = ["sign_json", "verify_json"]

MAX_SIGNATURES: Final = 64
_PROTECTED_ONLY: Final = ("alg", "crit", "b64")


def sign_json(
    payload: bytes,
    keys: Key | Sequence[Key],
    *,
    header: Mapping[str, Any] | None = None,
    unprotected: Mapping[str, Any] | None = None,
    detached: bool = False,
    b64: bool = True,
) -> dict[str, Any]:
    """Return ``payload`` signed: one Key gives the flattened form, a sequence of keys the general one.

    :param header: further protected parameters; ``alg`` and ``kid`` come from each key.
    :param unprotected: parameters that anybody may change on the way.
    :param detached: leave the payload out.
    :param b64: False signs the payload unencoded (RFC 7797); it must then be detached, or UTF-8 text.
    :raises ConfigurationError: when a header says what it must not, or there are no keys.
    :raises InvalidKey: when a key may not sign.
    """
    signers = [keys] if isinstance(keys, Key) else list(keys or ())
    if not signers or len(signers) > MAX_SIGNATURES or not isinstance(payload, bytes):
        raise ConfigurationError(f"bytes are signed with 1 to {MAX_SIGNATURES} keys")
    body = b64url_encode(payload).encode("ascii") if b64 else payload
    message: dict[str, Any] = {}
    if not detached:
        try:
            message["payload"] = body.decode("utf-8")
        except UnicodeDecodeError:
            raise ConfigurationError(
                "an unencoded payload is UTF-8 text, or detached (RFC 7797 5.1)"
            ) from None
    shared = unprotected_parameters(unprotected, protected_only=_PROTECTED_ONLY)
    signatures = [_signature(key, body, header, shared, b64) for key in signers]
    if isinstance(keys, Key):
        return {**message, **signatures[0]}
    return {**message, "signatures": signatures}


def verify_json(
    data: Mapping[str, Any] | str | bytes,
    keys: Key | KeySet,
    *,
    detached_payload: bytes | None = None,
    max_size: int = MAX_CHARACTERS,
) -> Verified:
    """Return the payload of a JWS in either JSON form, once one of its signatures holds.

    The result names the key and the header of the signature that was verified, and says nothing about others.
    ``alg``, ``crit`` and ``b64`` count only where they are protected.

    :raises MalformedToken: when any part of it is not as it must be.
    :raises AlgorithmNotAllowed: when no signature has the key's algorithm.
    :raises UnknownKey: when no key fits any signature.
    :raises InvalidSignature: when none of the signatures that have a key holds.
    """
    members = json_members(data, what="the JWS", max_bytes=max_size)
    signatures = [_read(entry) for entry in _entries(members)]
    encoded = {parts.is_encoded for parts in signatures if isinstance(parts, Parts)}
    if len(encoded) > 1:
        refuse_header("b64", "b64 is the same in every signature (RFC 7797 3)")
    payload, body = _payload(members, detached_payload, encoded != {False})
    failures: list[InvalidToken] = []
    for parts in signatures:
        try:
            if isinstance(parts, InvalidToken):
                raise parts
            candidates = select(keys, parts.header.get("kid"), parts.header["alg"])
            message = parts.encoded_header.encode("ascii") + b"." + body
            return Verified(payload, parts.header, first_match(candidates, message, parts.signature))
        except InvalidToken as error:
            failures.append(error)
    raise max(failures, key=lambda error: isinstance(error, InvalidSignature))


def _signature(
    key: Key, body: bytes, header: Mapping[str, Any] | None, unprotected: dict[str, Any], b64: bool
) -> dict[str, Any]:
    sign_bytes = check_signer(key)
    protected = protected_header(key, header, b64=b64)
    entry: dict[str, Any] = {"protected": b64url_encode(json_encode(protected))}
    if unprotected:
        try:
            _check_parts(protected, unprotected)
        except MalformedToken as error:
            raise ConfigurationError(error.message, claim=error.claim) from None
        entry["header"] = unprotected
    entry["signature"] = b64url_encode(sign_bytes(entry["protected"].encode("ascii") + b"." + body))
    return entry


def _entries(members: Mapping[str, Any]) -> Sequence[Any]:
    """Return the signatures: the object itself where it is flattened, else at least one (RFC 7515 7.2)."""
    if "signatures" not in members:
        return [members]
    entries = members["signatures"]
    if any(name in members for name in ("signature", "protected", "header")):
        raise MalformedToken("a JWS is flattened or general, not both (RFC 7515 7.2.2)")
    if not isinstance(entries, list | tuple) or not 1 <= len(entries) <= MAX_SIGNATURES:
        raise MalformedToken(f"a general JWS has 1 to {MAX_SIGNATURES} signatures (RFC 7515 7.2.1)")
    return entries


def _read(entry: Any) -> Parts | InvalidToken:
    """Take one signature apart.

    A signature that is well-formed, but that this library would never act upon, is returned as the reason for
    that: it may be meant for somebody else, and another one may hold.
    """
    if not isinstance(entry, Mapping):
        raise MalformedToken("a signature of a JWS is an object (RFC 7515 7.2.1)")
    encoded_header, signature = entry.get("protected", ""), entry.get("signature")
    if type(encoded_header) is not str or ("protected" in entry and not encoded_header):
        raise MalformedToken("a protected header is non-empty base64url text (RFC 7515 7.2.1)")
    if type(signature) is not str:
        raise MalformedToken("a signature is base64url text (RFC 7515 7.2.1)")
    unprotected = entry.get("header", {})
    if not isinstance(unprotected, Mapping) or ("header" in entry and not unprotected):
        raise MalformedToken("an unprotected header is a non-empty object (RFC 7515 7.2.1)")
    protected = read_header(encoded_header) if encoded_header else {}
    octets = b64url_decode(signature, what="the signature")
    try:
        header = _check_parts(protected, unprotected)
    except MalformedToken as error:
        if error.claim in _PROTECTED_ONLY:
            return error
        raise
    return Parts(freeze(header), encoded_header, "", octets)


def _check_parts(protected: Mapping[str, Any], unprotected: Mapping[str, Any]) -> dict[str, Any]:
    joined = join(protected, unprotected)
    for name in _PROTECTED_ONLY:
        if name in unprotected:
            refuse_header(name, f"{name} belongs in the protected header")
    check_header(joined, protected, understood=UNDERSTOOD)
    check_b64(protected)
    return joined


def _payload(members: Mapping[str, Any], detached: bytes | None, encoded: bool) -> tuple[bytes, bytes]:
    """Return the payload and what of it is signed."""
    if detached is not None:
        if not isinstance(detached, bytes):
            raise ConfigurationError("a detached payload is bytes")
        if "payload" in members:
            raise MalformedToken(
                "a detached payload was given for a token that has one", code=ErrorCode.TOKEN_WRONG_FORM
            )
        return detached, b64url_encode(detached).encode("ascii") if encoded else detached
    text = members.get("payload")
    if type(text) is not str:
        raise MalformedToken("a JWS has a payload, which is text (RFC 7515 7.2.1)")
    if encoded:
        return b64url_decode(text, what="the payload"), text.encode("ascii")
    try:
        body = text.encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedToken("the payload has a lone surrogate", code=ErrorCode.JSON_INVALID) from None
    return body, body
