"""``dir``: the shared key is the content key (RFC 7518 4.5).

A key may be bound to one encryption: its algorithm is then the name of that ``enc``, as in RFC 7520 5.6.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from mintmark.errors import DecryptionFailed, ErrorCode, InvalidKey
from mintmark.jose.algorithms import CONTENT, content_encryption
from mintmark.jose.algorithms.rows import ContentEncryption, KeyManagement, Wrapped
from mintmark.jose.kinds.material import Material, refuse
from mintmark.jose.kinds.oct import from_secret

_SIZES: Final = (16, 24, 32, 48, 64)


def _wrap(
    bound: str | None,
    material: Material,
    enc: ContentEncryption,
    _cek: bytes | None,
    _header: Mapping[str, Any],
) -> Wrapped:
    if not _suits(bound, material, enc):
        raise InvalidKey(f"this key is not for {enc.name}", expected=bound, actual=enc.name)
    return Wrapped(material.private, b"", {})


def _unwrap(
    bound: str | None,
    material: Material,
    enc: ContentEncryption,
    _header: Mapping[str, Any],
    encrypted_key: bytes,
) -> bytes:
    if encrypted_key or not _suits(bound, material, enc):  # RFC 7516 5.2 step 10
        raise DecryptionFailed("the content cannot be decrypted")
    secret: bytes = material.private
    return secret


def _suits(bound: str | None, material: Material, enc: ContentEncryption) -> bool:
    return len(material.private) == enc.key_bytes and bound in (None, enc.name)


def _check(bound: str | None, material: Material, _legacy: bool) -> None:
    sizes = _SIZES if bound is None else (content_encryption(bound).key_bytes,)
    if len(material.private) not in sizes:
        names = " or ".join(str(size) for size in sizes)
        raise InvalidKey(
            f"a key for {bound or 'dir'} has {names} bytes; this one has {len(material.private)}",
            code=ErrorCode.KEY_WEAK if len(material.private) < sizes[0] else ErrorCode.KEY_INVALID,
        )


def _generate(bound: str | None, bits: int | None, _crv: str | None) -> Material:
    size = (bits or 256) // 8 if bound is None else content_encryption(bound).key_bytes
    if size not in _SIZES:
        refuse("a content key has 128, 192, 256, 384 or 512 bits")
    return from_secret(secrets.token_bytes(size))


def _row(name: str, bound: str | None) -> KeyManagement:
    return KeyManagement(
        name=name,
        kty="oct",
        crvs=(),
        accepts=("dir",),
        generate=partial(_generate, bound),
        check=partial(_check, bound),
        wrap=partial(_wrap, bound),
        unwrap=partial(_unwrap, bound),
        direct=True,
    )


ROWS: Final = (_row("dir", None), *(_row(name, name) for name in CONTENT))
