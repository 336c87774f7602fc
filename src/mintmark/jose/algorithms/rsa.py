"""RS256 … RS512 (RSASSA-PKCS1-v1_5) and PS256 … PS512 (RSASSA-PSS): RFC 7518 3.3 and 3.5."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from mintmark.jose.algorithms.rows import Sign, SignatureAlgorithm, Verify
from mintmark.jose.kinds.material import Material
from mintmark.jose.kinds.rsa import generate

Hash = Callable[..., Any]
Padding = padding.PKCS1v15 | padding.PSS


@dataclass(frozen=True, slots=True)
class _Scheme:
    """One padding with one hash, which ``hashlib`` computes faster than the backend makes a hash object."""

    hash_: Hash
    pad: Padding
    prehashed: Prehashed


def _signer(scheme: _Scheme, material: Material) -> Sign:
    sign, hash_, pad, prehashed = material.private.sign, scheme.hash_, scheme.pad, scheme.prehashed
    return lambda message: sign(hash_(message).digest(), pad, prehashed)


def _verifier(scheme: _Scheme, material: Material) -> Verify:
    verify, hash_ = _digest_verifier(scheme, material), scheme.hash_
    return lambda message, signature: verify(hash_(message).digest(), signature)


def _digest_verifier(scheme: _Scheme, material: Material) -> Verify:
    check, pad, prehashed = material.public.verify, scheme.pad, scheme.prehashed

    def verify(digest: bytes, signature: bytes) -> bool:
        try:
            check(signature, digest, pad, prehashed)
        except InvalidSignature:
            return False
        return True

    return verify


class _Stream:
    def __init__(self, scheme: _Scheme, material: Material) -> None:
        self._scheme, self._material, self._hash = scheme, material, scheme.hash_()
        self.update = self._hash.update

    def sign(self) -> bytes:
        scheme = self._scheme
        signature: bytes = self._material.private.sign(self._hash.digest(), scheme.pad, scheme.prehashed)
        return signature

    def verify(self, signature: bytes) -> bool:
        return _digest_verifier(self._scheme, self._material)(self._hash.digest(), signature)


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


def _pss(hash_: hashes.HashAlgorithm) -> padding.PSS:
    """The salt is as long as the hash, and MGF1 uses the same hash (RFC 7518 3.5)."""
    return padding.PSS(padding.MGF1(hash_), hash_.digest_size)


_HASHES: Final[dict[str, tuple[Hash, hashes.HashAlgorithm]]] = {
    "256": (hashlib.sha256, hashes.SHA256()),
    "384": (hashlib.sha384, hashes.SHA384()),
    "512": (hashlib.sha512, hashes.SHA512()),
}
ROWS: Final = tuple(
    _row(f"{family}{size}", _Scheme(hash_, pad, Prehashed(named)))
    for size, (hash_, named) in _HASHES.items()
    for family, pad in (("RS", padding.PKCS1v15()), ("PS", _pss(named)))
)
