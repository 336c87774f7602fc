"""The signed snapshot of a deny log: what ``GET /revocations/snapshot`` of mintmark's server answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mintmark.errors import InvalidToken
from mintmark.jwt.checks import is_time, malformed
from mintmark.jwt.policy import Policy, media_type
from mintmark.jwt.profile import Profile

__all__ = ["REVOCATIONS"]


def _is_entry(entry: Any) -> bool:
    # a later issuer may deny other kinds of things: the reader skips what it does not know
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("kind"), str)
        and isinstance(entry.get("value"), str)
        and is_time(entry.get("exp"))
    )


def _lists_entries(claims: Mapping[str, Any], policy: Policy) -> Iterator[InvalidToken]:
    sequence = claims.get("seq")
    if sequence is not None and (not isinstance(sequence, int) or isinstance(sequence, bool) or sequence < 0):
        yield malformed("seq", "a sequence number", sequence)
    entries = claims.get("entries")
    if entries is not None and not (isinstance(entries, list) and all(map(_is_entry, entries))):
        yield malformed("entries", "a list of deny entries", entries)


REVOCATIONS: Final = Profile(
    name="revocation snapshot",
    typ="revocations+jwt",
    types=(media_type("revocations+jwt"),),
    required=("iss", "iat", "exp", "seq", "entries"),
    rules=_lists_entries,
)
"""A snapshot names no audience: ``Verifier(issuer=…, audience=UNCHECKED, keys=…, profile=REVOCATIONS)``."""
