"""RS256 … RS512 (RSASSA-PKCS1-v1_5) and PS256 … PS512 (RSASSA-PSS): RFC 7518 3.3 and 3.5."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from msgspec import Struct

from mintmark.jose.algorithms.rows import Sign, SignatureAlgorithm, Verify
from mintmark.jose.kinds.material import Material
from mintmark.jose.kinds.rsa import generate

_PKCS1: Final = padding.PKCS1v15()


class _Scheme(Struct, frozen=True):
    """One padding with its hash, which ``hashlib`` computes faster than the backend makes a hash object."""

    hash_: Callable[..., Any]
    padding: padding.PKCS1v15 | padding.PSS
    prehashed: Prehashed
    digest_verifier: Callable[[_Scheme, Material], Verify]


def _pkcs1_digest_verifier(scheme: _Scheme, material: Material) -> Verify:
    """Compare what was signed with what should have been, as RFC 8017 8.2.2 wants it.

    The backend takes the padding off, which it reads strictly, and what is left is compared as a whole: the
    length of the padding, and with it every octet of the encoded message, follows from that. Nothing in it is
    parsed, so nothing can hide in it (attack S14), and the backend sets up less than for its own ``verify``.
    """
    recover = material.public.recover_data_from_signature
    size, digest_info = (material.public.key_size + 7) // 8, _DIGEST_INFO[scheme.hash_]

    def verify(digest: bytes, signature: bytes) -> bool:
        if len(signature) != size:  # the backend would fill up a shorter one
            return False
        try:
            signed: bytes = recover(signature, _PKCS1, None)
        except InvalidSignature:
            return False
        return signed == digest_info + digest

    return verify


def _pss_digest_verifier(scheme: _Scheme, material: Material) -> Verify:
    check, pad, prehashed = material.public.verify, scheme.padding, scheme.prehashed

    def verify(digest: bytes, signature: bytes) -> bool:
        try:
            check(signature, digest, pad, prehashed)
        except InvalidSignature:
            return False
        return True

    return verify


def _signer(scheme: _Scheme, material: Material) -> Sign:
    sign, hash_, pad, prehashed = material.private.sign, scheme.hash_, scheme.padding, scheme.prehashed
    return lambda message: sign(hash_(message).digest(), pad, prehashed)


def _verifier(scheme: _Scheme, material: Material) -> Verify:
    verify, hash_ = scheme.digest_verifier(scheme, material), scheme.hash_
    return lambda message, signature: verify(hash_(message).digest(), signature)


class _Stream:
    def __init__(self, scheme: _Scheme, material: Material) -> None:
        self._scheme, self._material, self._hash = scheme, material, scheme.hash_()
        self.update = self._hash.update

    def sign(self) -> bytes:
        signature: bytes = self._material.private.sign(
            self._hash.digest(), self._scheme.padding, self._scheme.prehashed
        )
        return signature

    def verify(self, signature: bytes) -> bool:
        return self._scheme.digest_verifier(self._scheme, self._material)(self._hash.digest(), signature)


def _check(_material: Material, _legacy: bool) -> None:
    """Size and exponent are a matter of the key type."""


def _row(name: str, scheme: _Scheme) -> SignatureAlgorithm:
    return SignatureAlgorithm(
        name=name,
        kty="RSA",
        crvs=(),
        accepts=(name,),
        generate=generate,
        check=_check,
        signer=partial(_signer, scheme),
        verifier=partial(_verifier, scheme),
        stream=partial(_Stream, scheme),
    )


def _pkcs1(hash_: Callable[..., Any], algorithm: hashes.HashAlgorithm) -> _Scheme:
    return _Scheme(hash_, _PKCS1, Prehashed(algorithm), _pkcs1_digest_verifier)


def _pss(hash_: Callable[..., Any], algorithm: hashes.HashAlgorithm) -> _Scheme:
    """The salt is as long as the hash, and MGF1 uses the same hash (RFC 7518 3.5)."""
    pad = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
    return _Scheme(hash_, pad, Prehashed(algorithm), _pss_digest_verifier)


_HASHES: Final[dict[str, tuple[Callable[..., Any], hashes.HashAlgorithm]]] = {
    "256": (hashlib.sha256, hashes.SHA256()),
    "384": (hashlib.sha384, hashes.SHA384()),
    "512": (hashlib.sha512, hashes.SHA512()),
}
# The DER of DigestInfo up to the digest, by hash (RFC 8017 9.2, note 1).
_DIGEST_INFO: Final[dict[Callable[..., Any], bytes]] = {
    hashlib.sha256: bytes.fromhex("3031300d060960864801650304020105000420"),
    hashlib.sha384: bytes.fromhex("3041300d060960864801650304020205000430"),
    hashlib.sha512: bytes.fromhex("3051300d060960864801650304020305000440"),
}
ROWS: Final = (
    *(_row(f"RS{size}", _pkcs1(*hash_)) for size, hash_ in _HASHES.items()),
    *(_row(f"PS{size}", _pss(*hash_)) for size, hash_ in _HASHES.items()),
)
