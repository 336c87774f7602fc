"""RS256 … RS512 (RSASSA-PKCS1-v1_5) and PS256 … PS512 (RSASSA-PSS): RFC 7518 3.3 and 3.5."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from mintmark.jose.algorithms.hashed import Hash, HashedStream
from mintmark.jose.algorithms.rows import Sign, SignatureAlgorithm, Verify
from mintmark.jose.kinds.material import Material
from mintmark.jose.kinds.rsa import generate

Padding = padding.PKCS1v15 | padding.PSS

_PKCS1: Final = padding.PKCS1v15()


def _signer(pad: Padding, prehashed: Prehashed, hash_: Hash, material: Material) -> Sign:
    sign = material.private.sign
    return lambda message: sign(hash_(message).digest(), pad, prehashed)


def _pkcs1_verifier(digest_info: bytes, hash_: Hash, material: Material) -> Verify:
    """Compare what was signed with what should have been, as RFC 8017 8.2.2 wants it.

    The backend takes the padding off, which it reads strictly, and what is left is compared as a whole: the
    length of the padding, and with it every octet of the encoded message, follows from that. Nothing in it is
    parsed, so nothing can hide in it (attack S14), and the backend sets up less than for its own ``verify``.
    """
    recover, size = material.public.recover_data_from_signature, _octets(material)

    def verify(message: bytes, signature: bytes) -> bool:
        if len(signature) != size:  # the backend would fill up a shorter one here, too
            return False
        try:
            signed: bytes = recover(signature, _PKCS1, None)
        except InvalidSignature:
            return False
        digest: bytes = hash_(message).digest()
        return signed == digest_info + digest

    return verify


def _pss_verifier(pad: Padding, prehashed: Prehashed, hash_: Hash, material: Material) -> Verify:
    check, size = material.public.verify, _octets(material)

    def verify(message: bytes, signature: bytes) -> bool:
        if len(signature) != size:  # RFC 8017 8.1.2; the backend would fill up a shorter one
            return False
        try:
            check(signature, hash_(message).digest(), pad, prehashed)
        except InvalidSignature:
            return False
        return True

    return verify


def _octets(material: Material) -> int:
    """Return the length of the modulus, and so of every signature, in octets."""
    bits: int = material.public.key_size
    return (bits + 7) // 8


def _check(_material: Material, _legacy: bool) -> None:
    """Size and exponent are a matter of the key type."""


def _row(
    name: str,
    hash_: Hash,
    signer: Callable[[Hash, Material], Sign],
    verifier: Callable[[Hash, Material], Verify],
) -> SignatureAlgorithm:
    return SignatureAlgorithm(
        name=name,
        kty="RSA",
        crvs=(),
        accepts=(name,),
        generate=generate,
        check=_check,
        signer=partial(signer, hash_),
        verifier=partial(verifier, hash_),
        stream=partial(HashedStream, hash_, signer, verifier),
    )


def _pkcs1(name: str, hash_: Hash, algorithm: hashes.HashAlgorithm, digest_info: str) -> SignatureAlgorithm:
    """The text is the DER of DigestInfo, up to the digest (RFC 8017 9.2, note 1)."""
    signer = partial(_signer, _PKCS1, Prehashed(algorithm))
    return _row(name, hash_, signer, partial(_pkcs1_verifier, bytes.fromhex(digest_info)))


def _pss(name: str, hash_: Hash, algorithm: hashes.HashAlgorithm) -> SignatureAlgorithm:
    """The salt is as long as the hash, and MGF1 uses the same hash (RFC 7518 3.5)."""
    pad, prehashed = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size), Prehashed(algorithm)
    return _row(name, hash_, partial(_signer, pad, prehashed), partial(_pss_verifier, pad, prehashed))


ROWS: Final = (
    _pkcs1("RS256", hashlib.sha256, hashes.SHA256(), "3031300d060960864801650304020105000420"),
    _pkcs1("RS384", hashlib.sha384, hashes.SHA384(), "3041300d060960864801650304020205000430"),
    _pkcs1("RS512", hashlib.sha512, hashes.SHA512(), "3051300d060960864801650304020305000440"),
    _pss("PS256", hashlib.sha256, hashes.SHA256()),
    _pss("PS384", hashlib.sha384, hashes.SHA384()),
    _pss("PS512", hashlib.sha512, hashes.SHA512()),
)
