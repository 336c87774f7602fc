"""A128GCMKW, A192GCMKW, A256GCMKW: key wrapping with AES-GCM (RFC 7518 4.7)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from mintmark.errors import DecryptionFailed
from mintmark.jose.algorithms import content_encryption
from mintmark.jose.algorithms.aes_kw import check_size, generate
from mintmark.jose.algorithms.rows import ContentEncryption, KeyManagement, Wrapped
from mintmark.jose.encoding import b64url_encode
from mintmark.jose.header import octets_parameter
from mintmark.jose.kinds.material import Material

_IV_BYTES: Final = 12
_TAG_BYTES: Final = 16


def _wrap(
    bits: int, material: Material, enc: ContentEncryption, cek: bytes | None, _header: Mapping[str, Any]
) -> Wrapped:
    cek = cek or secrets.token_bytes(enc.key_bytes)
    iv = secrets.token_bytes(_IV_BYTES)
    encrypted_key, tag = content_encryption(f"A{bits}GCM").encrypt(material.private, iv, cek, b"")
    return Wrapped(cek, encrypted_key, {"iv": b64url_encode(iv), "tag": b64url_encode(tag)})


def _unwrap(
    bits: int, material: Material, enc: ContentEncryption, header: Mapping[str, Any], encrypted_key: bytes
) -> bytes:
    iv = octets_parameter(header, "iv", size=_IV_BYTES)
    tag = octets_parameter(header, "tag", size=_TAG_BYTES)  # a shorter tag is a forger's (CVE-2018-1000539)
    cek = content_encryption(f"A{bits}GCM").decrypt(material.private, iv, encrypted_key, tag, b"")
    if len(cek) != enc.key_bytes:
        raise DecryptionFailed("the content cannot be decrypted")
    return cek


def _row(bits: int) -> KeyManagement:
    name = f"A{bits}GCMKW"
    return KeyManagement(
        name=name,
        kty="oct",
        crvs=(),
        accepts=(name,),
        generate=partial(generate, bits // 8),
        check=partial(check_size, name, bits // 8),
        wrap=partial(_wrap, bits),
        unwrap=partial(_unwrap, bits),
    )


ROWS: Final = (_row(128), _row(192), _row(256))
