"""S41: the cache never serves another policy, another key set, an expired or a revoked token, nor a result
that a caller has changed."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tokens import AUDIENCE, EC_KEY, ISSUER, KEY, NOW, OTHER_EC_KEY, Clock, Source, claims, token, verifier

from mintmark import Claims, Key, KeySet, Verifier
from mintmark.errors import (
    ConfigurationError,
    ExpiredToken,
    InvalidClaim,
    InvalidToken,
    KeysUnavailable,
    MintmarkError,
    RevokedToken,
)
from mintmark.jose.encoding import b64url_encode, json_encode
from mintmark.jwt.cache import LONGEST_TOKEN, MARK, Memory
from mintmark.jwt.claims import JsonObject
from mintmark.jwt.examiner import KeysNeeded
from mintmark.jwt.nested import encrypt_token

RECIPIENT = Key.generate("ECDH-ES+A128KW")


def remembered(checker: Verifier[Any]) -> int:
    return len(checker._examiner.generation.memory.entries)


def kept(checker: Verifier[Any]) -> set[str]:
    """Return the whole texts of the tokens that are remembered."""
    return {entry[0] for entry in checker._examiner.generation.memory.entries.values()}


def test_S41_a_token_is_verified_once_and_then_remembered() -> None:
    checker = verifier()
    signed = token()
    first = checker.verify(signed)
    assert checker.verify(signed[:20] + signed[20:]) is first
    assert asyncio.run(checker.averify(signed)) is first
    assert remembered(checker) == 1


def test_S41_the_whole_text_is_the_key() -> None:
    checker = verifier()
    signed = token()
    checker.verify(signed)
    for position in range(len(signed)):
        changed = signed[:position] + ("A" if signed[position] != "A" else "B") + signed[position + 1 :]
        with pytest.raises(InvalidToken):
            checker.verify(changed)
    assert remembered(checker) == 1


def test_S41_a_token_is_looked_up_by_its_end_and_found_by_its_whole_text() -> None:
    """Whatever stands before the mark: only the very text that was verified is served."""
    checker = verifier()
    signed = token()
    first = checker.verify(signed)
    header, _, signature = signed.split(".")
    others = [
        f"{header}.{b64url_encode(json_encode(claims(sub='admin')))}.{signature}",
        "A" * (len(signed) - 64) + signed[-64:],
        signed[-64:],
        signed[1:],
        "A" + signed,
        "\N{BOM}" + signed,
        signed * 2,
    ]
    for other in others:
        assert other[MARK] == signed[MARK]
        with pytest.raises(InvalidToken):
            checker.verify(other)
    assert checker.verify("".join(signed)) is first
    assert kept(checker) == {signed}


def test_S41_two_tokens_with_one_mark_displace_each_other_and_are_never_confused() -> None:
    """A signature scheme whose signatures all end alike, and in which every one is good."""
    key = replace(KEY, verify_bytes=lambda message, signature: True)
    checker = verifier(keys=key)
    header = token().partition(".")[0]
    alice, bob = (
        f"{header}.{b64url_encode(json_encode(claims(sub=sub)))}.{'A' * 100}" for sub in ("alice", "bob")
    )
    for _ in range(3):
        assert checker.verify(alice).subject == "alice"
        assert checker.verify(alice) is checker.verify("".join(alice))
        assert checker.verify(bob).subject == "bob"
        assert kept(checker) == {bob}


def test_S41_another_policy_has_a_memory_of_its_own() -> None:
    signed = token()
    verifier().verify(signed)
    with pytest.raises(InvalidClaim):
        verifier(audience="billing").verify(signed)
    with pytest.raises(InvalidClaim):
        verifier(issuer="https://other.example").verify(signed)


def test_S41_P11_a_remembered_token_ends_at_its_exp() -> None:
    clock = Clock()
    checker = verifier(clock=clock)
    signed = token()
    for moment in (NOW, NOW + 629.99):
        clock.now = moment
        assert checker.verify(signed)
    clock.now = NOW + 630
    for _ in range(2):
        with pytest.raises(ExpiredToken):
            checker.verify(signed)
    assert remembered(checker) == 0


def test_S41_max_age_and_nbf_hold_for_remembered_tokens() -> None:
    clock = Clock()
    checker = verifier(clock=clock, max_age=60)
    signed = token(claims(nbf=int(NOW)))
    assert checker.verify(signed)
    clock.now = NOW + 90
    with pytest.raises(InvalidClaim):
        checker.verify(signed)
    clock.now = NOW
    assert checker.verify(signed)
    clock.now = NOW - 31  # a clock that was set back
    with pytest.raises(InvalidClaim):
        checker.verify(signed)


def test_S41_a_new_key_set_forgets_everything() -> None:
    both = KeySet([EC_KEY.public, OTHER_EC_KEY.public])
    source = Source(both)
    checker = verifier(keys=source)
    signed = token(key=EC_KEY)
    checker.verify(signed)
    assert remembered(checker) == 1
    source.generations = [KeySet([OTHER_EC_KEY.public])]
    with pytest.raises(InvalidToken):
        checker.verify(signed)
    source.generations = [both]  # even the same object, coming back, starts empty
    checker.verify(token(key=OTHER_EC_KEY))
    assert remembered(checker) == 1


def test_S41_with_no_keys_at_all_nothing_is_served_from_memory() -> None:
    class Lost(Source):
        def _advance(self, kid: str | None) -> KeySet:
            raise KeysUnavailable("stale for too long")

    source = Lost(KeySet([EC_KEY.public]))
    checker = verifier(keys=source)
    signed = token(key=EC_KEY)
    checker.verify(signed)
    source.generations = [None]
    with pytest.raises(KeysUnavailable):
        checker.verify(signed)


class DenyList:
    """Revocations set by hand."""

    def __init__(self) -> None:
        self.revoked: dict[str, str] = {}
        self.asked = 0
        self.stale = False

    def reason(self, claims: Claims) -> str | None:
        self.asked += 1
        if self.stale:
            raise KeysUnavailable("the deny list is stale")
        return self.revoked.get(claims.subject or "")


def test_S41_O11_revocation_is_asked_on_every_call() -> None:
    denied = DenyList()
    checker = verifier(revocations=denied)
    signed = token()
    for _ in range(3):
        assert checker.verify(signed)
    assert denied.asked == 3
    denied.revoked["alice"] = "signed out"
    with pytest.raises(RevokedToken, match="signed out"):
        checker.verify(signed)
    with pytest.raises(RevokedToken):
        asyncio.run(checker.averify(signed))
    assert [problem.code.value for problem in checker.check(signed)] == ["token_revoked"]
    denied.revoked.clear()
    assert checker.verify(signed)
    denied.stale = True
    with pytest.raises(KeysUnavailable):
        checker.verify(signed)


def test_S41_what_a_caller_does_to_a_result_changes_no_later_one() -> None:
    checker = verifier()
    signed = token(claims(roles=["reader"], address={"country": {"code": "CH"}}, nested=[["a"]]))
    found = checker.verify(signed)
    found["roles"].append("admin")
    found["address"]["country"]["code"] = "XX"
    found["nested"][0].append("b")
    found.to_dict()["roles"].append("admin")
    dict(found)["roles"].append("admin")
    list(found.values())[-1].append("c")
    for value in found.values():
        if isinstance(value, list):
            value.clear()
    again = checker.verify(signed)
    assert again["roles"] == ["reader"]
    assert again["address"] == {"country": {"code": "CH"}}
    assert again["nested"] == [["a"]]


@dataclass
class Person:
    """A mutable model, on purpose."""

    sub: str
    roles: list[str] = field(default_factory=list)
    extra: Any = None


def test_S41_typed_results_are_new_objects_each_time() -> None:
    checker = verifier(into=Person)
    signed = token(claims(roles=["reader"], extra={"a": [1]}))
    first = checker.verify(signed)
    first.roles.append("admin")
    first.extra["a"].append(2)
    first.sub = "mallory"
    assert checker.verify(signed) == Person("alice", ["reader"], {"a": [1]})


def test_S41_a_refused_token_is_not_remembered() -> None:
    checker = verifier()
    for bad in (token(claims(exp=1)), token()[:-4] + "AAAA", token(claims(aud="x"))):
        with pytest.raises(InvalidToken):
            checker.verify(bad)
    assert remembered(checker) == 0


def test_the_memory_is_bounded_and_the_oldest_makes_room() -> None:
    checker = verifier(cache=3)
    texts = [token(claims(jti=str(number))) for number in range(5)]
    for text in texts:
        checker.verify(text)
        checker.verify(text)
    assert kept(checker) == set(texts[2:])


def test_a_full_memory_stays_bounded_whatever_is_forgotten_and_comes_again() -> None:
    clock = Clock()
    checker = verifier(cache=3, clock=clock)
    texts = [token(claims(jti=str(number))) for number in range(6)]
    for turn in range(40):
        clock.now = NOW + 630 * (turn % 2)  # every other time they have expired, and are dropped
        for text in texts[turn % 4 :] + texts[:2]:
            with contextlib.suppress(ExpiredToken):
                checker.verify(text)
        assert remembered(checker) <= 3
    clock.now = NOW
    for text in texts:
        checker.verify(text)
    assert checker.verify(texts[-1]) is checker.verify(texts[-1])


def test_no_memory_at_all_can_be_asked_for() -> None:
    for nothing in (None, 0):
        checker = verifier(cache=nothing)
        signed = token()
        assert checker.verify(signed) is not checker.verify(signed)
        assert remembered(checker) == 0


def test_giant_tokens_are_not_remembered() -> None:
    checker = verifier()
    checker.verify(token(claims(padding="x" * LONGEST_TOKEN)))
    assert remembered(checker) == 0


def test_headers_of_refused_kinds_are_never_remembered_as_good() -> None:
    checker = verifier()
    for _ in range(3):
        with pytest.raises(InvalidToken):
            checker.verify(token(typ="at+jwt"))
        assert checker.verify(token())


def test_many_headers_do_not_grow_without_bound() -> None:
    checker = verifier()
    for number in range(300):
        checker.verify(token(claims(jti=str(number)), x=str(number)))
    assert len(checker._examiner.generation.memory._good_headers) <= 64


def test_threads_share_a_verifier() -> None:
    source = Source(KeySet([EC_KEY.public]))
    checker = verifier(keys=source, cache=8)
    good = [token(claims(jti=str(number)), key=EC_KEY) for number in range(20)]
    bad = [text[:-6] + "AAAAAA" for text in good]
    wrong: list[str] = []

    def work() -> None:
        for turn in range(3):
            for text in good:
                if checker.verify(text)["sub"] != "alice":
                    wrong.append("refused")
            for text in bad:
                try:
                    checker.verify(text)
                    wrong.append("accepted")
                except InvalidToken:
                    pass
            if turn == 1:
                source.generations = [KeySet([EC_KEY.public])]

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert remembered(checker) <= 8


@contextlib.contextmanager
def nothing_left_for_the_collector() -> Iterator[None]:
    """What the block made is gone with its last name, not some time later when cycles are collected."""

    def alive() -> int:
        return sum(type(each) in (Memory, KeysNeeded) for each in gc.get_objects())

    gc.disable()
    try:
        before = alive()
        yield
        assert alive() == before
    finally:
        gc.enable()


def wrapped(nested: bool, text: str) -> tuple[str, dict[str, Any]]:
    """Return the token, encrypted or not, and what a verifier needs to know for it."""
    if not nested:
        return text, {}
    return encrypt_token(text, RECIPIENT.public, enc=None), {"decryption_keys": RECIPIENT}


@pytest.mark.parametrize("nested", [False, True])
def test_what_was_replaced_is_gone_at_once_with_its_keys_and_tokens(nested: bool) -> None:
    text, options = wrapped(nested, token(key=EC_KEY))
    source = Source(KeySet([EC_KEY.public]))
    checker = verifier(keys=source, **options)
    checker.verify(text)
    with nothing_left_for_the_collector():
        for _ in range(5):
            source.generations = [KeySet([EC_KEY.public])]
            for _ in range(3):
                checker.verify(text)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("call", ["verify", "averify", "check", "acheck"])
@pytest.mark.parametrize(
    ("text", "generations"),
    [
        (token(key=EC_KEY), [[EC_KEY]]),
        (token(claims(exp=1), key=EC_KEY), [[EC_KEY]]),
        (token(claims(aud="elsewhere"), key=EC_KEY), [[EC_KEY]]),
        (token(claims(sub="mallory"), key=EC_KEY), [[EC_KEY]]),
        (token(key=EC_KEY)[:-6] + "AAAAAA", [[EC_KEY]]),
        (token(key=EC_KEY), [[OTHER_EC_KEY]]),
        (token(key=EC_KEY), [[OTHER_EC_KEY], [OTHER_EC_KEY]]),
        (token(key=EC_KEY), [[OTHER_EC_KEY], [EC_KEY]]),
        (token(key=EC_KEY), [None, [OTHER_EC_KEY]]),
        ("not.a.token", [[EC_KEY]]),
    ],
    ids=[
        "no refusal",
        "expired",
        "for somebody else",
        "revoked",
        "forged",
        "unknown key",
        "unknown key, another set",
        "known in the next set",
        "no keys, then others",
        "malformed",
    ],
)
def test_a_refusal_leaves_nothing_behind(text: str, generations: list[Any], call: str, nested: bool) -> None:
    text, options = wrapped(nested, text)
    for _ in range(2):  # the first time, more is made than that
        with nothing_left_for_the_collector():
            keys = [each and KeySet([key.public for key in each]) for each in generations]
            denied = DenyList()
            denied.revoked["mallory"] = "fired"
            checker = verifier(keys=Source(*keys), revocations=denied, **options)
            with contextlib.suppress(MintmarkError, StopIteration):
                found = getattr(checker, call)(text)
                if call.startswith("a"):
                    found.send(None)  # an event loop would leave things of its own
            found = checker = keys = None


def test_claims_that_were_read_at_a_glance_lack_nothing() -> None:
    checker = verifier(cache=None)
    for _ in range(4):
        found = checker.verify(token())
    for slot in (*JsonObject.__slots__, *Claims.__slots__):
        assert getattr(found, slot) is not None


def test_the_size_of_the_memory_is_a_number() -> None:
    with pytest.raises(ConfigurationError):
        Verifier(issuer=ISSUER, audience=AUDIENCE, keys=KEY, cache="many")  # type: ignore[call-overload]
