"""base64url has one spelling per byte string, and JSON one reading per text; all else is refused."""

from __future__ import annotations

import base64
import json
import math
import re
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mintmark.errors import ConfigurationError, ErrorCode, MalformedToken
from mintmark.jose.encoding import (
    _plain,
    b64url_decode,
    b64url_encode,
    freeze,
    json_decode,
    json_encode,
    json_object,
)
from mintmark.jose.strict_json import MAX_DEPTH, decode_strictly
from vectors import ROOT, needs_vectors

# --- base64url ---------------------------------------------------------------------------------------------


@given(st.binary(max_size=200))
def test_bytes_come_back(data: bytes) -> None:
    text = b64url_encode(data)
    assert re.fullmatch(r"[A-Za-z0-9_-]*", text)
    assert b64url_decode(text) == data
    assert b64url_decode(text.encode()) == data


@given(st.text(alphabet="AQgwEIMUYckos048-_+/= \n.\x00é", max_size=12) | st.text(max_size=12))
@example("QQ==")
@example("QR")
@example("QUJ")
@example("A")
def test_S35_only_the_one_spelling_is_taken(text: str) -> None:
    if is_the_one_spelling(text):
        assert b64url_encode(b64url_decode(text)) == text
    else:
        with pytest.raises(MalformedToken) as caught:
            b64url_decode(text)
        assert caught.value.code == ErrorCode.BASE64URL_INVALID


def is_the_one_spelling(text: str) -> bool:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        return False
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text


@pytest.mark.parametrize("value", [None, 7, ["QQ"], b"Q\xff", "QＱ", bytearray(b"QQ")])
def test_what_is_not_ascii_text_is_refused(value: Any) -> None:
    with pytest.raises(MalformedToken):
        b64url_decode(value)


# --- reading JSON ------------------------------------------------------------------------------------------

# RFC 8259 lets names repeat; RFC 7515 4 and RFC 7519 4 let us refuse that, and we do.
DUPLICATES = ("y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json")


@needs_vectors
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.stem) for path in sorted(ROOT.glob("json-test-suite/test_parsing/*.json"))],
)
def test_json_test_suite(path: Any) -> None:
    data = path.read_bytes()
    if path.name.startswith("y_") and path.name not in DUPLICATES:
        assert json_decode(data) == json.loads(data)
    else:
        with pytest.raises(MalformedToken) as caught:
            json_decode(data)
        assert caught.value.code == ErrorCode.JSON_INVALID


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"alg":"HS256","alg":"none"}', "twice"),
        (b'{"a":{"b":1,"\\u0062":2}}', "twice"),
        (b'{"a":1,"b":2,"a":1}', "twice"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b'{"a":1e400}', "double"),
        (b'{"a":1e-400}', "double"),
        (b'{"a":' + b"9" * 20 + b"}", "digits"),
        (b"[" + b"9" * 20 + b"]", "digits"),
        (b'{"a":[1,-' + b"9" * 20 + b"]}", "digits"),
        (b'{"a":' + b"1" * 100_000 + b"}", "digits"),
        (b"9" * 20, "digits"),
        ('{"a":"\ud800"}', "surrogate"),
        (b'{"a":"\\ud800"}', "valid"),
        (b'{"a\\udfff":1}', "valid"),
        (b'\xef\xbb\xbf{"a":1}', "valid"),
        ('{"a":1}'.encode("utf-16"), "UTF-8"),
        ('{"a":1}'.encode("utf-32-le"), "valid"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"a":1} x', "valid"),
        (b"{'a':1}", "valid"),
        (b"", "valid"),
        (b"[" * 65 + b"]" * 65, "deeper"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "deeper"),
        (b" " * (1 << 20) + b"1", "longer"),
    ],
)
def test_S30_S37_S38_ambiguous_or_huge_json_is_refused(text: bytes | str, reason: str) -> None:
    with pytest.raises(MalformedToken, match=reason) as caught:
        json_decode(text)
    assert caught.value.code == ErrorCode.JSON_INVALID


@pytest.mark.parametrize("value", ["[]", "1", '"x"', "null", "true"])
def test_a_header_or_claims_set_is_an_object(value: str) -> None:
    with pytest.raises(MalformedToken, match="object"):
        json_object(value)


def test_what_is_at_the_limits_is_taken() -> None:
    assert json_decode("[" * 64 + "]" * 64)
    assert json_decode('{"a":18446744073709551615}') == {"a": 2**64 - 1}
    assert json_decode('{"a":[-9223372036854775808]}') == {"a": [-(2**63)]}
    assert json_decode('{"a":"' + "9" * 30 + '"}') == {"a": "9" * 30}
    assert json_decode(' { "a" : [ 1 , 2.5e1 , "\\u00e9" ] } ') == {"a": [1, 25.0, "é"]}
    assert json_decode('{"a":"[[[' + "[" * 1000 + '"}') == {"a": "[[[" + "[" * 1000}
    assert json_decode("-0.0") == 0.0


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 400_000, "[" + '"\\' * 400_000, '"' * 800_000, "\\" * 800_000, "{[" * 400_000]
)
def test_S38_a_scan_takes_linear_time(text: str) -> None:
    started = time.process_time()
    with pytest.raises(MalformedToken):
        json_decode(text)
    assert time.process_time() - started < 5


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def strictly(data: bytes) -> Any:
    return decode_strictly(data, "the text", 64)


def outcome(read: Any, data: bytes) -> Any:
    """Return what a reader makes of a text, in a form that tells 1 from 1.0 and True."""
    try:
        return repr(read(data))
    except MalformedToken as error:
        return error.code


@given(json_values)
def test_json_comes_back(value: Any) -> None:
    value = json.loads(json.dumps(value))  # what JSON can say of it
    try:
        text = json_encode(value)
    except ConfigurationError:
        assert re.search(r"ud[89a-f]", json.dumps(value))
    else:
        assert json_decode(text) == value
        assert json_encode(json_decode(text)) == text


@given(json_values, st.booleans(), st.booleans())
def test_the_fast_path_reads_as_the_strict_one(value: Any, ascii_only: bool, spaced: bool) -> None:
    separators = None if spaced else (",", ":")
    data = json.dumps(value, ensure_ascii=ascii_only, separators=separators).encode("utf-8", "surrogatepass")
    assert outcome(json_decode, data) == outcome(strictly, data)


FRAGMENTS = (
    *'{}[]:,"-+.eE \t\n\\/',
    *(
        "0",
        "1",
        "9" * 10,
        "9" * 20,
        "true",
        "false",
        "null",
        "NaN",
        '"a"',
        '"b"',
        '"a":1',
        '{"a":1,',
        "\\u0061",
    ),
    *("\\ud800", "é", "\ufeff", "1e400", "1E-400", "-0", "0.0", "12345678901234567890"),
)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join) | st.text(max_size=30))
@example('{"a":1,"b":2,"a":3}')
@example('{"a":1,"a" :2}')
@example("[123456789012345678901]")
@example("[18446744073709551615]")
@example("[18446744073709551616]")
@example("[-9223372036854775808]")
@example('{"a":-9223372036854775809}')
@example("123456789012345678901")
@example('{"a":-123456789012345678901}')
@example("1" * 400)
def test_S30_the_fast_path_refuses_exactly_what_the_strict_one_refuses(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    assert outcome(json_decode, data) == outcome(strictly, data)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_our_refusal(data: bytes) -> None:
    assert outcome(json_decode, data) == outcome(strictly, data)


# --- writing JSON ------------------------------------------------------------------------------------------


class Colour(StrEnum):
    RED = "red"


class Number(IntEnum):
    SEVEN = 7


class Level(Enum):
    LOW = "low"
    HIGH = (1, {"a": Number.SEVEN})
    ENDLESS = math.inf


class Pair(NamedTuple):
    left: int
    right: str


@dataclass
class Box:
    inside: int = 1


def lists_around(value: Any, count: int) -> Any:
    for _ in range(count):
        value = [value]
    return value


nested = lists_around(0, MAX_DEPTH + 1)


@pytest.mark.parametrize(
    "value",
    [
        {"a": math.nan},
        {"a": [math.inf]},
        {1: "a"},
        {"a": {None: 1}},
        {"a": b"bytes"},
        {"a": {1, 2}},
        {"a": datetime(2026, 11, 28)},
        {"a": Box()},
        {"a": Level.ENDLESS},
        {"a": nested},
        {"a": object()},
        {"a": 10**20},
        {"a": 2**64},
        {"a": [-(2**63) - 1]},
        {"a": [10**400]},
        {"a": "\ud800"},
        {"\ud800": 1},
        msgspec.UNSET,
    ],
)
def test_what_json_cannot_say_is_the_callers_mistake(value: Any) -> None:
    with pytest.raises(ConfigurationError):
        json_encode(value)


odd_scalars = st.sampled_from(
    [
        *(*Level, Pair(1, "null"), Box(), "null", "[[{{" * MAX_DEPTH, nested, nested[0], OrderedDict(a=1)),
        *(b"bytes", bytearray(b"x"), memoryview(b"x"), datetime(2026, 11, 28), UUID(int=7), Decimal("1.5")),
        *(Colour.RED, Number.SEVEN, math.nan, math.inf, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1),
        *("\ud800", "é", True, None, 1.5, -0.0, 1e300, {1, 2}, frozenset("a"), (), ("a",), object),
    ]
)
names = st.text(max_size=3) | st.sampled_from([Colour.RED, 1, None, b"a", 1.5, ("a",)])
any_objects = st.dictionaries(
    names,
    st.recursive(
        odd_scalars | st.text(max_size=4) | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=2),
    ),
    max_size=4,
)


@given(any_objects)
@example({"a": ["x", Colour.RED]})
@example({"a": ["x", {"b": {1}}]})
@example({"a": "x", "b": [], "c": 1, "d": None})
@example({"a": lists_around(UUID(int=7), MAX_DEPTH - 1)})
@example({"a": lists_around(Colour.RED, MAX_DEPTH - 1)})
@example({"a": lists_around(Level.LOW, MAX_DEPTH)})
def test_what_is_written_without_a_second_look_is_what_the_second_look_gives(value: Any) -> None:
    def outcome_of(write: Any) -> Any:
        try:
            return write()
        except ConfigurationError as error:
            return error.message
        except TypeError:
            return "a value holds a lone surrogate"

    written = outcome_of(lambda: json_encode(value))
    assert written == outcome_of(lambda: orjson.dumps(_plain(value, MAX_DEPTH)))
    if isinstance(written, bytes):
        assert json_encode(json_object(written)) == written


def test_what_has_one_form_only_is_written_in_it() -> None:
    uuid = UUID("f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
    members = {"jti": uuid, "level": Level.HIGH, "amr": (Colour.RED, "pwd"), "acr": None}
    assert json_encode(members) == (
        b'{"jti":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6","level":[1,{"a":7}],"amr":["red","pwd"],"acr":null}'
    )


def test_a_value_that_contains_itself_is_refused() -> None:
    value: dict[str, Any] = {}
    value["a"] = [value]
    with pytest.raises(ConfigurationError):
        json_encode(value)


def test_writing_is_compact_utf8_in_the_given_order() -> None:
    frozen = freeze({"z": [1, {"é": None}], "a": 1.5, "t": (True,)})
    assert json_encode(frozen) == '{"z":[1,{"é":null}],"a":1.5,"t":[true]}'.encode()
    assert json_encode(ErrorCode.JSON_INVALID) == b'"json_invalid"'


def test_frozen_values_cannot_be_changed() -> None:
    frozen = freeze({"a": [1, {"b": 2}]})
    with pytest.raises(TypeError):
        frozen["a"] = 1
    with pytest.raises(TypeError):
        frozen["a"][1]["b"] = 3
    assert frozen["a"] == (1, {"b": 2})
