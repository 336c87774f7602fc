"""``RSA`` keys (RFC 7518 6.3)."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import rsa

from mintmark.jose.kinds.material import Material, integer_member, refuse, refuse_weak, uint_text

MIN_BITS: Final = 2048  # RFC 7518 3.3, 4.2
MIN_LEGACY_BITS: Final = 1024
MAX_BITS: Final = 16384  # larger moduli only cost time
MIN_EXPONENT: Final = 65537
MIN_LEGACY_EXPONENT: Final = 3
DEFAULT_BITS: Final = 2048

_FACTORS: Final = ("p", "q", "dp", "dq", "qi")
_PRIVATE: Final = ("d", *_FACTORS)


def _generated(prime: int, base: int) -> frozenset[int]:
    group, value = set(), 1
    while value not in group:
        group.add(value)
        value = value * base % prime
    return frozenset(group)


# ROCA (CVE-2017-15361): the broken chips' primes are powers of 65537 modulo every small prime.
# The chance that a sound modulus looks so is under 2**-27.
_ROCA: Final = tuple(
    (prime, residues)
    for prime in range(11, 168)
    if all(prime % divisor for divisor in range(2, prime))
    and len(residues := _generated(prime, 65537)) < prime - 1
)


def from_members(members: Mapping[str, Any], legacy: bool) -> Material:
    n = integer_member(members, "n", max_bytes=MAX_BITS // 8)
    e = integer_member(members, "e", max_bytes=8)
    check_public(n, e, legacy)
    public = rsa.RSAPublicNumbers(e, n)
    if not any(name in members for name in _PRIVATE):
        return _material(public.public_key(), None)
    if "oth" in members:
        refuse("RSA keys with more than two primes are not taken", claim="oth")
    numbers = _private_numbers(members, public)
    check_private(numbers)
    return _material(public.public_key(), _private_key(numbers))


def from_native(native: Any, legacy: bool) -> Material:
    if isinstance(native, rsa.RSAPublicKey):
        public, private = native, None
    elif isinstance(native, rsa.RSAPrivateKey):
        public, private = native.public_key(), native
    else:
        refuse("not an RSA key")
    numbers = public.public_numbers()
    check_public(numbers.n, numbers.e, legacy)
    if private is not None:
        check_private(private.private_numbers())
    return _material(public, private)


def generate(bits: int | None, _crv: str | None) -> Material:
    """Make a key of ``bits`` (2048 to 16384, by default 2048)."""
    size = bits or DEFAULT_BITS
    if not MIN_BITS <= size <= MAX_BITS or size % 8:
        refuse(f"an RSA key is made with {MIN_BITS} to {MAX_BITS} bits")
    private = rsa.generate_private_key(MIN_EXPONENT, size)
    return _material(private.public_key(), private)


def check_public(n: int, e: int, legacy: bool) -> None:
    """Refuse what is too small, trivial or known to be broken.

    :raises InvalidKey: when it is.
    """
    bits = n.bit_length()
    if bits < (MIN_LEGACY_BITS if legacy else MIN_BITS):
        refuse_weak(f"an RSA key has at least {MIN_BITS} bits (RFC 7518 3.3); this one has {bits}")
    if bits > MAX_BITS:
        refuse(f"an RSA key has at most {MAX_BITS} bits; this one has {bits}", claim="n")
    if n % 2 == 0 or e % 2 == 0:
        refuse("the RSA modulus and exponent are odd numbers", claim="e")
    if e < (MIN_LEGACY_EXPONENT if legacy else MIN_EXPONENT):
        refuse_weak(f"the RSA exponent is at least {MIN_EXPONENT}")
    if all(n % prime in residues for prime, residues in _ROCA):
        refuse_weak("the RSA modulus has the ROCA fingerprint: its factors can be found (CVE-2017-15361)")


def check_private(numbers: rsa.RSAPrivateNumbers) -> None:
    """Refuse a private key whose parts do not belong together.

    The arithmetic makes the library's own slow check unnecessary; the test to base 2 catches factors that
    are not prime.

    :raises InvalidKey: when they do not.
    """
    p, q, d = numbers.p, numbers.q, numbers.d
    n, e = numbers.public_numbers.n, numbers.public_numbers.e
    consistent = (
        p * q == n
        and p > 1
        and q > 1
        and p != q
        and 1 < d < n
        and (d * e) % ((p - 1) * (q - 1) // gcd(p - 1, q - 1)) == 1
        and numbers.dmp1 == d % (p - 1)
        and numbers.dmq1 == d % (q - 1)
        and numbers.iqmp < p
        and (numbers.iqmp * q) % p == 1
        and pow(2, p - 1, p) == 1
        and pow(2, q - 1, q) == 1
    )
    if not consistent:
        refuse("the RSA private key does not fit its public key", claim="d")


def private_members(material: Material) -> dict[str, str]:
    numbers = material.private.private_numbers()
    values = (numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)
    return {name: uint_text(value) for name, value in zip(_PRIVATE, values, strict=True)}


def _private_numbers(members: Mapping[str, Any], public: rsa.RSAPublicNumbers) -> rsa.RSAPrivateNumbers:
    size = MAX_BITS // 8
    d = integer_member(members, "d", max_bytes=size)
    given = [name for name in _FACTORS if name in members]
    if given:
        if len(given) != len(_FACTORS):
            refuse(
                "an RSA private key states all of p, q, dp, dq and qi, or none (RFC 7518 6.3.2)", claim="p"
            )
        p, q, dp, dq, qi = (integer_member(members, name, max_bytes=size) for name in _FACTORS)
        return rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, public)
    if not 1 < d < public.n:
        refuse("the RSA private exponent is out of range", claim="d")
    try:
        p, q = rsa.rsa_recover_prime_factors(public.n, public.e, d)
    except ValueError:
        refuse("the RSA private exponent does not fit the public key", claim="d")
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), rsa.rsa_crt_iqmp(p, q), public)


def _private_key(numbers: rsa.RSAPrivateNumbers) -> rsa.RSAPrivateKey:
    try:
        return numbers.private_key(unsafe_skip_rsa_key_validation=True)  # check_private did it
    except ValueError:
        refuse("the RSA private key does not fit its public key", claim="d")


def _material(public: rsa.RSAPublicKey, private: rsa.RSAPrivateKey | None) -> Material:
    numbers = public.public_numbers()
    identity = {"e": uint_text(numbers.e), "kty": "RSA", "n": uint_text(numbers.n)}
    return Material("RSA", None, identity, public, private, public.key_size)
