"""Signatures that are nearly right: psychic, encoded otherwise, second ones, other algorithms of one key."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from mintmark.hostile.attack import ECDSA, HMAC, RSA, Attack, Forge, Outcome
from mintmark.hostile.sample import HASHES, Need, Sample, attach
from mintmark.jose.jwk import Key

__all__ = ["SIGNATURES"]

_OWNER: Final = frozenset({Need.SIGNING_KEY})
_CURVES: Final = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
    "ES256K": ec.SECP256K1(),
}
_DIGESTS: Final = {"ES256": hashes.SHA256(), "ES384": hashes.SHA384(), "ES512": hashes.SHA512()}
_PKCS1_HASHES: Final = {"RS256": "sha256", "RS384": "sha384", "RS512": "sha512"}
_PSS_HASHES: Final = {"PS256": hashes.SHA256(), "PS384": hashes.SHA384(), "PS512": hashes.SHA512()}
_DIGEST_INFO: Final = {  # RFC 8017 9.2, note 1
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
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


def _plus_modulus(sample: Sample) -> str:
    numbers: Any = sample.public.material.public.public_numbers()
    value = int.from_bytes(sample.signature) + numbers.n
    size = max(len(sample.signature), (value.bit_length() + 7) // 8)
    return attach(sample.message(), value.to_bytes(size))


def _raw_rsa(encoded: Callable[[Sample, int], bytes]) -> Forge:
    """Sign an encoded message (RFC 8017 9.2) that is not what it should be; takes the private exponent."""

    def forge(sample: Sample) -> str:
        numbers: Any = sample.owner.material.private.private_numbers()
        modulus = numbers.public_numbers.n
        size = (modulus.bit_length() + 7) // 8
        signature = pow(int.from_bytes(encoded(sample, size)), numbers.d, modulus)
        return attach(sample.message(), signature.to_bytes(size))

    return forge


def _digest_info(sample: Sample) -> bytes:
    name = _PKCS1_HASHES[sample.alg]
    return _DIGEST_INFO[name] + hashlib.new(name, sample.message()).digest()


def _garbage_behind(sample: Sample, size: int) -> bytes:
    """The least padding, and after the digest what a lenient reader does not look at (CVE-2006-4339)."""
    start = b"\0\1" + b"\xff" * 8 + b"\0" + _digest_info(sample)
    return start + b"\xaa" * (size - len(start))


def _padding_of_zeros(sample: Sample, size: int) -> bytes:
    info = _digest_info(sample)
    return b"\0\1" + bytes(size - len(info) - 3) + b"\0" + info


def _bare_digest(sample: Sample, size: int) -> bytes:
    digest = hashlib.new(_PKCS1_HASHES[sample.alg], sample.message()).digest()
    return b"\0\1" + b"\xff" * (size - len(digest) - 3) + b"\0" + digest


def _pss(*, salt: int | None = None, mask: hashes.HashAlgorithm | None = None) -> Forge:
    """Sign with a salt of another length or with another hash for the mask than the algorithm's."""

    def forge(sample: Sample) -> str:
        digest = _PSS_HASHES[sample.alg]
        private: Any = sample.owner.material.private
        scheme = padding.PSS(padding.MGF1(mask or digest), digest.digest_size if salt is None else salt)
        return attach(sample.message(), private.sign(sample.message(), scheme, digest))

    return forge


# --- another algorithm with the same key (needs the owner's) -----------------------------------------------


def _rsa_sibling(alg: str) -> Forge:
    def forge(sample: Sample) -> str:
        members = {name: value for name, value in sample.owner.to_jwk(private=True).items() if name != "alg"}
        return sample.forge(Key.from_jwk(members, alg=alg))

    return forge


def _ec_sibling(alg: str) -> Forge:
    """The algorithm's hash on another curve: no library should make it, so it is made by hand."""

    def forge(sample: Sample) -> str:
        message = sample.message(sample.header_with(alg=alg))
        private: Any = sample.owner.material.private
        r, s = decode_dss_signature(private.sign(message, ec.ECDSA(_DIGESTS[alg])))
        size = _size(sample)
        return attach(message, r.to_bytes(size) + s.to_bytes(size))

    return forge


def _hmac_sibling(alg: str) -> Forge:
    def forge(sample: Sample) -> str:
        secret: bytes = sample.owner.material.private
        return sample.mac(secret, alg=alg)

    return forge


def _truncated_mac(sample: Sample) -> str:
    """HS512 cut to the length of HS256."""
    message = sample.message()
    secret: bytes = sample.owner.material.private
    return attach(message, hmac.digest(secret, message, HASHES["HS512"])[:32])


def _siblings() -> Iterator[Attack]:
    families = (
        (RSA, sorted(RSA), _rsa_sibling),
        (ECDSA, sorted(_DIGESTS), _ec_sibling),
        (HMAC, sorted(HMAC), _hmac_sibling),
    )
    for family, names, forge in families:
        for alg in names:
            title = f"{alg} with the key of another algorithm"
            others = family - {alg}
            yield Attack(f"S7.sibling.{alg.lower()}", title, forge(alg), needs=_OWNER, algorithms=others)
    yield Attack(
        "S7.sibling.hs512-cut",
        "HS512 cut to the length of HS256",
        _truncated_mac,
        needs=_OWNER,
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


def _rsa() -> Iterator[Attack]:
    yield Attack(
        "S14.rsa.leading-zero", "a zero byte before the RSA signature", _leading_zero, algorithms=RSA
    )
    yield Attack(
        "S14.rsa.plus-modulus",
        "the modulus added to the RSA signature",
        _plus_modulus,
        needs=frozenset({Need.PUBLIC_KEY}),
        algorithms=RSA,
    )
    for name, title, encoded in (
        ("garbage", "an RSA signature with garbage behind the digest", _garbage_behind),
        ("zeros", "an RSA signature padded with zeros", _padding_of_zeros),
        ("bare", "an RSA signature of the digest without its name", _bare_digest),
    ):
        yield Attack(
            f"S14.rsa.{name}", title, _raw_rsa(encoded), needs=_OWNER, algorithms=frozenset(_PKCS1_HASHES)
        )
    for name, title, forge in (
        ("no-salt", "a PSS signature without salt", _pss(salt=0)),
        ("long-salt", "a PSS signature with a longer salt", _pss(salt=100)),
        ("other-mask", "a PSS signature with SHA-1 for its mask", _pss(mask=hashes.SHA1())),  # noqa: S303
    ):
        yield Attack(f"S15.pss.{name}", title, forge, needs=_OWNER, algorithms=frozenset(_PSS_HASHES))


SIGNATURES: Final = (
    *_siblings(),
    *_ecdsa(),
    *_rsa(),
    Attack(
        "S13.eddsa.s-plus-order",
        "S plus the group order",
        _s_plus_order,
        algorithms=frozenset({"EdDSA", "Ed25519"}),
    ),
)
