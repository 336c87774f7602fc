"""HS256, HS384, HS512: HMAC with SHA-2 (RFC 7518 3.2)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from functools import partial
from hmac import compare_digest
from typing import Any, Final

from mintmark.jose.algorithms.rows import Sign, SignatureAlgorithm, Verify
from mintmark.jose.kinds.material import Material, refuse_weak
from mintmark.jose.kinds.oct import from_secret

MIN_LEGACY_BYTES: Final = 16
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))

Hash = Callable[[bytes], Any]


def _states(hash_: Hash, secret: bytes) -> tuple[Any, Any]:
    """Return the hash states after the key blocks (RFC 2104 2): a MAC then only copies them."""
    block: int = hash_(b"").block_size
    if len(secret) > block:
        secret = hash_(secret).digest()
    padded = secret.ljust(block, b"\0")
    return hash_(padded.translate(_INNER)), hash_(padded.translate(_OUTER))


def _signer(hash_: Hash, material: Material) -> Sign:
    copy_inner, copy_outer = (state.copy for state in _states(hash_, material.private))

    def sign(message: bytes) -> bytes:
        inner = copy_inner()
        inner.update(message)
        outer = copy_outer()
        outer.update(inner.digest())
        digest: bytes = outer.digest()
        return digest

    return sign


def _verifier(hash_: Hash, material: Material) -> Verify:
    copy_inner, copy_outer = (state.copy for state in _states(hash_, material.private))

    def verify(message: bytes, signature: bytes) -> bool:
        inner = copy_inner()
        inner.update(message)
        outer = copy_outer()
        outer.update(inner.digest())
        return compare_digest(outer.digest(), signature)

    return verify


class _Stream:
    def __init__(self, hash_: Hash, material: Material) -> None:
        self._inner, self._outer = _states(hash_, material.private)
        self.update = self._inner.update

    def sign(self) -> bytes:
        self._outer.update(self._inner.digest())
        digest: bytes = self._outer.digest()
        return digest

    def verify(self, signature: bytes) -> bool:
        return compare_digest(self.sign(), signature)


def _check(name: str, size: int, material: Material, legacy: bool) -> None:
    """A key is at least as long as the hash (RFC 7518 3.2 MUST)."""
    if len(material.private) < (MIN_LEGACY_BYTES if legacy else size):
        refuse_weak(
            f"an {name} key has at least {size} bytes (RFC 7518 3.2); this one has {len(material.private)}",
            hint=f"make one with Key.generate({name!r})",
        )


def _generate(size: int, bits: int | None, _crv: str | None) -> Material:
    return from_secret(secrets.token_bytes(max(size, (bits or 0) // 8)))


def _row(name: str, hash_: Hash) -> SignatureAlgorithm:
    size: int = hash_(b"").digest_size
    return SignatureAlgorithm(
        name=name,
        kty="oct",
        crvs=(),
        accepts=(name,),
        generate=partial(_generate, size),
        check=partial(_check, name, size),
        signer=partial(_signer, hash_),
        verifier=partial(_verifier, hash_),
        stream=partial(_Stream, hash_),
    )


ROWS: Final = (_row("HS256", hashlib.sha256), _row("HS384", hashlib.sha384), _row("HS512", hashlib.sha512))
