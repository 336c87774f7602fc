"""Ed25519 and Ed448 (RFC 8037, RFC 9864). ``EdDSA`` is the older name of both: the key's curve says which."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature

from mintmark.jose.algorithms.rows import Sign, SignatureAlgorithm, Verify
from mintmark.jose.kinds.material import Material
from mintmark.jose.kinds.okp import generate


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


def _check(_material: Material, _legacy: bool) -> None:
    """Which points may be public keys is a matter of the key type."""


def _row(name: str, crv: str) -> SignatureAlgorithm:
    # No stream: PureEdDSA reads the message twice (RFC 8032 5.1.6).
    return SignatureAlgorithm(
        name=name,
        kty="OKP",
        crvs=(crv,),
        accepts=(crv, "EdDSA"),
        generate=lambda bits, chosen: generate(bits, chosen or crv),
        check=_check,
        signer=_signer,
        verifier=_verifier,
    )


ROWS: Final = (
    _row("Ed25519", "Ed25519"),
    _row("Ed448", "Ed448"),
    _row("EdDSA", "Ed25519"),
    _row("EdDSA", "Ed448"),
)
