"""The claims of a token, read the quick way and the long way: always the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import Reader
from tokens import AUDIENCE, ISSUER, NOW, access_claims

from mintmark import ACCESS_TOKEN
from mintmark.errors import MalformedToken
from mintmark.jose.encoding import json_encode
from mintmark.jwt.policy import Policy
from mintmark.jwt.reader import MOST_CLAIMS, MOST_LAYOUTS

POLICY = Policy.build(issuer=ISSUER, audience=AUDIENCE, profile=ACCESS_TOKEN, required=("tenant",))


def ordinary(**further: Any) -> dict[str, Any]:
    return access_claims(tenant="t-1", roles=["reader"], **further)


def taught(*tokens: dict[str, Any]) -> Reader:
    """Return a reader that has seen each of these twice in a row."""
    reader = Reader(POLICY)
    for members in tokens:
        for _ in range(2):
            reader.read(json_encode(members), NOW)
    return reader


def read(reader: Reader, payload: bytes) -> Any:
    """Return what comes of it, in a form that can be compared: 1, 1.0 and True are not the same."""
    try:
        members, span = reader.read(payload, NOW)
    except MalformedToken as refused:
        return refused.code, refused.message
    return json.dumps(members), span


def takes_the_quick_way(reader: Reader, members: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> bool:
    payload, asked = json_encode(members), []
    with monkeypatch.context() as patched:
        patched.setattr("mintmark.jwt.reader.json_object", lambda *_: asked.append(1) or dict(members))
        assert reader.read(payload, NOW)[0] == members
    return not asked


@pytest.mark.parametrize(
    "further",
    [
        {},
        {"aud": ["x", AUDIENCE]},
        {"https://example.com/roles": ["a"], "größe": 5, "": "", 'a"b\\': None, "class": 1.5},
        {"cnf": {"jkt": "x"}, "act": {"sub": "a", "act": {"sub": "b"}}},
    ],
)
def test_what_comes_a_third_time_is_read_the_quick_way(
    further: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = taught(ordinary(**further))
    members = ordinary(**further) | {"sub": "somebody else", "jti": "another", "iat": int(NOW) - 5}
    assert takes_the_quick_way(reader, members, monkeypatch)
    assert reader.read(json_encode(members), NOW)[1] == (int(NOW) - 5 - 30.0, members["exp"] + 30.0)


def test_kinds_of_tokens_that_take_turns_are_read_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layout that does not fit costs, so one is taken up when it comes twice in a row."""
    one, other = ordinary(), ordinary(acr="1")
    reader = taught(one)
    assert takes_the_quick_way(reader, one, monkeypatch)
    assert not takes_the_quick_way(reader, other, monkeypatch)
    assert not takes_the_quick_way(reader, one, monkeypatch)
    assert not takes_the_quick_way(reader, one, monkeypatch)
    assert takes_the_quick_way(reader, one, monkeypatch)


def test_an_issuer_that_writes_otherwise_is_read_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, spaced = Reader(POLICY), json.dumps(ordinary()).encode()
    for _ in range(3):
        assert reader.read(spaced, NOW)[1] is not None
    assert not takes_the_quick_way(reader, ordinary(), monkeypatch)


def test_there_is_an_end_to_what_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    layouts = [ordinary(**{f"claim-{number}": 1}) for number in range(MOST_LAYOUTS + 1)]
    reader = taught(*layouts)
    assert not takes_the_quick_way(reader, layouts[-1], monkeypatch)
    for _ in range(2):
        reader.read(json_encode(layouts[0]), NOW)
    assert takes_the_quick_way(reader, layouts[0], monkeypatch)
    many = ordinary(**{f"claim-{number}": 1 for number in range(MOST_CLAIMS)})
    assert not takes_the_quick_way(taught(many), many, monkeypatch)


TEXT = json_encode(ordinary()).decode()
REWRITTEN = {
    "a name twice": TEXT.replace('"sub":', '"sub":"mallory","sub":'),
    "a name twice, the same value": TEXT.replace('"tenant":"t-1"', '"tenant":"t-1","tenant":"t-1"'),
    "an unknown name": TEXT.replace('"sub":', '"x":1,"sub":'),
    "an unknown name twice": TEXT.replace('"sub":', '"x":1,"x":2,"sub":'),
    "an unknown name with nonsense": TEXT.replace('"sub":', '"x":tru,"sub":'),
    "a name that is spelled otherwise": TEXT.replace('"sub":', '"\\u0073ub":'),
    "a name twice, once spelled otherwise": TEXT.replace('"sub":', '"\\u0073ub":"mallory","sub":'),
    "white space": TEXT.replace(",", ", "),
    "white space behind": TEXT + " ",
    "something behind": TEXT + "{}",
    "an escape": TEXT.replace('"t-1"', '"\\u0074-1"'),
    "a lone surrogate": TEXT.replace('"t-1"', '"\\ud800"'),
    "a control character": TEXT.replace('"t-1"', '"t\x01"'),
    "a time with a fraction": TEXT.replace(f'"iat":{int(NOW)}', f'"iat":{int(NOW)}.0'),
    "a time with an exponent": TEXT.replace(f'"iat":{int(NOW)}', f'"iat":{int(NOW)}e0'),
    "a negative time": TEXT.replace(f'"iat":{int(NOW)}', '"iat":-1'),
    "a time as a text": TEXT.replace(f'"iat":{int(NOW)}', f'"iat":"{int(NOW)}"'),
    "a huge time": TEXT.replace(f'"iat":{int(NOW)}', '"iat":99999999999999999999'),
    "another order": json_encode(dict(reversed(ordinary().items()))).decode(),
    "a claim less": json_encode({n: v for n, v in ordinary().items() if n != "jti"}).decode(),
    "another issuer": TEXT.replace(ISSUER, ISSUER + "/"),
    "another audience": TEXT.replace(AUDIENCE, "billing"),
    "null for what is needed": TEXT.replace('"t-1"', "null"),
    "deeper than ordinary": TEXT.replace('["reader"]', "[" * 9 + "]" * 9),
    "deeper than allowed": TEXT.replace('["reader"]', "[" * 99 + "]" * 99),
    "a list": f"[{TEXT}]",
    "half of it": TEXT[: len(TEXT) // 2],
    "nothing": "",
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_S30_a_known_layout_takes_nothing_that_the_long_way_does_not(name: str) -> None:
    assert REWRITTEN[name] != TEXT
    payload = REWRITTEN[name].encode("utf-8")
    reader = taught(ordinary())
    for _ in range(3):
        assert read(reader, payload) == read(Reader(POLICY), payload)
    assert read(reader, TEXT.encode()) == read(Reader(POLICY), TEXT.encode())


PIECES = st.sampled_from(
    ['"', ",", ":", "{", "}", "[", "]", " ", "\\", "0", "-", "e", "null", '"sub":', '"x":1,', "é"]
)


@given(st.integers(0, len(TEXT)), st.integers(0, 3), PIECES)
@settings(max_examples=500)
def test_S30_whatever_is_changed_in_the_text_both_ways_say_the_same(at: int, less: int, more: str) -> None:
    payload = (TEXT[:at] + more + TEXT[at + less :]).encode()
    assert read(taught(ordinary()), payload) == read(Reader(POLICY), payload)
