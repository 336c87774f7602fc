"""Content that was changed after signing, signatures that were changed after making, and somebody else's."""

from __future__ import annotations

from typing import Any, Final

from mintmark.hostile.attack import Attack, Forge
from mintmark.hostile.sample import Sample, attach
from mintmark.jose.encoding import b64url_decode, b64url_encode

__all__ = ["TAMPERED", "flipped"]

_YEAR: Final = 31_536_000


def flipped(sample: Sample) -> str:
    """Flip the lowest bit in the middle of the signature: well-formed in every respect, and forged."""
    return attach(sample.message(), _flip(sample.signature, len(sample.signature) // 2))


def _flip(octets: bytes, index: int, bit: int = 1) -> bytes:
    changed = bytearray(octets)
    changed[index] ^= bit
    return bytes(changed)


def _signature_bit(index: int, bit: int) -> Forge:
    return lambda sample: attach(sample.message(), _flip(sample.signature, index, bit))


def _segment_bit(segment: int) -> Forge:
    """Flip a bit of the segment's bytes: what comes out is seldom JSON, so this looks for crashes too."""

    def forge(sample: Sample) -> str:
        parts = sample.token.split(".")
        octets = b64url_decode(parts[segment])
        parts[segment] = b64url_encode(_flip(octets, len(octets) // 2))
        return ".".join(parts)

    return forge


def _claims(**changes: Any) -> Forge:
    return lambda sample: attach(sample.message(claims=sample.claims_with(**changes)), sample.signature)


def _longer_life(sample: Sample) -> str | None:
    expiry = sample.claims.get("exp")
    if not isinstance(expiry, int | float):
        return None
    return attach(sample.message(claims=sample.claims_with(exp=expiry + _YEAR)), sample.signature)


def _header(**changes: Any) -> Forge:
    return lambda sample: attach(sample.message(sample.header_with(**changes)), sample.signature)


def _other_key(sample: Sample) -> str:
    return sample.forge(sample.intruder)


def _other_key_named(sample: Sample) -> str:
    return sample.forge(sample.intruder, sample.header_with(kid=sample.intruder.kid))


TAMPERED: Final = (
    Attack("S17.signature.first-bit", "the first bit of the signature flipped", _signature_bit(0, 0x80)),
    Attack("S17.signature.middle-bit", "a bit in the middle of the signature flipped", flipped),
    Attack("S17.signature.last-bit", "the last bit of the signature flipped", _signature_bit(-1, 0x01)),
    Attack("S17.header.bit", "a bit of the header flipped", _segment_bit(0)),
    Attack("S17.payload.bit", "a bit of the payload flipped", _segment_bit(1)),
    Attack("S17.header.extended", "a header member added", _header(x="1")),
    Attack("S17.header.typ", "another typ in the header", _header(typ="x+jwt")),
    Attack("S17.payload.subject", "another subject", _claims(sub="intruder")),
    Attack("S17.payload.scope", "another scope", _claims(scope="admin")),
    Attack("S17.payload.role", "a claim added", _claims(admin=True)),
    Attack("S17.payload.lifetime", "a year more to live", _longer_life),
    Attack("S17.key.other", "signed with a key of the same kind that nobody knows", _other_key),
    Attack("S17.key.unknown-kid", "signed with an unknown key under its own kid", _other_key_named),
)
