"""What a verified token says: an immutable mapping of claims, the registered ones by name (RFC 7519 4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from mintmark.jose.jwk import Key

__all__ = ["Claims", "JsonObject", "raw_members"]

_MUTABLE = frozenset({dict, list})


def _copied(value: Any) -> Any:
    """Return a deep copy of a JSON value; scalars are themselves."""
    if type(value) is dict:
        return {
            name: _copied(member) if type(member) in _MUTABLE else member for name, member in value.items()
        }
    if type(value) is list:
        return [_copied(member) if type(member) in _MUTABLE else member for member in value]
    return value


class JsonObject(Mapping[str, Any]):
    """A JSON object that nobody can change.

    Lists and objects within it are handed out as fresh copies: what a caller does with one changes neither
    this object nor what the next caller reads. So one object may be shared between callers and threads.
    """

    __slots__ = ("_members",)

    def __init__(self, members: dict[str, Any]) -> None:
        self._members = members

    def __getitem__(self, name: str) -> Any:
        value = self._members[name]
        return _copied(value) if type(value) in _MUTABLE else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {' '.join(sorted(self._members))}>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return a plain ``dict`` of its own, all the way down."""
        return {name: _copied(value) for name, value in self._members.items()}


class Claims(JsonObject):
    """The claims of a token that has been verified: signature, policy and revocation.

    Only a :class:`~mintmark.jwt.Verifier` makes them. They read like a mapping (``claims["scope"]``), and the
    registered claims have names. ``repr()`` shows which claims there are, never their values.
    """

    __slots__ = ("_header", "_key")

    def __init__(self, members: dict[str, Any], header: Mapping[str, Any], key: Key) -> None:
        self._members = members
        self._header = header
        self._key = key

    @property
    def header(self) -> Mapping[str, Any]:
        """The protected header of the signature, read-only (RFC 7515 4)."""
        return self._header

    @property
    def key(self) -> Key:
        """The key that verified the signature."""
        return self._key

    @property
    def issuer(self) -> str | None:
        """``iss``: who made the token (RFC 7519 4.1.1)."""
        return self._members.get("iss")

    @property
    def subject(self) -> str | None:
        """``sub``: whom the token speaks of (RFC 7519 4.1.2)."""
        return self._members.get("sub")

    @property
    def audience(self) -> tuple[str, ...]:
        """``aud``: for whom the token is meant; empty when the token does not say (RFC 7519 4.1.3)."""
        audience = self._members.get("aud")
        if audience is None:
            return ()
        return (audience,) if isinstance(audience, str) else tuple(audience)

    @property
    def expires_at(self) -> float | None:
        """``exp`` in seconds since the epoch (RFC 7519 4.1.4)."""
        return self._members.get("exp")

    @property
    def not_before(self) -> float | None:
        """``nbf`` in seconds since the epoch (RFC 7519 4.1.5)."""
        return self._members.get("nbf")

    @property
    def issued_at(self) -> float | None:
        """``iat`` in seconds since the epoch (RFC 7519 4.1.6)."""
        return self._members.get("iat")

    @property
    def jwt_id(self) -> str | None:
        """``jti``: the token's own name, unique per issuer (RFC 7519 4.1.7)."""
        return self._members.get("jti")


def raw_members(claims: Claims) -> dict[str, Any]:
    """Return the members themselves, for the checks of this package, which change nothing.

    No attribute of the claims: whatever a caller can reach there must not change what the next caller sees.
    """
    return claims._members
