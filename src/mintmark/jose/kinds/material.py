"""The key material of one key: what cryptography computes with, and the JWK members that identify it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

from mintmark._discreet import Discreet
from mintmark.errors import ErrorCode, InvalidKey, MalformedToken
from mintmark.jose.encoding import b64url_decode, b64url_encode

__all__ = ["Kind", "Material", "integer_member", "octets_member", "refuse", "refuse_weak", "uint_text"]


class Material(Discreet, frozen=True):
    """Checked key material of one ``kty``.

    ``identity`` holds the members of the RFC 7638 thumbprint in its order; for ``oct`` that includes the
    secret. ``public`` is the public key object (None for ``oct``), ``private`` the private key object, or the
    secret bytes of ``oct``, or None for a public key.
    """

    kty: str
    crv: str | None
    identity: Mapping[str, str]
    public: Any
    private: Any
    bits: int

    def __repr__(self) -> str:
        return f"<Material {self.kty} {self.crv or self.bits}>"


class Kind(Protocol):
    """What the file of a ``kty`` offers: reading, writing, and the public half."""

    def from_members(self, members: Mapping[str, Any], legacy: bool, /) -> Material:
        """Read and check JWK members. Raises InvalidKey."""

    def from_native(self, native: Any, legacy: bool, /) -> Material:
        """Check a key object of the ``cryptography`` package. Raises InvalidKey."""

    def private_members(self, material: Material, /) -> dict[str, str]:
        """Return the JWK members that the public form leaves out."""


def refuse(reason: str, *, claim: str | None = None) -> NoReturn:
    """Raise InvalidKey for a member or a key that cannot be right."""
    raise InvalidKey(reason, claim=claim) from None


def refuse_weak(reason: str, *, hint: str | None = None) -> NoReturn:
    """Raise InvalidKey for a key that is well-formed but too weak."""
    raise InvalidKey(reason, code=ErrorCode.KEY_WEAK, hint=hint) from None


def octets_member(members: Mapping[str, Any], name: str) -> bytes:
    """Return the octets of a JWK member that must be there."""
    text = members.get(name)
    if type(text) is not str:
        refuse(f"the JWK has no text member {name!r}", claim=name)
    try:
        return b64url_decode(text)
    except MalformedToken:
        refuse(f"the JWK member {name!r} is not base64url (RFC 7518 6)", claim=name)


def integer_member(members: Mapping[str, Any], name: str, *, max_bytes: int) -> int:
    """Return the number in a Base64urlUInt member: shortest spelling only (RFC 7518 2)."""
    octets = octets_member(members, name)
    if not octets or octets[0] == 0:
        refuse(f"the JWK member {name!r} is not in its shortest form (RFC 7518 2)", claim=name)
    if len(octets) > max_bytes:
        refuse(f"the JWK member {name!r} is longer than {max_bytes} bytes", claim=name)
    return int.from_bytes(octets)


def uint_text(number: int, size: int | None = None) -> str:
    """Return a number as Base64urlUInt, or in exactly ``size`` octets."""
    return b64url_encode(number.to_bytes(size or (number.bit_length() + 7) // 8))
