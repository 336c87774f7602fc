"""Token Status List (draft-ietf-oauth-status-list): one bit pattern says of very many tokens how they stand.

A token carries a :class:`StatusReference` in its ``status`` claim; the list that it points to is a signed
token of its own (``typ`` ``statuslist+jwt``), whose ``sub`` is the address it is fetched from::

    reference = StatusReference.of(claims)
    answer = lists.verify(fetched, expected=reference)     # Verifier(..., profile=STATUS_LIST)
    StatusList.of(answer).status(reference.index)          # Status.VALID
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, Self, TypeGuard

from mintmark.errors import ConfigurationError, ExpiredToken, InvalidClaim, InvalidToken, MintmarkError
from mintmark.jose.encoding import b64url_decode, b64url_encode
from mintmark.jwt.checks import is_time, malformed, shown
from mintmark.jwt.policy import Policy, media_type
from mintmark.jwt.profile import Profile

__all__ = ["STATUS_LIST", "Status", "StatusList", "StatusReference"]

_WIDTHS: Final = (1, 2, 4, 8)
_LARGEST: Final = 16 * 1024 * 1024  # bytes of a list that comes from elsewhere, once inflated


class Status(IntEnum):
    """The status types with a registered meaning (7.1); other values mean what the application says."""

    VALID = 0
    INVALID = 1  # for good: revoked
    SUSPENDED = 2  # for now
    APPLICATION_SPECIFIC = 3


@dataclass(frozen=True, slots=True)
class StatusReference:
    """Where a token's status stands: in which list, at which place (6.1)."""

    uri: str
    index: int

    @classmethod
    def of(cls, claims: Mapping[str, Any]) -> Self | None:
        """Return what the ``status`` claim points to; None for a token without ``status_list`` in it.

        :raises InvalidClaim: the claim is there, but cannot be understood.
        """
        status = claims.get("status")
        if status is None:
            return None
        if not isinstance(status, Mapping):
            raise malformed("status", "an object", status)
        if "status_list" not in status:
            return None  # another mechanism of the same claim
        reference = status["status_list"]
        uri = reference.get("uri") if isinstance(reference, Mapping) else None
        index = reference.get("idx") if isinstance(reference, Mapping) else None
        if not isinstance(uri, str) or not uri or not _is_index(index):
            raise malformed("status", "a status_list with idx and uri", reference)
        return cls(uri, index)

    def to_claim(self) -> dict[str, Any]:
        """Return the value of the ``status`` claim."""
        return {"status_list": {"idx": self.index, "uri": self.uri}}


@dataclass(frozen=True, slots=True)
class StatusList:
    """Statuses of ``bits`` bits each, packed from the lowest bit of each byte upwards (4.1)."""

    bits: int
    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.bits not in _WIDTHS:
            raise ConfigurationError(
                "a status has 1, 2, 4 or 8 bits", expected=list(_WIDTHS), actual=self.bits
            )

    @classmethod
    def build(cls, size: int, statuses: Mapping[int, int], *, bits: int = 1) -> Self:
        """Return a list of at least ``size`` statuses: the given ones, and ``VALID`` for the rest.

        :raises ConfigurationError: an index or a status that does not fit in.
        """
        empty = cls(bits, b"")
        return cls(bits, bytes((size * empty.bits + 7) // 8)).replace(statuses)

    @classmethod
    def of(cls, claims: Mapping[str, Any], *, largest: int = _LARGEST) -> Self:
        """Return the list in the ``status_list`` claim of a verified status list token (4.2).

        :param largest: bytes that it may have when inflated; a longer one is refused unread.
        :raises InvalidClaim: not a status list, or too large.
        """
        claim = claims.get("status_list")
        bits = claim.get("bits") if isinstance(claim, Mapping) else None
        text = claim.get("lst") if isinstance(claim, Mapping) else None
        if (
            not isinstance(bits, int)
            or isinstance(bits, bool)
            or bits not in _WIDTHS
            or not isinstance(text, str)
        ):
            raise malformed("status_list", "a status list with bits and lst", claim)
        return cls(bits, _inflate(text, largest))

    def __len__(self) -> int:
        return len(self.data) * 8 // self.bits

    def status(self, index: int) -> int:
        """Return the status at that place: a :class:`Status` where the value has a registered meaning.

        :raises InvalidClaim: the list does not reach so far: the token's status is not known (8.3).
        """
        if not 0 <= index < len(self):
            raise InvalidClaim(
                "The status list has no place for this token",
                claim="status",
                expected=len(self),
                actual=index,
            )
        byte, shift = divmod(index * self.bits, 8)
        value = self.data[byte] >> shift & ((1 << self.bits) - 1)
        return Status(value) if value in _REGISTERED else value

    def replace(self, statuses: Mapping[int, int]) -> Self:
        """Return a list in which these places have these statuses.

        :raises ConfigurationError: an index or a status that does not fit in.
        """
        data = bytearray(self.data)
        mask = (1 << self.bits) - 1
        for index, status in statuses.items():
            if not 0 <= index < len(self) or not 0 <= status <= mask:
                raise ConfigurationError(f"status {status} at {index} does not fit into this status list")
            byte, shift = divmod(index * self.bits, 8)
            data[byte] = data[byte] & ~(mask << shift) & 0xFF | status << shift
        return type(self)(self.bits, bytes(data))

    def to_claim(self, *, aggregation_uri: str | None = None) -> dict[str, Any]:
        """Return the value of the ``status_list`` claim: ZLIB format at its highest level (4.1)."""
        claim: dict[str, Any] = {"bits": self.bits, "lst": b64url_encode(zlib.compress(self.data, 9))}
        if aggregation_uri is not None:
            claim["aggregation_uri"] = aggregation_uri
        return claim


_REGISTERED: Final = frozenset(Status)


def _is_index(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _inflate(text: str, largest: int) -> bytes:
    """Inflate at most ``largest`` bytes of exactly one ZLIB stream (attack O13: a bomb costs nothing)."""
    try:
        packed = b64url_decode(text, what="status list")
        stream = zlib.decompressobj()
        data = stream.decompress(packed, largest + 1)
    except (zlib.error, MintmarkError) as error:
        raise malformed("status_list", "a status list in ZLIB format", "lst") from error
    if len(data) > largest:
        raise malformed("status_list", f"a status list of at most {largest} bytes", "lst")
    if not stream.eof or stream.unused_data:
        raise malformed("status_list", "a status list in ZLIB format", "lst")
    return data


def _is_a_list(claims: Mapping[str, Any], policy: Policy) -> Iterator[InvalidToken]:
    ttl = claims.get("ttl")
    if ttl is not None and not (is_time(ttl) and ttl > 0):
        yield malformed("ttl", "a positive number of seconds", ttl)
    claim = claims.get("status_list")
    if claim is not None and not isinstance(claim, Mapping):
        yield malformed("status_list", "an object", claim)


def _is_the_list_asked_for(
    claims: Mapping[str, Any],
    header: Mapping[str, Any],
    expected: StatusReference,
    now: float,
    leeway: float,
) -> Iterator[InvalidToken]:
    expiry = claims.get("exp")
    if expiry is not None and not now < expiry + leeway:  # 8.3, whatever expires= has waived
        yield ExpiredToken("The status list has expired", claim="exp", actual=expiry, now=now, skew=leeway)
    if claims.get("sub") != expected.uri:  # 8.3: or one list could be given for another
        yield InvalidClaim(
            "The status list is not the one that the token names",
            claim="sub",
            expected=shown(expected.uri),
            actual=shown(claims.get("sub")),
        )


STATUS_LIST: Final = Profile(
    name="status list",
    typ="statuslist+jwt",
    types=(media_type("statuslist+jwt"),),
    required=("sub", "iat", "status_list"),  # 5.1
    times=("exp",),
    rules=_is_a_list,
    expectation=StatusReference,
    matches=_is_the_list_asked_for,
)
"""What a verifier accepts: ``verifier.verify(fetched, expected=reference)``.

The list names no audience and may have no end: ``Verifier(…, audience=UNCHECKED, expires=UNCHECKED)``. Where
it has one, that counts all the same.
``ttl`` says for how many seconds after the fetch it may be used.
"""
