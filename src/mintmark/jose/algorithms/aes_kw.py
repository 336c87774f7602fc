"""A128KW, A192KW, A256KW: AES Key Wrap (RFC 7518 4.4, RFC 3394)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from mintmark.errors import DecryptionFailed
from mintmark.jose.algorithms.rows import ContentEncryption, KeyManagement, Wrapped
from mintmark.jose.kinds.material import Material, refuse
from mintmark.jose.kinds.oct import from_secret


def wrap(kek: bytes, cek: bytes) -> bytes:
    """Return the content key wrapped under a key-encryption key."""
    return aes_key_wrap(kek, cek)


def unwrap(kek: bytes, enc: ContentEncryption, encrypted_key: bytes) -> bytes:
    """Return the content key, which has the length that ``enc`` needs.

    :raises DecryptionFailed: whatever is wrong.
    """
    try:
        cek = aes_key_unwrap(kek, encrypted_key)
    except (InvalidUnwrap, ValueError):
        raise DecryptionFailed("the content cannot be decrypted") from None
    if len(cek) != enc.key_bytes:
        raise DecryptionFailed("the content cannot be decrypted")
    return cek


def check_size(name: str, size: int, material: Material, _legacy: bool) -> None:
    """Refuse a secret of another length than the algorithm's.

    :raises InvalidKey: when it has.
    """
    if len(material.private) != size:
        refuse(f"a key for {name} has {size} bytes; this one has {len(material.private)}")


def generate(size: int, _bits: int | None, _crv: str | None) -> Material:
    """Make a secret of ``size`` bytes."""
    return from_secret(secrets.token_bytes(size))


def _wrap(
    material: Material, enc: ContentEncryption, cek: bytes | None, _header: Mapping[str, Any]
) -> Wrapped:
    cek = cek or secrets.token_bytes(enc.key_bytes)
    return Wrapped(cek, wrap(material.private, cek), {})


def _unwrap(
    material: Material, enc: ContentEncryption, _header: Mapping[str, Any], encrypted_key: bytes
) -> bytes:
    return unwrap(material.private, enc, encrypted_key)


def _row(bits: int) -> KeyManagement:
    name = f"A{bits}KW"
    return KeyManagement(
        name=name,
        kty="oct",
        crvs=(),
        accepts=(name,),
        generate=partial(generate, bits // 8),
        check=partial(check_size, name, bits // 8),
        wrap=_wrap,
        unwrap=_unwrap,
    )


ROWS: Final = (_row(128), _row(192), _row(256))
