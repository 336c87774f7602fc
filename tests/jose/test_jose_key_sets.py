"""Key sets: which key fits a token, what is skipped, and what the linter says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jose_keys import jwk, key_for

from mintmark.errors import AlgorithmNotAllowed, ConfigurationError, InvalidKey, UnknownKey
from mintmark.jose import jws
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet, select
from mintmark.jose.problems import ProblemCode


def test_a_set_is_an_immutable_sequence() -> None:
    first, second = key_for("ES256"), key_for("RS256")
    keys = KeySet([first, second, first])
    assert list(keys) == [first, second]
    assert len(keys) == 2
    assert keys[1] is second
    assert first in keys
    assert first.public not in keys
    assert keys.get(first.kid) is first
    assert keys.get("other") is None
    assert keys == KeySet([first, second])
    assert hash(keys) == hash(KeySet([first, second]))
    assert list(KeySet(first)) == [first]
    with pytest.raises(AttributeError):
        keys.more = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("wrong", [["text"], [b"bytes"], [{"kty": "oct"}], [None]])
def test_S5_a_set_holds_keys_only(wrong: Any) -> None:
    with pytest.raises(ConfigurationError):
        KeySet(wrong)


@pytest.mark.parametrize("wrong", ["text", b"bytes", None, {"keys": []}, [key_for("ES256")]])
def test_S5_nothing_but_keys_verifies(wrong: Any) -> None:
    token = jws.sign(b"payload", key_for("ES256"))
    with pytest.raises(ConfigurationError):
        jws.verify(token, wrong)
    with pytest.raises(ConfigurationError):
        jws.verifier_for(wrong)
    with pytest.raises(ConfigurationError):
        jws.sign(b"payload", wrong)


def test_kid_and_alg_select_together() -> None:
    first, second, other = Key.generate("ES256"), Key.generate("ES256"), Key.generate("ES384")
    keys = KeySet([first, second, other])
    assert keys.candidates(first.kid, "ES256") == (first,)
    assert keys.candidates(None, "ES256") == (first, second)
    assert keys.candidates(first.kid, "ES384") == ()
    with pytest.raises(AlgorithmNotAllowed):
        select(keys, first.kid, "ES384")
    with pytest.raises(UnknownKey):
        select(keys, "nobody", "ES256")
    with pytest.raises(UnknownKey):
        select(keys, None, "RS256")
    with pytest.raises(UnknownKey):
        select(KeySet(), None, "ES256")


def test_a_token_without_kid_is_tried_against_a_few_keys_only() -> None:
    keys = [Key.from_secret(bytes([number]) * 32, alg="HS256", kid=str(number)) for number in range(1, 18)]
    token = jws.sign(b"payload", Key.from_secret(keys[3].material.private, alg="HS256", kid=""))
    assert "kid" not in jws.parse_compact(token).header
    assert jws.verify(token, KeySet(keys[:16])).key == keys[3]
    with pytest.raises(UnknownKey, match="more than 16"):
        jws.verify(token, KeySet(keys))


def test_eddsa_and_its_new_name_are_one_algorithm_when_verifying() -> None:
    old = Key.from_jwk(jwk("Ed25519", alg="EdDSA"))
    new = Key.from_jwk(jwk("Ed25519"))
    for signer in (old, new):
        for verifier in (old.public, new.public, KeySet([old.public])):
            assert jws.verify(jws.sign(b"payload", signer), verifier).payload == b"payload"
    with pytest.raises(AlgorithmNotAllowed):
        jws.verify(jws.sign(b"payload", new), key_for("Ed448"))


# --- reading -----------------------------------------------------------------------------------------------


def test_K8_members_that_cannot_be_used_are_skipped_and_reported() -> None:
    good = key_for("ES256").public
    members = [
        {"kty": "FUTURE", "kid": "f"},
        {"kty": "EC", "crv": "P-256"},
        5,
        None,
        {"kty": "oct", "k": "", "alg": "HS256"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {**good.to_jwk(), "kid": 7},
        {**good.to_jwk(), "alg": "FUTURE"},
        good.to_jwk(),
    ]
    keys = KeySet.from_jwks({"keys": members})
    assert list(keys) == [good]
    assert [skipped.index for skipped in keys.skipped] == list(range(8))
    assert keys.skipped[0].kid == "f"
    assert all(skipped.reason for skipped in keys.skipped)


@pytest.mark.parametrize(
    "data",
    [{}, {"keys": {}}, {"keys": None}, "[]", "{", b"\xff", '{"keys":[],"keys":[]}', {"keys": [{}] * 513}, 7],
)
def test_K14_what_is_no_key_set_is_refused(data: Any) -> None:
    with pytest.raises(InvalidKey):
        KeySet.from_jwks(data)


def test_K7_of_two_keys_with_one_kid_and_alg_neither_is_taken() -> None:
    first, second = Key.generate("ES256", kid="same"), Key.generate("ES256", kid="same")
    other = Key.generate("ES384", kid="same")
    keys = KeySet.from_jwks({"keys": [key.to_jwk() for key in (first, second, other, other)]})
    assert list(keys) == [other.public]
    assert [skipped.index for skipped in keys.skipped] == [0, 1]
    with pytest.raises(InvalidKey, match="share kid"):
        KeySet([first, second])


def test_S8_algorithms_name_what_is_taken() -> None:
    elliptic, modular = key_for("ES256").public, key_for("PS256").public
    bare = {name: value for name, value in modular.to_jwk().items() if name not in ("alg", "use")}
    data = json.dumps({"keys": [elliptic.to_jwk(), bare]})
    assert [key.alg for key in KeySet.from_jwks(data)] == ["ES256", "RS256"]
    assert [key.alg for key in KeySet.from_jwks(data, algorithms=["PS256"])] == ["PS256"]
    assert [key.alg for key in KeySet.from_jwks(data, algorithms=["ES256", "PS256", "PS384"])] == ["ES256"]
    assert [key.alg for key in KeySet.from_jwks(data, algorithms=["RS256", "PS256"])] == ["RS256"]
    assert [key.alg for key in KeySet.from_jwks(data, algorithms=["EdDSA"])] == []
    assert [key.alg for key in KeySet.from_jwks(data, algorithms=[])] == []
    assert [key.alg for key in KeySet.from_jwks(data, algorithms={modular.kid: "PS512"})] == [
        "ES256",
        "PS512",
    ]
    with pytest.raises(ConfigurationError):
        KeySet.from_jwks(data, algorithms="PS256")


def test_the_new_name_of_eddsa_fits_keys_that_state_the_old_one() -> None:
    data = {"keys": [jwk("Ed25519", private=False, alg="EdDSA")]}
    assert [key.alg for key in KeySet.from_jwks(data, algorithms=["Ed25519"])] == ["EdDSA"]
    assert [key.alg for key in KeySet.from_jwks(data, algorithms=["Ed448"])] == []


def test_K6_what_is_published_holds_nothing_secret() -> None:
    secret, private = key_for("HS256"), key_for("RS256")
    keys = KeySet([secret, private])
    assert keys.to_jwks() == {"keys": [private.public.to_jwk()]}
    assert list(keys.public) == [private.public]
    assert list(KeySet.from_jwks(keys.to_jwks(private=True))) == [secret, private]
    assert secret.to_jwk(private=True)["k"] not in repr(keys)


# --- the linter --------------------------------------------------------------------------------------------


def codes(keys: KeySet, **options: Any) -> list[ProblemCode]:
    return [problem.code for problem in keys.problems(**options)]


def test_a_sound_set_has_no_problems() -> None:
    assert codes(KeySet([key_for("ES256").public, Key.generate("RS256", bits=3072).public])) == []
    assert codes(KeySet([key_for("HS256"), key_for("ES256")]), published=False) == []


def test_K4_K5_K6_K7_problems_are_named() -> None:
    elliptic, modular = key_for("ES256"), key_for("RS256").public
    twin = Key.from_jwk({**modular.to_jwk(), "alg": "PS256", "kid": "twin"})
    low = Key.from_secret(b"ab" * 16, alg="HS256", kid="low")
    short = Key.from_jwk({"kty": "oct", "k": "A" * 22 + "EQ", "alg": "HS256"}, allow_legacy=True)
    assert codes(KeySet()) == [ProblemCode.EMPTY]
    assert codes(KeySet([elliptic])) == [ProblemCode.PRIVATE]
    assert codes(KeySet([modular])) == [ProblemCode.WEAK]
    assert ProblemCode.SAME_MATERIAL in codes(KeySet([modular, twin]))
    assert codes(KeySet([low])) == [ProblemCode.SHARED_SECRET, ProblemCode.LOW_ENTROPY]
    assert ProblemCode.WEAK in codes(KeySet([short]), published=False)
    assert ProblemCode.BY_NAME_ONLY in codes(KeySet([key_for("RSA1_5").public]))
    assert codes(KeySet([key_for("EdDSA").public])) == [ProblemCode.DEPRECATED]
    named = [Key.generate("ES256", kid="k").public, Key.generate("ES384", kid="k").public]
    assert codes(KeySet(named)) == [ProblemCode.DUPLICATE_KID]
    skipped = KeySet.from_jwks({"keys": [{"kty": "FUTURE"}, key_for("ES384").public.to_jwk()]})
    assert codes(skipped) == [ProblemCode.SKIPPED]


def test_O16_problems_hold_no_secret() -> None:
    key = key_for("HS256")
    text = repr(KeySet([key, Key.from_secret(b"hunter2!" * 8, alg="HS512")]).problems())
    assert key.to_jwk(private=True)["k"] not in text
    assert "hunter2" not in text
