"""The strict reader of JSON, which every text goes through that is not its own canonical spelling.

Built on the standard library's scanner, whose laxities are closed one by one: names twice, NaN, numbers out
of range, lone surrogates, other encodings, and nesting (looked at before the scanner recurses).
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn

from mintmark.errors import ErrorCode, MalformedToken

__all__ = ["MAX_DEPTH", "MAX_INTEGER", "MIN_INTEGER", "decode_strictly", "refuse_json"]

MAX_DEPTH: Final = 64
MIN_INTEGER: Final = -(2**63)
MAX_INTEGER: Final = 2**64 - 1

# A whole string (to its end or the end of the text, so that the scan is linear), or a bracket outside of one.
_BRACKETS: Final = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def decode_strictly(data: bytes, what: str, max_depth: int) -> Any:
    """Return the value of a JSON text that has one reading only.

    :raises MalformedToken: with code ``json_invalid``.
    """
    value, reason = _read(data, max_depth)
    if reason is not None:  # raised here, where no exception is left that holds the text: it may be a secret
        refuse_json(what, reason)
    return value


def _read(data: bytes, max_depth: int) -> tuple[Any, str | None]:
    """Return the value, or why there is none."""
    try:
        text = data.decode("utf-8")
        if _depth(text, max_depth) > max_depth:
            return None, f"is nested deeper than {max_depth}"
        value = _STRICT.decode(text)
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(value, ensure_ascii=False).encode()  # refuses lone surrogates
    except _RefusedError as refused:
        return None, str(refused)
    except UnicodeDecodeError:
        return None, "is not UTF-8 (RFC 8259 8.1)"
    except ValueError:  # JSONDecodeError, UnicodeEncodeError
        return None, "is not valid JSON (RFC 8259)"
    return value, None


def _depth(text: str, limit: int) -> int:
    """Return how deep the brackets nest, or something above ``limit`` once that is passed."""
    depth = deepest = 0
    for match in _BRACKETS.finditer(text):
        mark = text[match.start()]
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if depth > limit:
                break
        elif mark in "]}":
            depth -= 1
    return deepest


class _RefusedError(ValueError):
    """Well-formed, but ambiguous or out of range; the text says which."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RefusedError("names a member twice (RFC 7515 4, RFC 7493 2.3)")
    return members


def _integer(digits: str) -> int:
    # with a sign, 20 characters hold every 64-bit integer; what is longer is not even converted
    if len(digits) <= 20 and MIN_INTEGER <= (number := int(digits)) <= MAX_INTEGER:
        return number
    raise _RefusedError("has an integer of more digits than 64 bits hold (RFC 7493 2.2)")


def _float(digits: str) -> float:
    number = float(digits)
    mantissa = digits.lower().partition("e")[0]
    if math.isinf(number) or (number == 0 and mantissa.strip("-0.")):
        raise _RefusedError("has a number that a double cannot hold (RFC 7493 2.2)")
    return number


def _constant(name: str) -> NoReturn:
    raise _RefusedError(f"has {name}, which is not JSON (RFC 8259 6)")


_STRICT: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def refuse_json(what: str, reason: str) -> NoReturn:
    """Raise MalformedToken for a JSON text."""
    raise MalformedToken(f"{what} {reason}", code=ErrorCode.JSON_INVALID) from None
