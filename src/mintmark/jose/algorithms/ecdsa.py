"""ES256, ES384, ES512 (RFC 7518 3.4) and ES256K (RFC 8812 3): ECDSA with one curve and one hash each.

Nonces are hedged by the backend: drawn from the private key, the message and fresh randomness together, so
that neither a weak random source nor a repeated message betrays the key (RFC 8725bis 3.2).
"""

from __future__ import annotations

from functools import partial
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from mintmark.jose.algorithms.rows import Sign, SignatureAlgorithm, Verify
from mintmark.jose.kinds.ec import coordinate_bytes, generate
from mintmark.jose.kinds.material import Material


def _signer(algorithm: ec.ECDSA, material: Material) -> Sign:
    sign = material.private.sign
    size = coordinate_bytes(material.public.curve)

    def raw(message: bytes) -> bytes:
        # SEQUENCE { INTEGER r, INTEGER s }, as the backend writes it: lengths below 128 except of the whole
        der: bytes = sign(message, algorithm)
        at = 4 if der[1] == 0x81 else 3
        end = at + 1 + der[at]
        return der[at + 1 : end].rjust(size, b"\0")[-size:] + der[end + 2 :].rjust(size, b"\0")[-size:]

    return raw


def _verifier(algorithm: ec.ECDSA, material: Material) -> Verify:
    check = material.public.verify
    size = coordinate_bytes(material.public.curve)

    def verify(message: bytes, signature: bytes) -> bool:
        if len(signature) != 2 * size:  # RFC 7518 3.4: the two numbers in full length, nothing else
            return False
        try:
            check(_der(signature, size), message, algorithm)
        except InvalidSignature:
            return False
        return True

    return verify


def _der(signature: bytes, size: int) -> bytes:
    """Return r and s as the DER that the backend reads; it refuses numbers outside 1 … n-1.

    Written by hand: the detour over Python integers costs more than all else around a verification.
    """
    r, s = signature[:size].lstrip(b"\0") or b"\0", signature[size:].lstrip(b"\0") or b"\0"
    if r[0] & 0x80:
        r = b"\0" + r
    if s[0] & 0x80:
        s = b"\0" + s
    body = b"\x02%c%b\x02%c%b" % (len(r), r, len(s), s)
    return (b"0%c" if len(body) < 0x80 else b"0\x81%c") % len(body) + body


class _Stream:
    def __init__(self, hash_: hashes.HashAlgorithm, material: Material) -> None:
        self._material, self._algorithm = material, ec.ECDSA(Prehashed(hash_))
        self._hash = hashes.Hash(hash_)
        self.update = self._hash.update

    def sign(self) -> bytes:
        return _signer(self._algorithm, self._material)(self._hash.finalize())

    def verify(self, signature: bytes) -> bool:
        return _verifier(self._algorithm, self._material)(self._hash.finalize(), signature)


def _check(_material: Material, _legacy: bool) -> None:
    """The curve is all that can be wrong, and the table fixes it."""


def _row(name: str, crv: str, hash_: hashes.HashAlgorithm) -> SignatureAlgorithm:
    algorithm = ec.ECDSA(hash_)
    return SignatureAlgorithm(
        name=name,
        kty="EC",
        crvs=(crv,),
        accepts=(name,),
        generate=lambda bits, _crv: generate(bits, crv),
        check=_check,
        signer=partial(_signer, algorithm),
        verifier=partial(_verifier, algorithm),
        stream=partial(_Stream, hash_),
    )


ROWS: Final = (
    _row("ES256", "P-256", hashes.SHA256()),
    _row("ES384", "P-384", hashes.SHA384()),
    _row("ES512", "P-521", hashes.SHA512()),
    _row("ES256K", "secp256k1", hashes.SHA256()),
)
