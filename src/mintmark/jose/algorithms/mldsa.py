"""ML-DSA-44, ML-DSA-65, ML-DSA-87: post-quantum signatures (RFC 9964, FIPS 204), with an empty context."""

from __future__ import annotations

from functools import partial
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import mldsa

from mintmark.jose.algorithms.rows import Sign, SignatureAlgorithm, Verify
from mintmark.jose.kinds.akp import generate
from mintmark.jose.kinds.material import Material


def _signer(material: Material) -> Sign:
    sign: Sign = material.private.sign
    return sign


def _verifier(material: Material) -> Verify:
    check = material.public.verify

    def verify(message: bytes, signature: bytes) -> bool:
        try:
            check(signature, message)
        except InvalidSignature:
            return False
        return True

    return verify


class _Stream:
    """The message is hashed into the representative mu first (FIPS 204 6.2), so it may come in parts."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._hasher = mldsa.MLDSAMuHasher(material.public)
        self.update = self._hasher.update

    def sign(self) -> bytes:
        signature: bytes = self._material.private.sign_mu(self._hasher.finalize())
        return signature

    def verify(self, signature: bytes) -> bool:
        try:
            self._material.public.verify_mu(signature, self._hasher.finalize())
        except InvalidSignature:
            return False
        return True


def _check(_material: Material, _legacy: bool) -> None:
    """The algorithm is part of the key: nothing is left to check."""


def _generate(name: str, _bits: int | None, _crv: str | None) -> Material:
    return generate(name)


def _row(name: str) -> SignatureAlgorithm:
    return SignatureAlgorithm(
        name=name,
        kty="AKP",
        crvs=(name,),
        accepts=(name,),
        generate=partial(_generate, name),
        check=_check,
        signer=_signer,
        verifier=_verifier,
        stream=_Stream,
    )


ROWS: Final = (_row("ML-DSA-44"), _row("ML-DSA-65"), _row("ML-DSA-87"))
