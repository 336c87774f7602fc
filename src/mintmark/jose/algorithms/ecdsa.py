"""ES256, ES384, ES512 (RFC 7518 3.4) and ES256K (RFC 8812 3): ECDSA with one curve and one hash each.

Nonces are hedged by the backend: drawn from the private key, the message and fresh randomness together, so
that neither a weak random source nor a repeated message betrays the key (RFC 8725bis 3.2).
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Final, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from msgspec import Struct

from mintmark.jose.algorithms.hashed import Hash, HashedStream
from mintmark.jose.algorithms.rows import Sign, SignatureAlgorithm, Verify
from mintmark.jose.kinds.ec import CURVES, coordinate_bytes, generate
from mintmark.jose.kinds.material import Material

T = TypeVar("T")


class _Scheme(Struct, frozen=True):
    """One curve with the size of the hash that goes with it.

    ``heads``: what stands before r and before s in DER, by the first octets of the two; None where one begins
    with a zero octet, and so is shorter in DER.
    """

    algorithm: ec.ECDSA
    size: int
    heads: tuple[tuple[tuple[bytes, bytes] | None, ...], ...]


def _signer(scheme: _Scheme, hash_: Hash, material: Material) -> Sign:
    sign, algorithm, size = material.private.sign, scheme.algorithm, scheme.size
    # SEQUENCE { INTEGER r, INTEGER s }, as the backend writes it: lengths below 128 except of the whole.
    # Nearly always both have the full length, perhaps with a zero octet in front: slices made now find them.
    at = 3 if 2 * (size + 3) < 0x80 else 4
    r_of = {length: slice(at + 1 + length - size, at + 1 + length) for length in (size, size + 1)}
    s_of, after_r = slice(-size, None), at + 3 + size

    def raw(message: bytes) -> bytes:
        der: bytes = sign(hash_(message).digest(), algorithm)
        length = der[at]
        if size <= length <= len(der) - after_r:
            return der[r_of[length]] + der[s_of]
        return _raw(der, size)

    return raw


def _raw(der: bytes, size: int) -> bytes:
    """Return r and s of any length, each in full length."""
    at = 4 if der[1] == 0x81 else 3
    end = at + 1 + der[at]
    return der[at + 1 : end].rjust(size, b"\0")[-size:] + der[end + 2 :].rjust(size, b"\0")[-size:]


def _verifier(scheme: _Scheme, hash_: Hash, material: Material) -> Verify:
    check, algorithm, size, heads = material.public.verify, scheme.algorithm, scheme.size, scheme.heads
    both, r_of, s_of = 2 * size, slice(size), slice(size, None)

    def verify(message: bytes, signature: bytes) -> bool:
        if len(signature) != both:  # RFC 7518 3.4: the two numbers in full length, nothing else
            return False
        head = heads[signature[0]][signature[size]]
        if head is None:
            der = _der(signature[r_of].lstrip(b"\0") or b"\0", signature[s_of].lstrip(b"\0") or b"\0")
        else:
            der = head[0] + signature[r_of] + head[1] + signature[s_of]
        try:
            check(der, hash_(message).digest(), algorithm)
        except InvalidSignature:
            return False
        return True

    return verify


def _der(r: bytes, s: bytes) -> bytes:
    """Return two numbers as the DER that the backend reads; it refuses what is outside 1 … n-1.

    Written by hand: the detour over Python integers costs more than all else around a verification.
    """
    before_r, before_s = _heads(len(r), r[0] >> 7, len(s), s[0] >> 7)
    return before_r + r + before_s + s


def _heads(r_size: int, r_high: int, s_size: int, s_high: int) -> tuple[bytes, bytes]:
    """Return what stands before r and before s; a number whose first bit is 1 needs a zero octet in front."""
    length = 4 + r_size + r_high + s_size + s_high
    sequence = (b"0%c" if length < 0x80 else b"0\x81%c") % length
    return sequence + b"\x02%c" % (r_size + r_high) + bytes(r_high), b"\x02%c" % (s_size + s_high) + bytes(
        s_high
    )


def _by_first_octet(zero: T, low: T, high: T) -> tuple[T, ...]:
    return (zero, *(low,) * 127, *(high,) * 128)


def _check(_material: Material, _legacy: bool) -> None:
    """The curve is all that can be wrong, and the table fixes it."""


def _row(name: str, crv: str, hash_: Hash, prehashed: hashes.HashAlgorithm) -> SignatureAlgorithm:
    size = coordinate_bytes(CURVES[crv])
    rows = [
        _by_first_octet(None, *(_heads(size, r_high, size, s_high) for s_high in (0, 1))) for r_high in (0, 1)
    ]
    heads = _by_first_octet((None,) * 256, *rows)
    scheme = _Scheme(ec.ECDSA(Prehashed(prehashed)), size, heads)
    return SignatureAlgorithm(
        name=name,
        kty="EC",
        crvs=(crv,),
        accepts=(name,),
        generate=lambda bits, _crv: generate(bits, crv),
        check=_check,
        signer=partial(_signer, scheme, hash_),
        verifier=partial(_verifier, scheme, hash_),
        stream=partial(HashedStream, hash_, partial(_signer, scheme), partial(_verifier, scheme)),
    )


ROWS: Final = (
    _row("ES256", "P-256", hashlib.sha256, hashes.SHA256()),
    _row("ES384", "P-384", hashlib.sha384, hashes.SHA384()),
    _row("ES512", "P-521", hashlib.sha512, hashes.SHA512()),
    _row("ES256K", "secp256k1", hashlib.sha256, hashes.SHA256()),
)
