"""The rules on a key's members: what names its algorithm, and what it may be used for (RFC 7517 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from mintmark.errors import ErrorCode, InvalidKey, MalformedToken
from mintmark.jose.algorithms import default_name, find
from mintmark.jose.algorithms.rows import Row
from mintmark.jose.encoding import json_object
from mintmark.jose.kinds import Material, kind

__all__ = [
    "PRIVATE_MEMBERS",
    "agreed_algorithm",
    "check_kid",
    "check_purpose",
    "is_weak",
    "operations",
    "permits",
    "read_jwk",
    "text_member",
]

MAX_KID_CHARACTERS: Final = 1024

PRIVATE_MEMBERS: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"))
"""What a JWK that others may see never has (RFC 7518 6, RFC 9964 3). Whoever reads keys of strangers refuses
these names first: a private key costs much more to check than a public one."""

_SIGNATURE_OPS: Final = frozenset(("sign", "verify"))
_ENCRYPTION_OPS: Final = frozenset(("encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"))


def read_jwk(jwk: str | bytes) -> dict[str, Any]:
    """Return the members of a JWK text.

    :raises InvalidKey: when it is not one unambiguous JSON object.
    """
    try:
        return json_object(jwk, what="the JWK")
    except MalformedToken as error:
        raise InvalidKey(error.message) from None


def text_member(members: Mapping[str, Any], name: str) -> str | None:
    """Return an optional member that is text.

    :raises InvalidKey: when it is something else.
    """
    value = members.get(name)
    if name in members and not isinstance(value, str):
        raise InvalidKey(f"the JWK member {name!r} is text (RFC 7517 4)", claim=name)
    return value


def agreed_algorithm(members: Mapping[str, Any], asked: str | None, material: Material) -> str:
    """Return the one algorithm that the JWK, the caller or the table of defaults gives."""
    stated = text_member(members, "alg")
    if stated is None:
        stated = asked or default_name(material.kty, material.crv, text_member(members, "use"))
        if stated is None:
            raise InvalidKey(
                f"this {material.kty} key states no algorithm: say which one it is for",
                claim="alg",
                hint="alg=…",
            )
    elif (
        asked is not None
        and asked != stated
        and asked not in find(stated, material.kty, material.crv).accepts
    ):
        raise InvalidKey("the JWK's alg is not the one asked for", claim="alg", expected=asked, actual=stated)
    return stated


def operations(members: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return ``key_ops``: names, none twice (RFC 7517 4.3)."""
    if "key_ops" not in members:
        return None
    names = members["key_ops"]
    if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) for name in names):
        raise InvalidKey("key_ops is a non-empty list of names (RFC 7517 4.3)", claim="key_ops")
    if len(set(names)) != len(names):
        raise InvalidKey("key_ops names an operation twice (RFC 7517 4.3)", claim="key_ops")
    return tuple(names)


def check_purpose(row: Row, use: str | None, key_ops: tuple[str, ...] | None) -> None:
    """``use``, ``key_ops`` and the algorithm tell one story (RFC 7517 4.2, 4.3; RFC 8725 3.2)."""
    if use is not None and use != row.use:
        raise InvalidKey(
            f"the key's use is not {row.use}, which {row.name} is for",
            code=ErrorCode.KEY_WRONG_USE,
            claim="use",
            expected=row.use,
            actual=str(use)[:40],
        )
    family = _SIGNATURE_OPS if row.use == "sig" else _ENCRYPTION_OPS
    if key_ops is not None and not family.issuperset(key_ops):
        raise InvalidKey(
            f"the key's key_ops do not fit {row.name}", code=ErrorCode.KEY_WRONG_USE, claim="key_ops"
        )


def permits(key_ops: tuple[str, ...] | None, operations: frozenset[str]) -> bool:
    """Say whether ``key_ops`` lets a key do one of these operations (RFC 7517 4.3)."""
    return key_ops is None or not operations.isdisjoint(key_ops)


def is_weak(row: Row, material: Material) -> bool:
    """Say whether the material would be refused without the allowance for legacy keys."""
    checks: tuple[Callable[[], object], ...] = (lambda: row.check(material, False),)
    if material.public is not None:
        checks += (lambda: kind(material.kty).from_native(material.public, False),)
    try:
        for check in checks:
            check()
    except InvalidKey:
        return True
    return False


def check_kid(kid: object) -> None:
    """Refuse a ``kid`` that is not text of a sensible length.

    :raises InvalidKey: when it is not.
    """
    if not isinstance(kid, str) or len(kid) > MAX_KID_CHARACTERS:
        raise InvalidKey(f"a kid is text of at most {MAX_KID_CHARACTERS} characters", claim="kid")
