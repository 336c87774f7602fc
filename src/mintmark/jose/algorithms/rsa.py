"""RS256 … RS512 (RSASSA-PKCS1-v1_5) and PS256 … PS512 (RSASSA-PSS): RFC 7518 3.3 and 3.5."""

from __future__ import annotations

from functools import partial
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from mintmark.jose.algorithms.rows import Sign, SignatureAlgorithm, Verify
from mintmark.jose.kinds.material import Material
from mintmark.jose.kinds.rsa import generate

Padding = padding.PKCS1v15 | padding.PSS


def _signer(pad: Padding, hash_: hashes.HashAlgorithm, material: Material) -> Sign:
    sign = material.private.sign
    return lambda message: sign(message, pad, hash_)


def _verifier(pad: Padding, hash_: hashes.HashAlgorithm | Prehashed, material: Material) -> Verify:
    check = material.public.verify

    def verify(message: bytes, signature: bytes) -> bool:
        try:
            check(signature, message, pad, hash_)
        except InvalidSignature:
            return False
        return True

    return verify


class _Stream:
    def __init__(self, pad: Padding, hash_: hashes.HashAlgorithm, material: Material) -> None:
        self._material, self._pad, self._prehashed = material, pad, Prehashed(hash_)
        self._hash = hashes.Hash(hash_)
        self.update = self._hash.update

    def sign(self) -> bytes:
        signature: bytes = self._material.private.sign(self._hash.finalize(), self._pad, self._prehashed)
        return signature

    def verify(self, signature: bytes) -> bool:
        return _verifier(self._pad, self._prehashed, self._material)(self._hash.finalize(), signature)


def _check(_material: Material, _legacy: bool) -> None:
    """Size and exponent are a matter of the key type."""


def _row(name: str, pad: Padding, hash_: hashes.HashAlgorithm) -> SignatureAlgorithm:
    return SignatureAlgorithm(
        name=name,
        kty="RSA",
        crvs=(),
        accepts=(name,),
        generate=generate,
        check=_check,
        signer=partial(_signer, pad, hash_),
        verifier=partial(_verifier, pad, hash_),
        stream=partial(_Stream, pad, hash_),
    )


def _pss(hash_: hashes.HashAlgorithm) -> padding.PSS:
    """The salt is as long as the hash, and MGF1 uses the same hash (RFC 7518 3.5)."""
    return padding.PSS(padding.MGF1(hash_), hash_.digest_size)


_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
ROWS: Final = (
    *(_row(f"RS{size}", padding.PKCS1v15(), hash_) for size, hash_ in _HASHES.items()),
    *(_row(f"PS{size}", _pss(hash_), hash_) for size, hash_ in _HASHES.items()),
)
