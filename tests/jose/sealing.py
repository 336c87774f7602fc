"""Encrypted tokens with any header, honestly sealed, and what decrypting says to them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mintmark.errors import (
    InvalidToken,
)
from mintmark.jose import jwe
from mintmark.jose.algorithms import content_encryption
from mintmark.jose.encoding import b64url_decode, b64url_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

CONTENT = b'{"sub":"alice"}'
ALL = ("RSA1_5", "PBES2-HS256+A128KW")


def opened(token: Any, keys: Key | KeySet, **options: Any) -> bytes:
    return jwe.decrypt(token, keys, **options).plaintext


def refused(
    token: Any, keys: Key | KeySet, kind: type[InvalidToken] = InvalidToken, **options: Any
) -> InvalidToken:
    with pytest.raises(kind) as caught:
        jwe.decrypt(token, keys, **options)
    return caught.value


def segments(token: str) -> list[bytes]:
    return [b64url_decode(part) for part in token.split(".")]


def assembled(parts: list[bytes]) -> str:
    return ".".join(b64url_encode(part) for part in parts)


def made(
    header: Any, cek: bytes, *, encrypted_key: bytes = b"", content: bytes = CONTENT, enc: str = "A256GCM"
) -> str:
    """Return a token with any header whose content is encrypted under ``cek`` honestly."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    aad = b64url_encode(text)
    row = content_encryption(enc)
    iv = bytes(row.iv_bytes)
    ciphertext, tag = row.encrypt(cek, iv, content, aad.encode())
    return assembled([text, encrypted_key, iv, ciphertext, tag])
