"""P9: no configuration can bypass verification. What is not stated is refused when the verifier is made."""

from __future__ import annotations

import inspect as introspection
from typing import Any

import pytest
from tokens import AUDIENCE, EC_KEY, ISSUER, KEY, claims, token, verifier

import mintmark
from mintmark import UNCHECKED, Key, KeySet, Verifier
from mintmark.errors import ConfigurationError, ErrorCode, InvalidSignature, MalformedToken, MintmarkError


@pytest.mark.parametrize("left_out", ["issuer", "audience", "keys"])
def test_P9_issuer_audience_and_keys_must_be_stated(left_out: str) -> None:
    options: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE, "keys": KEY}
    del options[left_out]
    with pytest.raises(TypeError):
        Verifier(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"issuer": None},
        {"issuer": ""},
        {"issuer": [ISSUER]},
        {"audience": None},
        {"audience": ""},
        {"audience": []},
        {"audience": ["orders", ""]},
        {"audience": ["orders", None]},
        {"audience": 5},
        {"expires": False},
        {"expires": None},
        {"expires": 0},
        {"leeway": 301},
        {"leeway": -1},
        {"leeway": float("nan")},
        {"leeway": float("inf")},
        {"leeway": True},
        {"leeway": "30"},
        {"max_age": -1},
        {"max_age": True},
        {"typ": ""},
        {"typ": []},
        {"typ": [5]},
        {"typ": 5},
        {"required": "scope"},
        {"required": [None]},
        {"cache": True},
        {"cache": -1},
        {"accept_unencrypted": True},
        {"decryption_keys": "secret"},
        {"into": int},
        {"into": "dict"},
        {"profile": "at+jwt"},
        {"revocations": "none"},
    ],
    ids=str,
)
def test_P9_a_policy_that_is_empty_or_ambiguous_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        verifier(**options)


@pytest.mark.parametrize(
    "keys",
    [
        "secret",
        b"secret" * 8,
        EC_KEY.public.to_pem(),
        EC_KEY.public.to_jwk(),
        {"keys": []},
        [KEY],
        None,
        UNCHECKED,
    ],
    ids=lambda keys: type(keys).__name__,
)
def test_P9_S4_S5_keys_are_typed_and_never_guessed_from_text(keys: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        verifier(keys=keys)
    assert "secret" not in str(caught.value)


def test_P9_nothing_in_the_face_turns_verification_off() -> None:
    names = set(introspection.signature(Verifier.__init__).parameters)
    assert not [
        name for name in names if name.startswith(("verify", "skip", "ignore", "check", "algorithms", "none"))
    ]


def test_P9_an_empty_key_set_accepts_nothing() -> None:
    with pytest.raises(MintmarkError):
        verifier(keys=KeySet([])).verify(token())


def test_P7_S17_a_changed_token_is_refused_in_the_one_call_there_is() -> None:
    signed = token()
    changed = signed[:-6] + ("AAAAAA" if signed[-6:] != "AAAAAA" else "BBBBBB")
    with pytest.raises(InvalidSignature):
        verifier().verify(changed)


def test_S1_S2_an_unsigned_token_is_refused_in_every_spelling() -> None:
    for alg in ("none", "None", "NONE", "nOnE", "none ", "nοne"):
        head = mintmark.jose.encoding.b64url_encode(
            mintmark.jose.encoding.json_encode({"alg": alg, "typ": "JWT"})
        )
        body = token().split(".")[1]
        for text in (f"{head}.{body}.", f"{head}.{body}", f"{head}.{body}.{token().split('.')[2]}"):
            with pytest.raises(MintmarkError):
                verifier().verify(text)


def test_S4_a_public_key_is_no_secret() -> None:
    # HMAC with any spelling of the public key: the verifier holds an EC key, and an EC key verifies ES256
    # only
    for secret in (EC_KEY.public.to_pem().encode(), EC_KEY.public.to_pem().strip().encode()):
        forged = token(key=Key.from_secret(secret, alg="HS256", kid=EC_KEY.kid))
        with pytest.raises(MintmarkError) as caught:
            verifier(keys=EC_KEY.public).verify(forged)
        assert caught.value.code == ErrorCode.ALGORITHM_NOT_ALLOWED


@pytest.mark.parametrize("not_text", [None, b"a.b.c", 5, ["a"], {"a": 1}], ids=repr)
def test_what_is_no_text_is_refused_as_a_token(not_text: Any) -> None:
    with pytest.raises(MalformedToken):
        verifier().verify(not_text)


@pytest.mark.parametrize("wrapped", ["Bearer {}", " {}", "{} ", "{}\n", '"{}"', "{}=", "{}.", ".{}", "{}\0"])
def test_S36_nothing_stands_around_a_token(wrapped: str) -> None:
    with pytest.raises(MalformedToken):
        verifier().verify(wrapped.format(token()))


def test_S33_a_json_serialization_is_no_jwt() -> None:
    head, body, signature = token().split(".")
    polyglot = f'{{"protected":"{head}","payload":"{body}","signature":"{signature}"}}'
    with pytest.raises(MalformedToken) as caught:
        verifier().verify(polyglot)
    assert caught.value.code == ErrorCode.TOKEN_WRONG_FORM
    with pytest.raises(MintmarkError):
        verifier().verify('{"' + token().replace(".", '":"') + '"}')


def test_a_text_that_pretends_to_be_another_is_taken_as_what_it_is() -> None:
    class Pretender(str):
        __slots__ = ()

        def __hash__(self) -> int:
            return hash(good)

        def __eq__(self, other: object) -> bool:
            return True

        def __str__(self) -> str:
            return good

    good = token()
    checker = verifier()
    checker.verify(good)
    bad = Pretender(good[:-4] + "AAAA")
    with pytest.raises(InvalidSignature):
        checker.verify(bad)
    assert checker.verify(Pretender(good)).subject == "alice"


def test_no_token_and_no_claim_value_shows_in_texts_of_errors_or_objects() -> None:
    signed = token(claims(sub="s3cret-person", exp=1))
    with pytest.raises(MintmarkError) as caught:
        verifier().verify(signed)
    shown = f"{caught.value} {caught.value!r} {caught.value.details()}"
    accepted = verifier().verify(token(claims(sub="s3cret-person")))
    shown += f"{accepted!r} {accepted} {verifier()!r}"
    assert "s3cret" not in shown
    assert signed.split(".")[1] not in shown
    assert repr(accepted) == "<Claims aud exp iat iss sub>"


def test_claims_are_a_read_only_mapping() -> None:
    found = verifier().verify(token(claims(roles=["a"])))
    assert found == claims(roles=["a"])
    assert dict(**found) == claims(roles=["a"])
    assert "roles" in found
    assert len(found) == 6
    with pytest.raises(TypeError):
        found["sub"] = "mallory"  # type: ignore[index]
    with pytest.raises(AttributeError):
        found.subject = "mallory"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        found.anything = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        found.header["alg"] = "none"  # type: ignore[index]
