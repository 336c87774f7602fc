"""Find the token in a request. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mintmark.errors import ErrorCode, MintmarkError

__all__ = [
    "B64TOKEN",
    "Credentials",
    "MalformedCredentials",
    "Request",
    "SimpleRequest",
    "from_authorization",
]

B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
"""What a token may be made of (RFC 6750 2.1)."""


class Request(Protocol):
    """The little that must be known of a request, whatever framework it came through."""

    @property
    def method(self) -> str:
        """The HTTP method."""
        ...

    @property
    def url(self) -> str:
        """Path and query as they came. No origin: behind a proxy it is not to be believed."""
        ...

    def values(self, name: str) -> Sequence[str]:
        """Return every value of a header, in order; the name is given in lower case."""
        ...


class SimpleRequest:
    """A :class:`Request` made of plain values: for tests, gRPC metadata and frameworks without an adapter."""

    __slots__ = ("_headers", "method", "url")

    def __init__(
        self,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        *,
        method: str = "GET",
        url: str = "/",
    ) -> None:
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        self._headers = tuple((name.lower(), value) for name, value in pairs)
        self.method = method
        self.url = url

    def values(self, name: str) -> Sequence[str]:
        """Return every value of a header."""
        return [value for known, value in self._headers if known == name]


@dataclass(frozen=True, slots=True)
class Credentials:
    """A token as it was presented: ``scheme`` is ``bearer`` or ``dpop``."""

    scheme: str
    token: str

    def __repr__(self) -> str:
        return f"Credentials(scheme={self.scheme!r})"


class MalformedCredentials(MintmarkError):
    """The request brings a token in a way that no standard knows: twice, empty or garbled."""

    default_code = ErrorCode.CREDENTIALS_MALFORMED


def from_authorization(request: Request, schemes: Sequence[str] = ("bearer",)) -> Credentials | None:
    """Read the Authorization header (RFC 6750 2.1, RFC 9110 11.6.2); None when it brings no token of ours.

    The scheme's case does not matter. Two headers, or two credentials in one, are refused: which of them
    another part of the service would believe cannot be known (RFC 6750 2).

    :raises MalformedCredentials: two Authorization headers, no token after the scheme, or not one token.
    """
    values = request.values("authorization")
    if not values:
        return None
    if len(values) > 1:
        raise MalformedCredentials(
            "The request has two Authorization headers.", expected=1, actual=len(values)
        )
    scheme, _, rest = values[0].strip(" \t").partition(" ")
    scheme = scheme.lower()
    if scheme not in schemes:
        return None
    token = rest.strip(" ")
    if not B64TOKEN.fullmatch(token):
        raise MalformedCredentials(
            "The Authorization header does not hold exactly one token after its scheme.",
            hint="Send «Authorization: Bearer <token>», nothing before or after it.",
        )
    return Credentials(scheme, token)
