"""What a test has revoked: the shortest possible ``Revocations``."""

from __future__ import annotations

from mintmark.jwt.claims import Claims

__all__ = ["LocalRevocations"]


class LocalRevocations:
    """Tokens that are revoked, by the value of a claim (``jti``, ``sid``, ``sub``, ``client_id`` …).

    Give it to a Verifier or ResourceServer as ``revocations=``.
    """

    __slots__ = ("_revoked",)

    def __init__(self) -> None:
        self._revoked: frozenset[tuple[str, str]] = frozenset()

    def revoke(self, **claims: str) -> None:
        """Refuse from now on every token that has one of these claims: ``revoke(sid="…")``."""
        self._revoked |= claims.items()

    def reason(self, claims: Claims) -> str | None:
        """Return which claim of the token was revoked, or None."""
        for name, value in self._revoked:
            if claims.get(name) == value:
                return name
        return None
