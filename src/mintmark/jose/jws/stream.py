"""Signing and verifying a large detached payload that comes in parts, such as a file (RFC 7515 appendix F).

Memory stays constant. Ed25519 and Ed448 are left out: they read the message twice (RFC 8032 5.1.6).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Final

from msgspec import Struct

from mintmark.errors import ConfigurationError, ErrorCode, InvalidSignature, MalformedToken
from mintmark.jose.algorithms.rows import Stream
from mintmark.jose.encoding import b64url_encode, json_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet, select
from mintmark.jose.jws.compact import check_signer, parse_compact, protected_header, signature_row

__all__ = ["VerifiedStream", "sign_stream", "verify_stream"]

_CHUNK: Final = 3 << 16


class VerifiedStream(Struct, frozen=True):
    """The header of a detached payload whose signature holds, the key, and the payload's size in bytes."""

    header: Mapping[str, Any]
    key: Key
    size: int


def sign_stream(
    payload: BinaryIO | Iterable[bytes],
    key: Key,
    *,
    header: Mapping[str, Any] | None = None,
    b64: bool = False,
) -> str:
    """Return the detached compact JWS over a file opened for reading bytes, or over parts of bytes.

    :param b64: True signs the base64url form, as every verifier understands; False the bytes (RFC 7797).
    :raises ConfigurationError: when the algorithm cannot work in parts, or the header says what it must not.
    :raises InvalidKey: when the key may not sign.
    """
    check_signer(key)
    encoded_header = b64url_encode(json_encode(protected_header(key, header, b64=b64)))
    stream = _open(key, encoded_header)
    for part in _parts(payload):
        stream.update(b64url_encode(part).encode("ascii") if b64 else part)
    return f"{encoded_header}..{b64url_encode(stream.sign())}"


def verify_stream(token: str, payload: BinaryIO | Iterable[bytes], keys: Key | KeySet) -> VerifiedStream:
    """Verify a detached compact JWS over a file opened for reading bytes, or over parts of bytes.

    Use nothing of the payload before this has returned.

    :raises MalformedToken: when the token is malformed or carries a payload itself.
    :raises AlgorithmNotAllowed: when its algorithm is not the key's.
    :raises UnknownKey: when no key fits.
    :raises InvalidSignature: when the signature does not.
    :raises ConfigurationError: when the algorithm cannot work in parts.
    """
    parts = parse_compact(token)
    candidates = select(keys, parts.header.get("kid"), parts.header["alg"])
    if parts.encoded_payload:
        raise MalformedToken("the token has a payload of its own", code=ErrorCode.TOKEN_WRONG_FORM)
    for key in candidates:
        key.require(producing=False)
    streams = [(key, _open(key, parts.encoded_header)) for key in candidates]
    size = 0
    for part in _parts(payload):
        size += len(part)
        encoded = b64url_encode(part).encode("ascii") if parts.is_encoded else part
        for _, stream in streams:
            stream.update(encoded)
    for key, stream in streams:
        if stream.verify(parts.signature):
            return VerifiedStream(parts.header, key, size)
    raise InvalidSignature(
        "the signature does not fit", kid=candidates[0].kid if len(candidates) == 1 else None
    )


def _open(key: Key, encoded_header: str) -> Stream:
    opener = signature_row(key).stream
    if opener is None:
        raise ConfigurationError(f"{key.alg} cannot sign in parts: it reads the message twice", kid=key.kid)
    stream = opener(key.material)
    stream.update(encoded_header.encode("ascii") + b".")
    return stream


def _parts(payload: BinaryIO | Iterable[bytes]) -> Iterator[bytes]:
    """Yield the payload in pieces of bounded size.

    All but the last are a multiple of three bytes long, so that their base64url forms join without padding.
    """
    rest = b""
    for piece in _pieces(payload):
        if not isinstance(piece, bytes | bytearray | memoryview):
            raise ConfigurationError("a payload comes in bytes: open the file for reading bytes")
        view = memoryview(rest + piece if rest else piece)
        whole = len(view) - len(view) % 3
        for start in range(0, whole, _CHUNK):
            yield bytes(view[start : min(start + _CHUNK, whole)])
        rest = bytes(view[whole:])
    if rest:
        yield rest


def _pieces(payload: object) -> Iterable[object]:
    read = getattr(payload, "read", None)
    if read is not None:
        return iter(lambda: read(_CHUNK), b"")
    if not isinstance(payload, Iterable) or isinstance(payload, bytes | str):
        raise ConfigurationError("a payload in parts is a file, or an iterable of bytes")
    return payload
