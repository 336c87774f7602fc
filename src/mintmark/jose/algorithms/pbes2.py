"""PBES2-HS256+A128KW, -HS384+A192KW, -HS512+A256KW: encryption to a password (RFC 7518 4.8), only when named.

The sender of a token chooses how much work its reader does, so that is bounded both ways.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from mintmark.errors import ErrorCode, MalformedToken
from mintmark.jose.algorithms import aes_kw
from mintmark.jose.algorithms.rows import ContentEncryption, KeyManagement, Wrapped
from mintmark.jose.encoding import b64url_encode
from mintmark.jose.header import octets_parameter
from mintmark.jose.kinds.material import Material, refuse
from mintmark.jose.kinds.oct import from_secret

MIN_ITERATIONS: Final = 1000  # RFC 7518 4.8.1.2
MAX_ITERATIONS: Final = 1_200_000  # RFC 8725bis 3.12: twice the figure that OWASP recommends
MIN_SALT_BYTES: Final = 8  # RFC 7518 4.8.1.1
MAX_SALT_BYTES: Final = 1024
_ITERATIONS: Final = {"sha256": 600_000, "sha384": 400_000, "sha512": 210_000}  # OWASP, when encrypting
_SALT_BYTES: Final = 16


def _derive(name: str, hash_: str, size: int, password: bytes, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac(hash_, password, name.encode() + b"\0" + salt, iterations, size)


def _wrap(
    name: str,
    hash_: str,
    size: int,
    material: Material,
    enc: ContentEncryption,
    cek: bytes | None,
    _header: Mapping[str, Any],
) -> Wrapped:
    cek = cek or secrets.token_bytes(enc.key_bytes)
    salt, iterations = secrets.token_bytes(_SALT_BYTES), _ITERATIONS[hash_]
    kek = _derive(name, hash_, size, material.private, salt, iterations)
    return Wrapped(cek, aes_kw.wrap(kek, cek), {"p2s": b64url_encode(salt), "p2c": iterations})


def _unwrap(
    name: str,
    hash_: str,
    size: int,
    material: Material,
    enc: ContentEncryption,
    header: Mapping[str, Any],
    encrypted_key: bytes,
) -> bytes:
    salt = octets_parameter(header, "p2s", min_size=MIN_SALT_BYTES, max_size=MAX_SALT_BYTES)
    iterations = header.get("p2c")
    if type(iterations) is not int or not MIN_ITERATIONS <= iterations <= MAX_ITERATIONS:
        raise MalformedToken(
            f"p2c is a whole number from {MIN_ITERATIONS} to {MAX_ITERATIONS} (RFC 7518 4.8.1.2)",
            code=ErrorCode.HEADER_INVALID,
            claim="p2c",
        )
    return aes_kw.unwrap(_derive(name, hash_, size, material.private, salt, iterations), enc, encrypted_key)


def _check(_material: Material, _legacy: bool) -> None:
    """A password is what a person chose."""


def _generate(size: int, bits: int | None, _crv: str | None) -> Material:
    if bits is not None and bits < 128:
        refuse("a password made by a machine has at least 128 bits")
    return from_secret(secrets.token_urlsafe((bits or size * 8) // 8).encode())


def _row(hash_bits: int, bits: int) -> KeyManagement:
    name, hash_, size = f"PBES2-HS{hash_bits}+A{bits}KW", f"sha{hash_bits}", bits // 8
    return KeyManagement(
        name=name,
        kty="oct",
        crvs=(),
        accepts=(name,),
        generate=partial(_generate, size),
        check=_check,
        wrap=partial(_wrap, name, hash_, size),
        unwrap=partial(_unwrap, name, hash_, size),
        by_name=True,
    )


ROWS: Final = (_row(256, 128), _row(384, 192), _row(512, 256))
