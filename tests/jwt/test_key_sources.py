"""Where keys come from: one look, at most one question to the source, one more look; sync and async alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tokens import EC_KEY, ISSUER, OTHER_EC_KEY, Source, claims, token, verifier

from mintmark import UNCHECKED, Claims, Key, KeySet, Verifier, Verifiers
from mintmark.errors import (
    ConfigurationError,
    InvalidSignature,
    KeysUnavailable,
    MalformedToken,
    MintmarkError,
    UnknownKey,
)
from mintmark.jose.encoding import b64url_encode, json_encode

Check = Callable[[Verifier[Any], str], Any]


def synchronously(checker: Verifier[Any], text: str) -> Any:
    return checker.verify(text)


def asynchronously(checker: Verifier[Any], text: str) -> Any:
    return asyncio.run(checker.averify(text))


both_ways = pytest.mark.parametrize("verify", [synchronously, asynchronously])


@both_ways
def test_a_known_key_asks_nobody(verify: Check) -> None:
    source = Source(KeySet([EC_KEY.public]))
    assert verify(verifier(keys=source), token(key=EC_KEY)).subject == "alice"
    assert source.asked == []


@both_ways
def test_an_unknown_kid_asks_once_and_is_found(verify: Check) -> None:
    source = Source(KeySet([EC_KEY.public]), KeySet([EC_KEY.public, OTHER_EC_KEY.public]))
    checker = verifier(keys=source)
    assert verify(checker, token(key=OTHER_EC_KEY)).key.kid == "other"
    assert source.asked == ["other"]
    assert verify(checker, token(key=EC_KEY)).key.kid == "ec"
    assert source.asked == ["other"]


@both_ways
def test_an_unknown_kid_that_stays_unknown_is_refused(verify: Check) -> None:
    for later in (None, KeySet([EC_KEY.public])):
        source = Source(*[keys for keys in (KeySet([EC_KEY.public]), later) if keys])
        with pytest.raises(UnknownKey):
            verify(verifier(keys=source), token(key=OTHER_EC_KEY))
        assert source.asked == ["other"]


@both_ways
def test_without_any_keys_the_source_is_asked(verify: Check) -> None:
    source = Source(None, KeySet([EC_KEY.public]))
    assert verify(verifier(keys=source), token(key=EC_KEY)).subject == "alice"
    assert source.asked == ["ec"]


@both_ways
def test_a_token_without_kid_may_be_signed_with_a_key_newer_than_ours(verify: Check) -> None:
    old, new = KeySet([EC_KEY.public]), KeySet([OTHER_EC_KEY.public])
    source = Source(old, new)
    text = _without_kid(OTHER_EC_KEY)
    assert verify(verifier(keys=source), text).subject == "alice"
    assert source.asked == [None]


@both_ways
def test_a_bad_signature_under_a_known_kid_asks_nobody(verify: Check) -> None:
    source = Source(KeySet([EC_KEY.public]))
    forged = token(key=Key.generate("ES256", kid="ec"))
    with pytest.raises(InvalidSignature):
        verify(verifier(keys=source), forged)
    assert source.asked == []


@both_ways
@pytest.mark.parametrize("garbage", ["", "a.b.c", "x" * 5000, "....", "e30.e30.", "eyJhbGciOiJub25lIn0.e30."])
def test_garbage_never_makes_a_source_fetch(verify: Check, garbage: str) -> None:
    for current in (None, KeySet([EC_KEY.public])):
        source = Source(current, KeySet([EC_KEY.public])) if current is None else Source(current)
        with pytest.raises(MintmarkError):
            verify(verifier(keys=source), garbage)
        assert source.asked == [] or garbage.startswith("eyJhbGci")


def test_averify_never_makes_the_blocking_call() -> None:
    source = Source(None, KeySet([EC_KEY.public]))
    assert asyncio.run(verifier(keys=source).averify(token(key=EC_KEY)))
    assert source.blocking_calls == 0
    source = Source(None, KeySet([EC_KEY.public]))
    assert asyncio.run(verifier(keys=source).acheck(token(key=EC_KEY))) == []
    assert source.blocking_calls == 0


@both_ways
def test_unavailable_keys_are_not_the_fault_of_the_token(verify: Check) -> None:
    class Down(Source):
        def _advance(self, kid: str | None) -> KeySet:
            raise KeysUnavailable("the issuer does not answer")

    with pytest.raises(KeysUnavailable):
        verify(verifier(keys=Down(None)), token(key=EC_KEY))


@both_ways
def test_a_source_that_loses_its_keys_while_it_is_asked_is_unavailable(verify: Check) -> None:
    class Losing(Source):
        def _advance(self, kid: str | None) -> KeySet:
            return None  # type: ignore[return-value]

    with pytest.raises(KeysUnavailable):
        verify(verifier(keys=Losing(KeySet([EC_KEY.public]))), token(key=OTHER_EC_KEY))


def test_P8_a_removed_key_dies_with_the_next_set() -> None:
    source = Source(KeySet([EC_KEY.public, OTHER_EC_KEY.public]))
    checker = verifier(keys=source)
    text = token(key=EC_KEY)
    assert checker.verify(text)
    assert checker.verify(text)  # remembered
    source.generations = [KeySet([OTHER_EC_KEY.public])]
    with pytest.raises(UnknownKey):
        checker.verify(text)


def test_a_single_key_verifies_whatever_kid_a_token_names() -> None:
    same = Key.from_jwk(EC_KEY.public.to_jwk() | {"kid": "another-name"})
    assert verifier(keys=same).verify(token(key=EC_KEY)).subject == "alice"
    with pytest.raises(UnknownKey):
        verifier(keys=KeySet([same])).verify(token(key=EC_KEY))


OTHER_ISSUER = "https://other.example.com"


def two_issuers() -> Verifiers[Claims]:
    # the same kid at both issuers
    ours = verifier(keys=KeySet([Key.from_jwk(EC_KEY.public.to_jwk() | {"kid": "1"})]))
    theirs = verifier(
        issuer=OTHER_ISSUER, keys=KeySet([Key.from_jwk(OTHER_EC_KEY.public.to_jwk() | {"kid": "1"})])
    )
    return Verifiers({ISSUER: ours, OTHER_ISSUER: theirs})


def named(key: Key, kid: str) -> Key:
    return Key.from_jwk(key.to_jwk(private=True) | {"kid": kid})


def test_S24_a_kid_never_selects_a_key_of_another_issuer() -> None:
    both = two_issuers()
    mine, theirs = named(EC_KEY, "1"), named(OTHER_EC_KEY, "1")
    assert both.verify(issuer_token(ISSUER, mine)).issuer == ISSUER
    assert both.verify(issuer_token(OTHER_ISSUER, theirs)).issuer == OTHER_ISSUER
    for name, key in ((ISSUER, theirs), (OTHER_ISSUER, mine)):
        with pytest.raises(InvalidSignature):
            both.verify(issuer_token(name, key))


@pytest.mark.parametrize(
    "name", [ISSUER + "/", ISSUER.upper(), "https://evil.example", "", None, [ISSUER], 5], ids=repr
)
def test_S18_C7_an_issuer_outside_of_the_closed_table_is_refused(name: Any) -> None:
    with pytest.raises(MintmarkError) as caught:
        two_issuers().verify(issuer_token(name, EC_KEY))
    assert caught.value.claim == "iss"
    assert "evil" not in str(caught.value.details())
    assert [problem.claim for problem in two_issuers().check(issuer_token(name, EC_KEY))] == ["iss"]


def test_several_issuers_work_asynchronously_too() -> None:
    text = issuer_token(ISSUER, named(EC_KEY, "1"))
    assert asyncio.run(two_issuers().averify(text)).issuer == ISSUER


def test_a_table_names_each_verifier_by_the_issuer_it_checks() -> None:
    for table in ({}, {"https://x.example": verifier()}, {ISSUER: verifier(issuer=UNCHECKED)}):
        with pytest.raises(ConfigurationError):
            Verifiers(table)


@pytest.mark.parametrize("garbage", ["", "a.b", "a.b.c", "a.b.c.d.e", 5, None], ids=repr)
def test_a_table_refuses_garbage_as_such(garbage: Any) -> None:
    with pytest.raises(MalformedToken):
        two_issuers().verify(garbage)


def issuer_token(name: Any, key: Key) -> str:
    return token(claims(iss=name), key=key)


def _without_kid(key: Key) -> str:
    """Return a token that names no kid, made from the key's own operation."""
    assert key.sign_bytes is not None
    signing_input = ".".join(
        b64url_encode(json_encode(part)) for part in ({"alg": key.alg, "typ": "JWT"}, claims())
    )
    return f"{signing_input}.{b64url_encode(key.sign_bytes(signing_input.encode()))}"
