"""``oct``: a shared secret (RFC 7518 6.4). How long it must be is a matter of its algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mintmark.jose.encoding import b64url_encode
from mintmark.jose.kinds.material import Material, octets_member, refuse

MAX_BYTES: Final = 4096


def from_members(members: Mapping[str, Any], _legacy: bool) -> Material:
    return from_secret(octets_member(members, "k"))


def from_native(native: object, _legacy: bool) -> Material:
    if not isinstance(native, bytes):
        refuse("a shared secret is bytes")
    return from_secret(native)


def from_secret(secret: bytes) -> Material:
    """Return the material of a secret.

    :raises InvalidKey: when it is empty or absurdly long.
    """
    if not secret:
        refuse("a shared secret is never empty", claim="k")
    if len(secret) > MAX_BYTES:
        refuse(f"a shared secret is at most {MAX_BYTES} bytes", claim="k")
    identity = {"k": b64url_encode(secret), "kty": "oct"}
    return Material("oct", None, identity, None, secret, len(secret) * 8)


def private_members(_material: Material) -> dict[str, str]:
    return {}  # "k" identifies the key, and Key guards it
