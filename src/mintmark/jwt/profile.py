"""What one kind of token asks for beyond the general policy: a row of data, and seldom a function.

The profiles themselves are the files of :mod:`mintmark.jwt.profiles`, one per specification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mintmark._discreet import Discreet
from mintmark.errors import InvalidToken

if TYPE_CHECKING:
    from mintmark.jwt.policy import Policy

__all__ = ["Profile"]

Members = Mapping[str, Any]


class Profile(Discreet, frozen=True, eq=False):
    """One kind of token.

    :param name: what people call it, for messages.
    :param typ: the ``typ`` that an issuer writes.
    :param types: what a verifier accepts, as :func:`~mintmark.jwt.policy.media_type` spells it; None: no typ.
    :param required: claims that must be there.
    :param strings: claims that must be strings where they are there.
    :param string_lists: claims that must be lists of strings where they are there.
    :param times: claims that must be times where they are there.
    :param forbidden: claims that must not be there.
    :param rules: what else must hold, as a generator of problems over (claims, policy).
    :param expectation: the type of what the caller must say about each token, if anything (a nonce, …).
    :param matches: the problems of a token compared with that expectation, over (claims, header, expected,
        now, leeway).
    """

    name: str
    typ: str
    types: tuple[str | None, ...]
    required: tuple[str, ...] = ()
    strings: tuple[str, ...] = ()
    string_lists: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    rules: Callable[[Members, Policy], Iterator[InvalidToken]] | None = None
    expectation: type[Any] | None = None
    matches: Callable[[Members, Members, Any, float, float], Iterator[InvalidToken]] | None = None

    def __repr__(self) -> str:
        return f"<Profile {self.name}>"
