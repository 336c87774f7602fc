"""Strict base64url and strict JSON: the two encodings that every JOSE object is made of.

Reading is unforgiving, because two readers that disagree about one text are how signatures get bypassed:

- base64url (RFC 4648 5, RFC 7515 2): its own alphabet only, no padding, no white space, and the unused bits
  of the last character are zero, so that one byte string has exactly one spelling.
- JSON (RFC 8259, RFC 7493): UTF-8 without a byte order mark, no member name twice, no NaN or Infinity, no
  lone surrogate, no number that a double or a 64-bit integer cannot hold, and limits on size and depth.

:func:`json_decode` has a fast path. It is taken only where re-encoding the result gives back the very same
bytes: then the text *is* the canonical spelling of the value and cannot hide a second member of one name.
Every other text goes through the strict decoder, so both paths refuse exactly the same.
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Annotated, Any, Final, NoReturn
from uuid import UUID

import msgspec
import orjson
import pybase64

from mintmark.errors import ConfigurationError, ErrorCode, MalformedToken
from mintmark.jose.strict_json import MAX_DEPTH, MAX_INTEGER, MIN_INTEGER, decode_strictly, refuse_json

__all__ = [
    "NOT_ORDINARY",
    "PADDING_AFTER",
    "b64url_decode",
    "b64url_encode",
    "freeze",
    "json_decode",
    "json_encode",
    "json_members",
    "json_object",
    "ordinary_json",
]

MAX_JSON_BYTES: Final = 1 << 20

# --- base64url ---------------------------------------------------------------------------------------------

_ALTERNATIVES: Final = b"-_"
PADDING_AFTER: Final[tuple[Mapping[str, str], ...]] = (
    dict.fromkeys(string.ascii_letters + string.digits + "-_", ""),
    {},
    dict.fromkeys("AQgw", "=="),
    dict.fromkeys("AEIMQUYcgkosw048", "="),
)
"""By how many characters stand in the last group of four (0: all four), and by the last of them: the padding
that the codec wants. What is not here leaves bits unused that are not zero, or is no base64url at all."""


def b64url_encode(data: bytes) -> str:
    """Return ``data`` in base64url without padding (RFC 7515 2)."""
    return pybase64.b64encode_as_string(data, _ALTERNATIVES).rstrip("=")


def b64url_decode(text: str | bytes, *, what: str = "a segment") -> bytes:
    """Return the bytes that ``text`` spells, which must be its only spelling.

    :param what: what is being read, for the message («the header»).
    :raises MalformedToken: with code ``base64url_invalid``.
    """
    if type(text) is not str:
        text = _ascii(text, what)
    # The codec still takes the standard alphabet's "+" and "/" beside ours, and "=" where it belongs.
    if "+" in text or "/" in text:
        _refuse_base64(what)
    if not text:
        return b""
    try:
        return pybase64.b64decode(text + PADDING_AFTER[len(text) & 3][text[-1]], _ALTERNATIVES, True)
    except (LookupError, ValueError):
        _refuse_base64(what)


def _ascii(text: object, what: str) -> str:
    if isinstance(text, str):
        return str(text)
    if not isinstance(text, bytes):
        _refuse_base64(what)
    try:
        return text.decode("ascii")
    except UnicodeDecodeError:
        _refuse_base64(what)


def _refuse_base64(what: str) -> NoReturn:
    raise MalformedToken(
        f"{what} is not base64url without padding (RFC 7515 2)", code=ErrorCode.BASE64URL_INVALID
    ) from None


# --- reading JSON ------------------------------------------------------------------------------------------


def ordinary_json(depth: int, *, null: bool = True) -> Any:
    """Return the type of JSON values that nest no deeper and hold no integer beyond 64 bits.

    :param null: whether the value itself may be null.
    """
    kind: Any = str | Annotated[int, msgspec.Meta(ge=MIN_INTEGER, le=2**63 - 1)] | float | bool
    if depth:
        inner: Any = ordinary_json(depth - 1)
        kind = kind | list[inner] | dict[str, inner]
    return kind | None if null else kind


# Typed, so that the codec itself finds what is deeper or larger than ordinary: that takes the strict path.
_ORDINARY_DEPTH: Final = 4
_fast_decode: Final = msgspec.json.Decoder(ordinary_json(_ORDINARY_DEPTH)).decode
_fast_decode_object: Final = msgspec.json.Decoder(dict[str, ordinary_json(_ORDINARY_DEPTH - 1)]).decode  # type: ignore[misc]
_encode: Final = orjson.dumps
NOT_ORDINARY: Final = (ValueError, TypeError, OverflowError, RecursionError, msgspec.MsgspecError)
"""What the codecs raise where a text is not ordinary."""


def json_decode(
    data: bytes | str,
    *,
    what: str = "the JSON text",
    max_bytes: int = MAX_JSON_BYTES,
    max_depth: int = MAX_DEPTH,
) -> Any:
    """Return the value of a JSON text, which must be unambiguous (see the module).

    :raises MalformedToken: with code ``json_invalid``.
    """
    if type(data) is not bytes:
        data = _utf8(data, what)
    if len(data) > max_bytes:
        refuse_json(what, f"is longer than {max_bytes} bytes")
    if max_depth >= MAX_DEPTH:
        value = _decode_canonical(data)
        if value is not None:
            return value
    return decode_strictly(data, what, max_depth)


def json_object(
    data: bytes | str, what: str = "the JSON text", *, max_bytes: int = MAX_JSON_BYTES
) -> dict[str, Any]:
    """Return the members of a JSON text that must be an object.

    :raises MalformedToken: with code ``json_invalid``.
    """
    if type(data) is bytes and len(data) <= max_bytes:
        try:
            members: dict[str, Any] = _fast_decode_object(data)
            if _encode(members) == data:
                return members
        except NOT_ORDINARY:
            pass  # the strict decoder says what is wrong
    value = json_decode(data, what=what, max_bytes=max_bytes)
    if type(value) is not dict:
        refuse_json(what, "is not a JSON object")
    return value


def json_members(
    data: Mapping[str, Any] | bytes | str, *, what: str = "the JSON text", max_bytes: int = MAX_JSON_BYTES
) -> dict[str, Any]:
    """Return the members of an object that comes as JSON text, or as what another decoder made of one.

    A decoder that is lax about depth, numbers and sizes leaves us with values that no text of ours can hold;
    they are refused as the text would have been.

    :raises MalformedToken: with code ``json_invalid``.
    """
    if isinstance(data, Mapping):
        try:
            data = json_encode(data)
        except ConfigurationError as refused:
            raise MalformedToken(f"{what}: {refused.message}", code=ErrorCode.JSON_INVALID) from None
    return json_object(data, what=what, max_bytes=max_bytes)


def _decode_canonical(data: bytes) -> Any:
    """Return the value of a text that is its canonical spelling and ordinary; else None."""
    try:
        value = _fast_decode(data)
        if _encode(value) == data:
            return value
    except NOT_ORDINARY:
        pass  # the strict decoder says what is wrong
    return None


def _utf8(data: object, what: str) -> bytes:
    if isinstance(data, str):
        try:
            return data.encode("utf-8")
        except UnicodeEncodeError:
            refuse_json(what, "has a lone surrogate")
    if not isinstance(data, bytes | bytearray | memoryview):
        refuse_json(what, "is neither text nor bytes")
    return bytes(data)


# --- writing JSON ------------------------------------------------------------------------------------------

_TOO_DEEP: Final = MAX_DEPTH + 1
# What is spelled one way whatever its value; an integer may be too large, a float no number.
_SAFE: Final = frozenset((str, bool, type(None)))
# The codec would find forms for these. What it then takes, it spells one way.
_NO_GUESSES: Final = (
    orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
)


def json_encode(value: Any) -> bytes:
    """Return ``value`` as compact UTF-8 JSON; the same value gives the same bytes.

    Takes what JSON has: mappings with text names, lists and tuples, text, finite numbers, integers of at most
    64 bits, booleans and None; an enumeration's member as its value, a UUID as its text (RFC 9562 4). Never
    guesses what a date or a byte string should become.

    :raises ConfigurationError: when there is anything else inside.
    """
    try:
        text = _encode(value, None, _NO_GUESSES)
        # It writes null for NaN, too, and nests deeper than we read. These two methods find that out soonest:
        # ``in`` and ``count`` go octet by octet, and take longer than all the encoding.
        flatter = len(text.replace(b"[", b"", _TOO_DEEP)) + len(text.replace(b"{", b"", _TOO_DEEP))
        if 2 * len(text) - flatter <= MAX_DEPTH and not text.rpartition(b"null")[1]:
            return text
    except TypeError:  # a subclass of what JSON has, or nothing that has a form
        pass
    plain = _plain(value, MAX_DEPTH)
    try:
        return _encode(plain)
    except TypeError:
        raise ConfigurationError("a value holds a lone surrogate") from None


def _plain(value: Any, depth: int) -> Any:
    """Return ``value`` in the types that the encoder spells one way only."""
    kind = type(value)
    if kind in _SAFE:
        return value
    if kind is int:
        if not MIN_INTEGER <= value <= MAX_INTEGER:
            raise ConfigurationError("a value holds an integer beyond 64 bits")
        return value
    if kind is float:
        if not math.isfinite(value):
            raise ConfigurationError("JSON has no NaN and no Infinity (RFC 8259 6)")
        return value
    if isinstance(value, Enum):
        return _plain(value.value, depth)
    if isinstance(value, UUID):
        return str(value)
    for base in (str, int, float):  # subclasses
        if isinstance(value, base):
            return _plain(base(value) if base is not str else str.__str__(value), depth)
    if not isinstance(value, Mapping | list | tuple):
        raise ConfigurationError(f"{kind.__name__} has no JSON form; convert it first")
    if depth == 0:
        raise ConfigurationError(f"a value is nested deeper than {MAX_DEPTH}")
    if isinstance(value, Mapping):
        return _plain_members(value, depth - 1)
    return [item if type(item) in _SAFE else _plain(item, depth - 1) for item in value]


def _plain_members(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, item in value.items():
        if type(name) is not str:
            raise ConfigurationError("a JSON member name is text")
        members[name] = item if type(item) in _SAFE else _plain(item, depth)
    return members


# --- immutable values --------------------------------------------------------------------------------------


def freeze(value: Any) -> Any:
    """Return a decoded JSON value that nobody can change: mappings read-only, lists as tuples.

    What is handed to a caller and kept for the next one (a cached header) goes through here.
    """
    if isinstance(value, dict):
        return MappingProxyType({name: freeze(item) for name, item in value.items()})
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(freeze(item) for item in value)
    return value
