"""The cookies of signing in: how named, how long, and how a long one is kept in pieces. Pure.

``__Host-`` and ``Secure`` wherever the application is https: neighbouring hosts can neither read nor set them
(RFC 6265bis 4.1.3). On loopback over http a browser would refuse both, so a plain name stands in there.
"""

from __future__ import annotations

from dataclasses import dataclass

from mintmark.client.sign_in.visit import Cookie, Visit
from mintmark.errors import ConfigurationError

__all__ = ["CookieJar"]

_PIECE = 3800  # browsers keep 4096 bytes of name, value and attributes
_MEND = " Give SignIn a store, so that the browser keeps only the session's name."
_MOST_PIECES = 2  # beyond 8 kB servers refuse the request's header line


@dataclass(frozen=True, slots=True)
class CookieJar:
    """Reads and writes one cookie, in as many pieces as it needs."""

    name: str
    secure: bool

    @classmethod
    def of(cls, name: str, *, secure: bool) -> CookieJar:
        """Return the jar of a cookie with the prefix that fits."""
        return cls(f"__Host-{name}" if secure else name, secure)

    def _piece(self, index: int) -> str:
        return self.name if index == 0 else f"{self.name}.{index}"

    def read(self, visit: Visit) -> str | None:
        """Return the value, put together; None when there is none or a piece is missing."""
        cookies = visit.cookies
        count, _, first = cookies.get(self.name, "").partition("~")
        if count not in map(str, range(1, _MOST_PIECES + 1)):
            return None
        pieces = [first, *(cookies.get(self._piece(index)) for index in range(1, int(count)))]
        whole = "".join(piece for piece in pieces if piece is not None)
        return whole if all(pieces) else None

    def write(self, visit: Visit, value: str, max_age: float) -> tuple[Cookie, ...]:
        """Return the cookies that keep a value; pieces of a longer one before are removed.

        :raises ConfigurationError: it does not fit.
        """
        pieces = [value[start : start + _PIECE] for start in range(0, len(value), _PIECE)]
        if len(pieces) > _MOST_PIECES:
            raise ConfigurationError(
                f"{len(value)} bytes are too many for cookies, which hold {_PIECE * _MOST_PIECES}.{_MEND}"
            )
        pieces[0] = f"{len(pieces)}~{pieces[0]}"
        seconds = max(int(max_age), 1)
        kept = (Cookie(self._piece(n), piece, seconds, self.secure) for n, piece in enumerate(pieces))
        return (*kept, *self._removed(visit, len(pieces)))

    def remove(self, visit: Visit) -> tuple[Cookie, ...]:
        """Return what removes every piece that the browser has."""
        return self._removed(visit, 0)

    def _removed(self, visit: Visit, first: int) -> tuple[Cookie, ...]:
        sent = visit.headers.get("cookie", "").split(";")
        there = {pair.partition("=")[0].strip() for pair in sent}
        names = (self._piece(index) for index in range(first, _MOST_PIECES))
        return tuple(Cookie(name, "", 0, self.secure) for name in names if name in there)
