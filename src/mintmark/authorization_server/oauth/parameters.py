"""Request parameters: a query or a form, read once, strictly.

A repeated parameter is refused, an empty one counts as absent, an unknown one is ignored (OAuth 2.1
"Authorization Endpoint", "Token Endpoint"). ``resource`` and ``audience`` are the two that may be repeated
(RFC 8707 2, RFC 8693 2.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import overload
from urllib.parse import unquote_to_bytes

from mintmark.authorization_server.oauth.errors import InvalidRequest

__all__ = ["LARGEST_FORM", "Parameters", "form_decoded"]

LARGEST_FORM = 64 * 1024
_MOST_PARAMETERS = 100
_NAME = re.compile(r"[a-z_]{1,40}")  # what may be repeated in messages and logs
_REPEATABLE = frozenset({"resource", "audience"})


class Parameters:
    """The parameters of one request; a missing one is ``None`` from :meth:`get`."""

    __slots__ = ("_repeatable", "_values", "text")

    def __init__(self, pairs: Iterable[tuple[str, str]] = (), text: str = "") -> None:
        """Take pairs, and the text that they came from: our pages carry it on.

        :raises InvalidRequest: when a parameter that must be single is repeated.
        """
        self.text = text
        values: dict[str, str] = {}
        repeatable: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            if name in _REPEATABLE:
                if value:
                    repeatable[name] = (*repeatable.get(name, ()), value)
            elif name in values:
                known = f"the parameter {name}" if _NAME.fullmatch(name) else "a parameter"
                raise InvalidRequest(f"{known} is repeated")
            else:
                values[name] = value
        if "" in values.values():
            values = {name: value for name, value in values.items() if value}
        self._values = values
        self._repeatable = repeatable

    @classmethod
    def parse(cls, text: bytes) -> Parameters:
        """Read ``application/x-www-form-urlencoded`` text.

        :raises InvalidRequest: not UTF-8 inside, too many parameters, a repeated one, or a control character.
        """
        if text.count(b"&") >= _MOST_PARAMETERS:
            raise InvalidRequest(f"there are more than {_MOST_PARAMETERS} parameters")
        pairs = []
        try:
            spelt = text.decode("ascii")
            for field in spelt.split("&"):
                if field:
                    name, _, value = field.partition("=")
                    pairs.append((form_decoded(name), form_decoded(value)))
        except UnicodeDecodeError:
            raise InvalidRequest("the parameters are not percent-encoded UTF-8") from None
        if "\x00" in spelt or "%00" in spelt:
            raise InvalidRequest("a parameter holds a null character")
        return cls(pairs, spelt)

    def every(self, name: str) -> tuple[str, ...]:
        """Return all values of a parameter that may be repeated."""
        return self._repeatable.get(name, ())

    def required(self, name: str) -> str:
        """Return the value of ``name``.

        :raises InvalidRequest: when it is absent or empty.
        """
        if value := self._values.get(name):
            return value
        raise InvalidRequest(f"the parameter {name} is missing")

    def words(self, name: str) -> tuple[str, ...]:
        """Return a space-separated list without doubles, in order."""
        return tuple(dict.fromkeys([word for word in self.get(name, "").split(" ") if word]))

    @overload
    def get(self, name: str) -> str | None: ...

    @overload
    def get(self, name: str, default: str) -> str: ...

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the value of ``name``, or ``default`` when it is absent or empty."""
        return self._values.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __repr__(self) -> str:
        return f"Parameters({', '.join(sorted((*self._values, *self._repeatable)))})"  # names only


def form_decoded(text: str) -> str:
    """Read what a form has encoded (URL standard, 5.1).

    :raises UnicodeDecodeError: not UTF-8.
    """
    if "%" not in text and "+" not in text:
        return text
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
