"""RSA-OAEP with SHA-1 and SHA-2 (RFC 7518 4.3), and RSA1_5 (4.2), which is used only when named."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from mintmark.errors import DecryptionFailed
from mintmark.jose.algorithms.rows import ContentEncryption, KeyManagement, Wrapped
from mintmark.jose.kinds.material import Material
from mintmark.jose.kinds.rsa import generate


def _wrap(
    pad: padding.AsymmetricPadding,
    material: Material,
    enc: ContentEncryption,
    cek: bytes | None,
    _header: Mapping[str, Any],
) -> Wrapped:
    cek = cek or secrets.token_bytes(enc.key_bytes)
    return Wrapped(cek, material.public.encrypt(cek, pad), {})


def _unwrap_oaep(
    pad: padding.AsymmetricPadding,
    material: Material,
    enc: ContentEncryption,
    _header: Mapping[str, Any],
    encrypted_key: bytes,
) -> bytes:
    try:
        cek: bytes = material.private.decrypt(encrypted_key, pad)
    except ValueError:
        raise DecryptionFailed("the content cannot be decrypted") from None
    if len(cek) != enc.key_bytes:
        raise DecryptionFailed("the content cannot be decrypted")
    return cek


def _unwrap_pkcs1(
    pad: padding.AsymmetricPadding,
    material: Material,
    enc: ContentEncryption,
    _header: Mapping[str, Any],
    encrypted_key: bytes,
) -> bytes:
    """Never tell padding from content: go on with a random key on any failure (RFC 7516 11.5)."""
    substitute = secrets.token_bytes(enc.key_bytes)
    try:
        cek: bytes = material.private.decrypt(encrypted_key, pad)
    except ValueError:
        return substitute
    return cek if len(cek) == enc.key_bytes else substitute


def _check(_material: Material, _legacy: bool) -> None:
    """Size and exponent are a matter of the key type."""


def _oaep(name: str, hash_: hashes.HashAlgorithm) -> KeyManagement:
    pad = padding.OAEP(padding.MGF1(hash_), hash_, None)
    return KeyManagement(
        name=name,
        kty="RSA",
        crvs=(),
        accepts=(name,),
        generate=generate,
        check=_check,
        wrap=partial(_wrap, pad),
        unwrap=partial(_unwrap_oaep, pad),
    )


ROWS: Final = (
    _oaep("RSA-OAEP", hashes.SHA1()),  # noqa: S303  OAEP does not need collision resistance (RFC 8017 B.1)
    _oaep("RSA-OAEP-256", hashes.SHA256()),
    _oaep("RSA-OAEP-384", hashes.SHA384()),
    _oaep("RSA-OAEP-512", hashes.SHA512()),
    KeyManagement(
        name="RSA1_5",
        kty="RSA",
        crvs=(),
        accepts=("RSA1_5",),
        generate=generate,
        check=_check,
        wrap=partial(_wrap, padding.PKCS1v15()),
        unwrap=partial(_unwrap_pkcs1, padding.PKCS1v15()),
        by_name=True,
    ),
)
