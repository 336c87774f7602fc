"""The algorithm tables: one row per algorithm, one file per family, loaded when first used.

To add a family, write its file with a ``ROWS`` tuple and name it here; nothing else changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Final

from mintmark.errors import ConfigurationError, InvalidKey
from mintmark.jose.algorithms.rows import ContentEncryption, Row

__all__ = ["CONTENT", "KEY_MANAGEMENT", "SIGNATURES", "content_encryption", "default_name", "find"]

_SIGNATURE_FAMILIES: Final = {
    "hmac": ("HS256", "HS384", "HS512"),
    "rsa": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "ecdsa": ("ES256", "ES384", "ES512", "ES256K"),
    "eddsa": ("Ed25519", "Ed448", "EdDSA"),
    "mldsa": ("ML-DSA-44", "ML-DSA-65", "ML-DSA-87"),
}
_KEY_MANAGEMENT_FAMILIES: Final = {
    "direct": ("dir", "A128GCM", "A192GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"),
    "aes_kw": ("A128KW", "A192KW", "A256KW"),
    "aes_gcmkw": ("A128GCMKW", "A192GCMKW", "A256GCMKW"),
    "ecdh_es": ("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"),
    "rsaes": ("RSA-OAEP", "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512", "RSA1_5"),
    "pbes2": ("PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW"),
}
_CONTENT_FAMILIES: Final = {
    "aes_gcm": ("A128GCM", "A192GCM", "A256GCM"),
    "aes_cbc_hmac": ("A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"),
}


def _by_name(families: Mapping[str, tuple[str, ...]]) -> MappingProxyType[str, str]:
    return MappingProxyType({name: family for family, names in families.items() for name in names})


SIGNATURES: Final = _by_name(_SIGNATURE_FAMILIES)
"""The names of the signature algorithms, each with its family."""
KEY_MANAGEMENT: Final = _by_name(_KEY_MANAGEMENT_FAMILIES)
"""The names of the key management algorithms; an ``enc`` name is a ``dir`` key bound to that encryption."""
CONTENT: Final = _by_name(_CONTENT_FAMILIES)
"""The names of the content encryption algorithms."""

# What a key without «alg» is for (the standards leave it open, the token must never decide):
# EC and OKP keys follow their curve and use, an RSA key that may sign is RS256; nothing else has a default.
_DEFAULT_SIGNATURES: Final = {
    ("EC", "P-256"): "ES256",
    ("EC", "P-384"): "ES384",
    ("EC", "P-521"): "ES512",
    ("EC", "secp256k1"): "ES256K",
    ("OKP", "Ed25519"): "Ed25519",
    ("OKP", "Ed448"): "Ed448",
    ("RSA", None): "RS256",
}
_AGREEMENT_CURVES: Final = {
    "sig": frozenset[str](),
    None: frozenset(("X25519", "X448")),
    "enc": frozenset(("P-256", "P-384", "P-521", "X25519", "X448")),
}


def default_name(kty: str, crv: str | None, use: str | None) -> str | None:
    """Return the algorithm of a key that states none, or None where the caller must say it."""
    if crv in _AGREEMENT_CURVES.get(use, ()):
        return "ECDH-ES"
    return None if use == "enc" else _DEFAULT_SIGNATURES.get((kty, crv))


@cache
def _load(family: str) -> tuple[Row | ContentEncryption, ...]:
    rows: tuple[Row | ContentEncryption, ...] = import_module(f"{__name__}.{family}").ROWS
    return rows


def find(name: str, kty: str | None = None, crv: str | None = None) -> Row:
    """Return the row of ``name``; with ``kty``, the one for keys of that type and curve.

    :raises InvalidKey: when there is no such algorithm, or not for such a key.
    """
    if not isinstance(name, str):
        raise InvalidKey("the name of an algorithm is text", claim="alg")
    return _find(name, kty, crv)


@lru_cache(maxsize=256)  # names may come from a fetched key set
def _find(name: str, kty: str | None, crv: str | None) -> Row:
    family = SIGNATURES.get(name) or KEY_MANAGEMENT.get(name)
    if family is None:
        raise InvalidKey(f"there is no algorithm named {name[:40]!r} here", actual=name[:40])
    for row in _load(family):
        if isinstance(row, ContentEncryption) or row.name != name:
            continue
        if kty is None or (row.kty == kty and (not row.crvs or crv in row.crvs)):
            return row
    curve = f" on {crv}" if crv else ""
    raise InvalidKey(
        f"{name} is not for {kty} keys{curve} (RFC 7518 3.1, 4.1)", expected=name, actual=crv or kty
    )


def content_encryption(name: str) -> ContentEncryption:
    """Return the row of the content encryption ``name``.

    :raises ConfigurationError: when there is no such algorithm.
    """
    if not isinstance(name, str):
        raise ConfigurationError("the name of a content encryption is text", claim="enc")
    return _content_encryption(name)


@lru_cache(maxsize=64)
def _content_encryption(name: str) -> ContentEncryption:
    for row in _load(CONTENT[name]) if name in CONTENT else ():
        if isinstance(row, ContentEncryption) and row.name == name:
            return row
    raise ConfigurationError(f"there is no content encryption named {name[:40]!r} here", actual=name[:40])
