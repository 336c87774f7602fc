"""What a hostile reading of the way to a verified token found: each was broken once, and stays mended."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pytest
from reading import Reader
from tokens import AUDIENCE, EC_KEY, ISSUER, KEY, NOW, access_claims, claims, token, verifier

from mintmark import ACCESS_TOKEN, UNCHECKED, Key
from mintmark.errors import ConfigurationError, InvalidToken
from mintmark.jose import jws
from mintmark.jose.encoding import json_encode
from mintmark.jwt import Profile
from mintmark.jwt.checks import problems
from mintmark.jwt.policy import Policy

GOOD = token()
BROKEN: dict[str, Callable[[str], str]] = {
    "two in one": lambda good: f"{good},{good}",
    "parts too many": lambda good: good + ".x.y",
    "a part too many": lambda good: good + ".x",
    "in front": lambda good: "x." + good,
    "another alphabet": lambda good: good.replace("-", "+").replace("_", "/") + "+",
    "padding": lambda good: good + "=",
    "bits behind": lambda good: good[:-1] + "_",
    "half a signature": lambda good: good[:-20],
    "no signature": lambda good: good.rpartition(".")[0] + ".",
    "a header nobody knows": lambda good: "e30" + good[good.index(".") :],
    "not ASCII": lambda good: good + "é",
}


def _segments(text: str) -> list[str]:
    return [part for piece in text.split(",") for part in piece.split(".") if len(part) > 8]


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("key", [KEY, EC_KEY], ids=["HS256", "ES256"])
def test_O16_no_error_behind_a_refusal_holds_the_token(key: Key, name: str) -> None:
    """What was handled on the way is printed with every traceback."""
    checker, read = verifier(keys=key), jws.verifier_for(key)
    good = token(key=key)
    for verify in (checker.verify, read):
        verify(good)  # its header is known now
        broken = BROKEN[name](good)
        with pytest.raises(InvalidToken) as refused:
            verify(broken)
        told = traceback.TracebackException.from_exception(refused.value)
        while told is not None:
            text = "".join(told.format_exception_only())
            assert not any(part in text for part in _segments(broken))
            told = told.__cause__ or told.__context__  # type: ignore[assignment]


FIRST_TOKENS = """
import sys, threading
from mintmark import ACCESS_TOKEN, Issuer, Key, Verifier

key = Key.generate("HS256")
token = Issuer("i", key).issue(
    subject="s", audience="a", lifetime=60, profile=ACCESS_TOKEN, claims={"client_id": "c"}
)
sys.setswitchinterval(1e-6)

def work(verifier, barrier):
    barrier.wait()
    for _ in range(20):
        verifier.verify(token)

for _ in range(40):
    verifier = Verifier(issuer="i", audience="a", keys=key, profile=ACCESS_TOKEN, cache=None)
    barrier = threading.Barrier(8)
    threads = [threading.Thread(target=work, args=(verifier, barrier)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_the_first_tokens_may_come_in_many_threads_at_once() -> None:
    """Two threads that used a codec's type for the first time ended the process."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST_TOKENS], check=False, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")


OVERLAPPING = [
    Profile(name="own", typ="JWT", types=("application/jwt",), **rows)
    for rows in (
        {"strings": ("aud",)},
        {"string_lists": ("aud",)},
        {"strings": ("exp",)},
        {"strings": ("level",), "times": ("level",)},
        {"strings": ("iss",)},
    )
]


@pytest.mark.parametrize("profile", OVERLAPPING)
def test_a_profile_may_say_several_things_of_one_claim(profile: Profile) -> None:
    policy = Policy.build(issuer=ISSUER, audience=AUDIENCE, profile=profile, typ=UNCHECKED)
    reader = Reader(policy)
    for members in (
        *([claims()] * 3),
        *([claims(aud=[AUDIENCE, "billing"])] * 3),
        *(claims(level=value) for value in (5, "5", None)),
        claims(exp="5"),
    ):
        read, span = reader.read(json_encode(members), NOW)
        assert read == members
        assert span is None or not list(problems(policy, {}, members, NOW))


def test_a_profile_that_wants_one_audience_gets_one_always() -> None:
    checker = verifier(profile=OVERLAPPING[0], typ=UNCHECKED)
    checker.verify(token())
    for _ in range(3):
        with pytest.raises(InvalidToken):
            checker.verify(token(claims(aud=[AUDIENCE, "billing"])))


class Name(StrEnum):
    ISSUER = ISSUER
    AUDIENCE = AUDIENCE
    CLAIM = "sub"


def test_names_may_be_members_of_an_enumeration() -> None:
    checker = verifier(issuer=Name.ISSUER, audience=Name.AUDIENCE, required=(Name.CLAIM,), cache=None)
    for _ in range(3):
        assert checker.verify(GOOD).subject == "alice"
    with pytest.raises(InvalidToken):
        checker.verify(token(claims(sub=...)))


@pytest.mark.parametrize("row", ["required", "strings", "string_lists", "times"])
def test_claims_of_a_profile_may_be_members_of_an_enumeration(row: str) -> None:
    class Claim(StrEnum):
        LEVEL = "level"

    fitting: dict[str, Any] = {"required": 5, "strings": "5", "string_lists": ["5"], "times": 5}
    profile = Profile(name="own", typ="JWT", types=("application/jwt",), **{row: (Claim.LEVEL,)})
    checker = verifier(profile=profile, cache=None)
    for _ in range(4):
        assert checker.verify(token(claims(level=fitting[row])))["level"] == fitting[row]
        with pytest.raises(InvalidToken):
            checker.verify(token(claims(level=None)))


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "\ud800"},
        {"audience": ["orders", "\udfff"]},
        {"typ": "\ud800"},
        {"required": ["\ud800"]},
        {"required": ['a"b']},
        {"required": ["a\\b"]},
        {"required": ["a\nb"]},
        {"required": ["\0"]},
        {"profile": Profile(name="own", typ="JWT", types=(None,), strings=('"',))},
    ],
)
def test_what_no_token_can_say_is_the_callers_mistake(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        verifier(**changes)
    assert "\n" not in refused.value.message


def test_long_tokens_teach_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is learnt stays, so that its size has an end."""
    policy = Policy.build(issuer=ISSUER, audience=AUDIENCE, profile=ACCESS_TOKEN)
    reader, payload = Reader(policy), json_encode(access_claims(**{"x" * 5000: 1}))
    for _ in range(3):
        reader.read(payload, NOW)
    monkeypatch.setattr("mintmark.jwt.reader.json_object", lambda *_: {})
    assert reader.read(payload, NOW) == ({}, None)
