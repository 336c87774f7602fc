"""Attacks on the header and the form of a signed token: rows S27 to S38 of the attack list."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from forgery import PAYLOAD, forge, refused
from jose_keys import jwk, key_for

from mintmark.errors import (
    ErrorCode,
    InvalidSignature,
    InvalidToken,
    MalformedToken,
)
from mintmark.jose import jwe, jws
from mintmark.jose.jwk import Key


@pytest.fixture(params=["HS256", "RS256", "ES256", "Ed25519"])
def key(request: pytest.FixtureRequest) -> Key:
    return key_for(request.param)


@pytest.mark.parametrize(
    ("crit", "extra"),
    [
        ([], {}),
        (["x-a"], {"x-a": 1}),
        (["x-a"], {}),
        (["alg"], {}),
        (["b64"], {}),
        (["b64", "b64"], {"b64": True}),
        (["b64", "x-a"], {"b64": True, "x-a": 1}),
        ([1], {}),
        ([["b64"]], {"b64": True}),
        (True, {}),
        (None, {}),
        ("b64", {"b64": True}),
        ({"b64": 1}, {"b64": True}),
        (["exp"], {"exp": 5}),
        (["x" * 10_000], {}),
    ],
)
def test_S27_critical_extensions_are_understood_or_the_token_is_refused(crit: Any, extra: Any) -> None:
    signer = key_for("HS256")
    error = refused(forge({"alg": "HS256", "crit": crit, **extra}, signer), signer, MalformedToken)
    assert error.code in (ErrorCode.HEADER_INVALID, ErrorCode.CRIT_NOT_UNDERSTOOD)


@pytest.mark.parametrize(
    "header", [{"b64": False}, {"b64": True}, {"b64": 0, "crit": ["b64"]}, {"b64": "false", "crit": ["b64"]}]
)
def test_S28_b64_is_a_boolean_that_crit_names(header: dict[str, Any]) -> None:
    signer = key_for("HS256")
    refused(forge({"alg": "HS256", **header}, signer), signer, MalformedToken)


def test_S28_an_unencoded_payload_is_read_as_it_was_signed() -> None:
    signer = key_for("HS256")
    token = jws.sign(b"$02", signer, b64=False)
    assert jws.verify(token, signer).payload == b"$02"
    read = jws.verifier_for(signer)
    assert [read(token)[0] for _ in range(3)] == [b"$02"] * 3
    detached = jws.sign(b"a.b\xff\0", signer, b64=False, detached=True)
    assert jws.verify(detached, signer, detached_payload=b"a.b\xff\0").payload == b"a.b\xff\0"
    refused(token.replace("$02", "$03"), signer, InvalidSignature)
    refused(token.replace("$02", "$\u00e9"), signer, MalformedToken)
    refused(token.replace("$02", "$\n"), signer, MalformedToken)


def test_S29_a_detached_payload_and_an_attached_one_exclude_each_other() -> None:
    signer = key_for("HS256")
    attached, detached = jws.sign(PAYLOAD, signer), jws.sign(PAYLOAD, signer, detached=True)
    assert jws.verify(detached, signer, detached_payload=PAYLOAD).payload == PAYLOAD
    for payload in (PAYLOAD, b"", b"other"):
        with pytest.raises(MalformedToken):
            jws.verify(attached, signer, detached_payload=payload)
    with pytest.raises(InvalidSignature):
        jws.verify(detached, signer, detached_payload=b"other")
    refused(detached, signer, InvalidSignature)


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"none","alg":"HS256"}',
        b'{"alg":"HS256","kid":"a","kid":"b"}',
        b'{"alg":"HS256","\\u0061lg":"HS256"}',
        b'\xef\xbb\xbf{"alg":"HS256"}',
        '{"alg":"HS256"}'.encode("utf-16"),
        '{"alg":"HS256"}'.encode("utf-32"),
        b'{"alg":"HS256","x":NaN}',
        b'{"alg":"HS256","x":Infinity}',
        b"{'alg':'HS256'}",
        b'{alg:"HS256"}',
        b'{"alg":"HS256",}',
        b'{"alg":"HS256"}//',
        b'{"alg":"HS256"}{}',
        b'{"alg":"HS256","x":"\\ud800"}',
        b'{"alg":"HS256","x":"\xff"}',
        b'["HS256"]',
        b'"HS256"',
        b"",
        b'{"alg":"HS256","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"alg":"HS256","x":' + b"9" * 5000 + b"}",
    ],
)
def test_S30_S37_S38_a_header_is_one_unambiguous_object(header: bytes) -> None:
    signer = key_for("HS256")
    refused(forge(header, signer), signer, MalformedToken)


def test_S33_S34_other_forms_are_told_apart() -> None:
    signer = key_for("HS256")
    error = refused(json.dumps(jws.sign_json(PAYLOAD, signer)), signer, MalformedToken)
    assert error.code == ErrorCode.TOKEN_WRONG_FORM
    recipient = Key.from_jwk(jwk("RS256", alg="RSA-OAEP-256", use=None))
    encrypted = jwe.encrypt(PAYLOAD, recipient.public)
    error = refused(encrypted, key_for("RS256"), MalformedToken)
    assert error.code == ErrorCode.TOKEN_WRONG_FORM
    forged = jws.sign(b'{"sub":"mallory"}', Key.generate("HS256"))
    polyglot = json.dumps({**jws.sign_json(PAYLOAD, signer), f" {forged} ": 1})
    refused(polyglot, signer, MalformedToken)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + "=",
        lambda token: token + "==",
        lambda token: token + "\n",
        lambda token: token + "\0",
        lambda token: token + ".",
        lambda token: "." + token,
        lambda token: " " + token,
        lambda token: "Bearer " + token,
        lambda token: token + "!!",
        lambda token: token.replace(".", "..", 1),
        lambda token: token.rpartition(".")[0],
        lambda token: token.partition(".")[0],
        lambda token: token.replace(".", "\u3002"),
        lambda token: token + ".AAAA",
        lambda token: token + "A",
        lambda token: token[:-1] + ("B" if token[-1] == "A" else chr(ord(token[-1]) + 1)),
        lambda token: "....",
        lambda token: "..",
        lambda token: "",
        lambda token: token.encode(),
        lambda token: None,
        lambda token: [token],
        lambda token: token[:20] + "\ud800" + token[21:],
    ],
)
def test_S35_S36_a_token_has_one_spelling(change: Any) -> None:
    signer = key_for("HS256")
    token = jws.sign(PAYLOAD, signer)
    refused(change(token), signer)
    warm = jws.verifier_for(signer)
    assert warm(token)[0] == PAYLOAD
    with pytest.raises(InvalidToken):
        warm(change(token))


@pytest.mark.parametrize(
    "token",
    [
        "." * 5_000_000,
        "A" * 5_000_000,
        "A" * 3_000_000 + ".A.A",
        "{" * 2_000_000,
        "=" * 1_000_000,
        "A." * 500_000,
    ],
)
def test_S38_size_is_looked_at_first(token: str) -> None:
    started = time.process_time()
    error = refused(token, key_for("HS256"), MalformedToken)
    assert time.process_time() - started < 1
    assert len(str(error)) < 200


def test_S38_the_limit_is_the_callers() -> None:
    signer = key_for("HS256")
    token = jws.sign(b"x" * 2_000_000, signer)
    refused(token, signer, MalformedToken)
    assert len(jws.verify(token, signer, max_size=3_000_000).payload) == 2_000_000
    assert len(jws.verifier_for(signer, max_size=3_000_000)(token)[0]) == 2_000_000


def test_S38_O16_refusals_never_echo_the_token(key: Key) -> None:
    signing_input, _, signature = jws.sign(PAYLOAD, key).rpartition(".")
    for token in (signing_input + "." + signature[:-4] + "AAAA", signing_input + ".x", "x" + signing_input):
        error = refused(token, key)
        assert not any(part and part in str(error.details()) for part in token.split(".") if len(part) > 8)
