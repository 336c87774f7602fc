"""What an issuer has revoked and some living token could still match. In memory, constant work, bounded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from mintmark.errors import FetchFailed
from mintmark.jwt.policy import MAX_LEEWAY

if TYPE_CHECKING:
    from mintmark.jwt.claims import Claims

__all__ = ["KINDS", "DenyList", "Entry"]

KINDS = {
    "jti": "its number (jti) is on the list of its issuer",
    "sid": "its sign-in has ended",
    "grant_id": "its grant has ended",
    "sub": "everything that the person held has been revoked",
    "client_id": "its client has been shut out",
    "kid": "the key that signed it has been revoked",
}
"""What an entry names, and what is said of a token that it matches."""

_LIMITED = ("sub", "client_id")  # who may come back, with tokens that are meant to work
_LONGEST = 1024  # characters of a value
_LINGER = MAX_LEEWAY  # seconds: a verifier may take a token for so long after it has expired


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the issuer's deny log.

    :param exp: when the last token that it could match has expired: then it dies.
    :param before: for ``sub`` and ``client_id``: only tokens issued before this time are meant.
    """

    kind: str
    value: str
    exp: float
    before: float | None = None

    @classmethod
    def read(cls, members: Any) -> Entry | None:
        """Read an entry; None for a kind that a later issuer invented.

        :raises FetchFailed: it is no entry at all.
        """
        if not isinstance(members, Mapping):
            raise FetchFailed("An entry of the deny list is not an object.")
        kind, value, exp, before = (members.get(name) for name in ("kind", "value", "exp", "before"))
        if not isinstance(kind, str) or kind not in KINDS:
            return None
        if not isinstance(value, str) or len(value) > _LONGEST or not _is_time(exp):
            raise FetchFailed("An entry of the deny list is malformed.", claim=kind)
        if kind not in _LIMITED or before is None:
            return cls(kind, value, float(exp))
        if not _is_time(before):
            raise FetchFailed("An entry of the deny list is malformed.", claim="before")
        return cls(kind, value, float(exp), float(before))


class DenyList:
    """Entries by kind and value. One thread writes; any number may read meanwhile without a lock.

    :param most: how many entries are kept; more than that is refused, never silently forgotten.
    """

    def __init__(self, most: int = 1_000_000) -> None:
        self._entries: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}
        self._most = most

    def __len__(self) -> int:
        return sum(map(len, self._entries.values()))

    def add(self, entries: Iterable[Entry], *, now: float) -> None:
        """Take entries in; the dead are left out, of two for one value the one that reaches further stays.

        :raises FetchFailed: there are more than the list may hold.
        """
        for entry in entries:
            if entry.exp + _LINGER <= now:
                continue
            known = self._entries[entry.kind].get(entry.value)
            self._entries[entry.kind][entry.value] = entry if known is None else _wider(known, entry)
            if len(self) > self._most:
                raise FetchFailed(f"The deny list is longer than {self._most} entries.", expected=self._most)

    def expire(self, now: float) -> None:
        """Drop the entries whose last token is refused by every verifier for its age."""
        for entries in self._entries.values():
            for value in [value for value, entry in entries.items() if entry.exp + _LINGER <= now]:
                del entries[value]

    def reason(self, claims: Claims) -> str | None:
        """Return why a token is revoked, or None."""
        for kind, entries in self._entries.items():
            if not entries:
                continue
            value = claims.key.kid if kind == "kid" else claims.get(kind)
            entry = entries.get(value) if isinstance(value, str) else None
            if entry is not None and _meant(entry, claims):
                return KINDS[kind]
        return None


def _wider(one: Entry, other: Entry) -> Entry:
    no_limit = one.before is None or other.before is None
    before = None if no_limit else max(one.before or 0.0, other.before or 0.0)
    return Entry(one.kind, one.value, max(one.exp, other.exp), before)


def _meant(entry: Entry, claims: Claims) -> bool:
    """Leave out tokens of a person or a client that were issued after all earlier ones were revoked."""
    if entry.before is None:
        return True
    issued_at = claims.issued_at
    return issued_at is None or issued_at < entry.before


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
