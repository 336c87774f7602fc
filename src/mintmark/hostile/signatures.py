"""Signatures that are nearly right: psychic, encoded otherwise, second ones, other algorithms of one key."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from mintmark.hostile.attack import ECDSA, HMAC, RSA, Attack, Forge, Outcome
from mintmark.hostile.sample import HASHES, Need, Sample, attach
from mintmark.jose.jwk import Key

__all__ = ["SIGNATURES"]

_CURVES: Final = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
    "ES256K": ec.SECP256K1(),
}
_DIGESTS: Final = {"ES256": hashes.SHA256(), "ES384": hashes.SHA384(), "ES512": hashes.SHA512()}
_ED25519_ORDER: Final = 2**252 + 27742317777372353535851937790883648493  # RFC 8032 5.1
_ED25519_SIGNATURE: Final = 64


# --- ECDSA -------------------------------------------------------------------------------------------------


def _size(sample: Sample) -> int:
    return len(sample.signature) // 2


def _halves(sample: Sample) -> tuple[int, int]:
    size = _size(sample)
    return int.from_bytes(sample.signature[:size]), int.from_bytes(sample.signature[size:])


def _numbers(r: str, s: str) -> Forge:
    """Write r and s as they are named: 0, 1, n (the group order)."""

    def forge(sample: Sample) -> str:
        named = {"0": 0, "1": 1, "n": _CURVES[sample.alg].group_order}
        size = _size(sample)
        return attach(sample.message(), named[r].to_bytes(size) + named[s].to_bytes(size))

    return forge


def _der(sample: Sample) -> str:
    return attach(sample.message(), encode_dss_signature(*_halves(sample)))


def _longer(sample: Sample) -> str:
    size = _size(sample)
    halves = (sample.signature[:size], sample.signature[size:])
    return attach(sample.message(), b"".join(b"\0" + half for half in halves))


def _trailing(sample: Sample) -> str:
    return attach(sample.message(), sample.signature + b"\0")


def _swapped(sample: Sample) -> str:
    size = _size(sample)
    return attach(sample.message(), sample.signature[size:] + sample.signature[:size])


def _second(sample: Sample) -> str:
    r, s = _halves(sample)
    size, order = _size(sample), _CURVES[sample.alg].group_order
    return attach(sample.message(), r.to_bytes(size) + (order - s).to_bytes(size))


# --- EdDSA and RSA -----------------------------------------------------------------------------------------


def _s_plus_order(sample: Sample) -> str | None:
    if len(sample.signature) != _ED25519_SIGNATURE:
        return None
    half, s = sample.signature[:32], int.from_bytes(sample.signature[32:], "little")
    return attach(sample.message(), half + (s + _ED25519_ORDER).to_bytes(32, "little"))


def _leading_zero(sample: Sample) -> str:
    return attach(sample.message(), b"\0" + sample.signature)


def _plus_modulus(sample: Sample) -> str | None:
    if sample.public_key is None:
        return None
    numbers: Any = sample.public_key.material.public.public_numbers()
    value = int.from_bytes(sample.signature) + numbers.n
    size = max(len(sample.signature), (value.bit_length() + 7) // 8)
    return attach(sample.message(), value.to_bytes(size))


# --- another algorithm with the same key (needs the owner's) -----------------------------------------------


def _rsa_sibling(alg: str) -> Forge:
    def forge(sample: Sample) -> str | None:
        key = sample.signing_key
        if key is None or alg == sample.alg:
            return None
        members = {name: value for name, value in key.to_jwk(private=True).items() if name != "alg"}
        return sample.forge(Key.from_jwk(members, alg=alg))

    return forge


def _ec_sibling(alg: str) -> Forge:
    """The algorithm's hash on another curve: no library should make it, so it is made by hand."""

    def forge(sample: Sample) -> str | None:
        key = sample.signing_key
        if key is None or alg == sample.alg:
            return None
        message = sample.message(sample.header_with(alg=alg))
        private: Any = key.material.private
        r, s = decode_dss_signature(private.sign(message, ec.ECDSA(_DIGESTS[alg])))
        size = _size(sample)
        return attach(message, r.to_bytes(size) + s.to_bytes(size))

    return forge


def _hmac_sibling(alg: str) -> Forge:
    def forge(sample: Sample) -> str | None:
        key = sample.signing_key
        if key is None or alg == sample.alg:
            return None
        secret: bytes = key.material.private
        return sample.mac(secret, alg=alg)

    return forge


def _truncated_mac(sample: Sample) -> str | None:
    """HS512 cut to the length of HS256."""
    key = sample.signing_key
    if key is None or sample.alg != "HS256":
        return None
    message = sample.message()
    secret: bytes = key.material.private
    return attach(message, hmac.digest(secret, message, HASHES["HS512"])[:32])


def _siblings() -> Iterator[Attack]:
    families = (
        (RSA, sorted(RSA), _rsa_sibling),
        (ECDSA, sorted(_DIGESTS), _ec_sibling),
        (HMAC, sorted(HMAC), _hmac_sibling),
    )
    owner = frozenset({Need.SIGNING_KEY})
    for family, names, forge in families:
        for alg in names:
            title = f"{alg} with the key of another algorithm"
            others = family - {alg}
            yield Attack(f"S7.sibling.{alg.lower()}", title, forge(alg), needs=owner, algorithms=others)
    yield Attack(
        "S7.sibling.hs512-cut",
        "HS512 cut to the length of HS256",
        _truncated_mac,
        needs=owner,
        algorithms=frozenset({"HS256"}),
    )


def _ecdsa() -> Iterator[Attack]:
    for r, s in (("0", "0"), ("n", "n"), ("0", "1"), ("1", "0"), ("n", "0")):
        title = f"an ECDSA signature of r={r} and s={s}"
        yield Attack(f"S10.psychic.{r}-{s}", title, _numbers(r, s), algorithms=ECDSA)
    for name, title, forge in (
        ("der", "the ECDSA signature in DER", _der),
        ("longer", "r and s with a zero byte before each", _longer),
        ("trailing", "a zero byte after the signature", _trailing),
        ("swapped", "s before r", _swapped),
    ):
        yield Attack(f"S11.ecdsa.{name}", title, forge, algorithms=ECDSA)
    title = "n-s in place of s: the second valid signature of the same content"
    yield Attack("S12.ecdsa.second", title, _second, algorithms=ECDSA, outcome=Outcome.INFORM)


SIGNATURES: Final = (
    *_siblings(),
    *_ecdsa(),
    Attack(
        "S13.eddsa.s-plus-order",
        "S plus the group order",
        _s_plus_order,
        algorithms=frozenset({"EdDSA", "Ed25519"}),
    ),
    Attack("S14.rsa.leading-zero", "a zero byte before the RSA signature", _leading_zero, algorithms=RSA),
    Attack(
        "S14.rsa.plus-modulus",
        "the modulus added to the RSA signature",
        _plus_modulus,
        needs=frozenset({Need.PUBLIC_KEY}),
        algorithms=RSA,
    ),
)
