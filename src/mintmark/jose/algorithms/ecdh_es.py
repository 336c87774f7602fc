"""ECDH-ES, alone and with AES Key Wrap (RFC 7518 4.6), on the NIST curves, X25519 and X448 (RFC 8037 3.2)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from mintmark.errors import DecryptionFailed, ErrorCode, InvalidKey, MalformedToken
from mintmark.jose.algorithms import aes_kw
from mintmark.jose.algorithms.rows import ContentEncryption, KeyManagement, Wrapped
from mintmark.jose.header import octets_parameter
from mintmark.jose.kinds import ec as ec_kind
from mintmark.jose.kinds import kind, okp
from mintmark.jose.kinds.material import Material

_MAX_PARTY_BYTES: Final = 1024


def _exchange(private: Any, public: Any) -> bytes:
    """Return the shared secret; raises ValueError where it would be zero (RFC 7748 6)."""
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return private.exchange(ec.ECDH(), public)
    secret: bytes = private.exchange(public)
    return secret


def _derive(shared: bytes, name: str, size: int, header: Mapping[str, Any]) -> bytes:
    """Concat KDF with the algorithm, both parties' information and the length (RFC 7518 4.6.2)."""
    parties = [
        octets_parameter(header, member, max_size=_MAX_PARTY_BYTES) if member in header else b""
        for member in ("apu", "apv")
    ]
    info = b"".join(len(part).to_bytes(4) + part for part in (name.encode(), *parties))
    return ConcatKDFHash(hashes.SHA256(), size, info + (size * 8).to_bytes(4)).derive(shared)


def _generate(bits: int | None, crv: str | None) -> Material:
    return okp.generate(bits, crv) if crv in ("X25519", "X448") else ec_kind.generate(bits, crv)


def _wrap(
    kw_bits: int | None,
    material: Material,
    enc: ContentEncryption,
    cek: bytes | None,
    header: Mapping[str, Any],
) -> Wrapped:
    ephemeral = _generate(None, material.crv)
    added: dict[str, Any] = {"epk": dict(ephemeral.identity)}
    shared = _exchange(ephemeral.private, material.public)
    if kw_bits is None:
        return Wrapped(_derive(shared, enc.name, enc.key_bytes, header), b"", added)
    cek = cek or secrets.token_bytes(enc.key_bytes)
    kek = _derive(shared, f"ECDH-ES+A{kw_bits}KW", kw_bits // 8, header)
    return Wrapped(cek, aes_kw.wrap(kek, cek), added)


def _ephemeral(material: Material, header: Mapping[str, Any]) -> Any:
    """Return the sender's public key: a checked point on the recipient's own curve (RFC 8725 3.4)."""
    epk = header.get("epk")
    if not isinstance(epk, Mapping):
        raise MalformedToken(
            "the header has no epk (RFC 7518 4.6.1.1)", code=ErrorCode.HEADER_INVALID, claim="epk"
        )
    if epk.get("kty") != material.kty or epk.get("crv") != material.crv or "d" in epk:
        raise DecryptionFailed("the content cannot be decrypted")
    try:
        return kind(material.kty).from_members(epk, False).public
    except InvalidKey:
        raise DecryptionFailed("the content cannot be decrypted") from None


def _unwrap(
    kw_bits: int | None,
    material: Material,
    enc: ContentEncryption,
    header: Mapping[str, Any],
    encrypted_key: bytes,
) -> bytes:
    try:
        shared = _exchange(material.private, _ephemeral(material, header))
    except ValueError:
        raise DecryptionFailed("the content cannot be decrypted") from None
    if kw_bits is None:
        if encrypted_key:  # RFC 7516 5.2 step 10
            raise DecryptionFailed("the content cannot be decrypted")
        return _derive(shared, enc.name, enc.key_bytes, header)
    kek = _derive(shared, f"ECDH-ES+A{kw_bits}KW", kw_bits // 8, header)
    return aes_kw.unwrap(kek, enc, encrypted_key)


def _check(_material: Material, _legacy: bool) -> None:
    """Curve and point are a matter of the key type."""


def _row(kty: str, crvs: tuple[str, ...], kw_bits: int | None) -> KeyManagement:
    name = "ECDH-ES" if kw_bits is None else f"ECDH-ES+A{kw_bits}KW"
    return KeyManagement(
        name=name,
        kty=kty,
        crvs=crvs,
        accepts=(name,),
        generate=_generate,
        check=_check,
        wrap=partial(_wrap, kw_bits),
        unwrap=partial(_unwrap, kw_bits),
        direct=kw_bits is None,
    )


ROWS: Final = tuple(
    _row(kty, crvs, kw_bits)
    for kw_bits in (None, 128, 192, 256)
    for kty, crvs in (("EC", ("P-256", "P-384", "P-521")), ("OKP", ("X25519", "X448")))
)
