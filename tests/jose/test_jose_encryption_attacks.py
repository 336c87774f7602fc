"""Attacks on encryption: one test or more for each row E of the attack list that a library can stop."""

from __future__ import annotations

import json
import time
import zlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from jose_keys import jwk, key_for
from sealing import ALL, CONTENT, assembled, made, opened, refused, segments

from mintmark.errors import (
    AlgorithmNotAllowed,
    DecryptionFailed,
    ErrorCode,
    InvalidKey,
    InvalidToken,
    MalformedToken,
    UnknownKey,
)
from mintmark.jose import jwe, jws
from mintmark.jose.encoding import b64url_decode, b64url_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

# --- E1: key agreement -------------------------------------------------------------------------------------


@pytest.mark.parametrize("crv", ["P-256", "P-384", "X25519", "X448"])
def test_E1_the_senders_key_is_a_checked_point_on_our_curve(crv: str) -> None:
    key = Key.generate("ECDH-ES", crv=crv)
    parts = segments(jwe.encrypt(CONTENT, key.public))
    header = json.loads(parts[0])
    size = len(b64url_decode(header["epk"]["x"]))
    other = Key.generate("ECDH-ES", crv="P-521" if crv != "P-521" else "P-256").to_jwk()
    hostile: list[Any] = [
        {**header["epk"], "x": b64url_encode(bytes(size))},
        {**header["epk"], "x": b64url_encode(bytes(size - 1) + b"\1")},
        {**header["epk"], "x": b64url_encode(b"\1" + bytes(size - 1))},
        {**header["epk"], "x": header["epk"]["x"][:-4]},
        {**header["epk"], "crv": "P-521"},
        {**header["epk"], "d": "AAAA"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        other,
        {},
    ]
    for epk in hostile:
        parts[0] = json.dumps({**header, "epk": epk}).encode()
        error = refused(assembled(parts), key, DecryptionFailed)
        assert str(error) == "the content cannot be decrypted"
    for missing in (None, 5, "x", []):
        parts[0] = json.dumps({**header, "epk": missing}).encode()
        refused(assembled(parts), key, MalformedToken)


# --- E2, E3: RSA -------------------------------------------------------------------------------------------


def test_E2_rsa1_5_is_off_until_named() -> None:
    key = key_for("RSA1_5")
    with pytest.raises(InvalidKey, match="by name"):
        jwe.encrypt(CONTENT, key.public)
    token = jwe.encrypt(CONTENT, key.public, allow=["RSA1_5"])
    refused(token, key, AlgorithmNotAllowed)
    assert opened(token, key, allow=["RSA1_5"]) == CONTENT


def test_E2_every_failure_of_rsa1_5_looks_alike() -> None:
    key = key_for("RSA1_5")
    public = key.material.public
    numbers = public.public_numbers()

    def padded(block: bytes) -> bytes:
        return pow(int.from_bytes(block), numbers.e, numbers.n).to_bytes(256)

    parts = segments(jwe.encrypt(CONTENT, key.public, allow=ALL))
    answers = set()
    for encrypted_key in (
        public.encrypt(bytes(32), padding.PKCS1v15()),
        public.encrypt(bytes(16), padding.PKCS1v15()),
        public.encrypt(b"", padding.PKCS1v15()),
        padded(b"\0\1" + b"\xff" * 221 + b"\0" + bytes(32)),
        padded(b"\0\2" + b"\xff" * 254),
        padded(b"\0\2" + b"\0" * 254),
        bytes(256),
        b"\xff" * 256,
        b"short",
        b"",
    ):
        error = refused(assembled([parts[0], encrypted_key, *parts[2:]]), key, DecryptionFailed, allow=ALL)
        answers.add(str(error.details()))
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("made_for", "said"),
    [("RSA-OAEP-256", "RSA1_5"), ("RSA-OAEP-256", "RSA-OAEP"), ("A256KW", "A256GCMKW"), ("A256KW", "dir")],
)
def test_E3_the_keys_algorithm_wins_over_the_headers(made_for: str, said: str) -> None:
    key = key_for(made_for)
    other = Key.from_jwk(jwk(made_for, alg=said))
    token = jwe.encrypt(CONTENT, other if other.kty == "oct" else other.public, allow=ALL)
    refused(token, key, AlgorithmNotAllowed, allow=ALL)
    refused(token, KeySet([key]), InvalidToken, allow=ALL)


def test_E3_a_key_bound_to_one_encryption_takes_no_other() -> None:
    secret = bytes(range(32))
    bound = Key.from_secret(secret, alg="A256GCM")
    free = Key.from_secret(secret, alg="dir")
    assert opened(jwe.encrypt(CONTENT, free), bound) == CONTENT
    refused(jwe.encrypt(CONTENT, free, enc="A128CBC-HS256"), bound, DecryptionFailed)
    with pytest.raises(InvalidKey):
        jwe.encrypt(CONTENT, bound, enc="A128CBC-HS256")
    refused(jwe.encrypt(CONTENT, free, enc="A128CBC-HS256"), free, AlgorithmNotAllowed, encs=["A256GCM"])


# --- E4, E5: passwords -------------------------------------------------------------------------------------


def test_E4_passwords_are_off_until_named() -> None:
    key = Key.from_secret(b"correct horse", alg="PBES2-HS256+A128KW")
    with pytest.raises(InvalidKey):
        jwe.encrypt(CONTENT, key)
    token = jwe.encrypt(CONTENT, key, allow=ALL)
    refused(token, key, AlgorithmNotAllowed)
    assert opened(token, key, allow=ALL) == CONTENT
    refused(token, Key.from_secret(b"wrong", alg="PBES2-HS256+A128KW"), DecryptionFailed, allow=ALL)


@pytest.mark.parametrize(
    "changes",
    [
        *(
            {"p2c": value}
            for value in (2**31 - 1, 1_200_001, 10**18, 999, 1, 0, -1, 1000.5, 2000.0, "2000", True, None)
        ),
        *(
            {"p2s": value}
            for value in ("", "AAAA", b64url_encode(bytes(7)), b64url_encode(bytes(2000)), 5, None, "=")
        ),
    ],
)
def test_E4_the_work_that_a_token_asks_for_is_bounded(changes: dict[str, Any]) -> None:
    key = Key.from_secret(b"correct horse", alg="PBES2-HS256+A128KW")
    header = {"alg": key.alg, "enc": "A128GCM", "p2s": b64url_encode(bytes(16)), "p2c": 1000, **changes}
    started = time.process_time()
    refused(made(header, bytes(16), encrypted_key=bytes(24), enc="A128GCM"), key, MalformedToken, allow=ALL)
    assert time.process_time() - started < 1


def test_E4_a_token_is_tried_with_a_few_passwords_only() -> None:
    alg = "PBES2-HS256+A128KW"
    passwords = [Key.from_secret(b"password %d" % number, alg=alg) for number in range(5)]
    header = {"alg": alg, "enc": "A128GCM", "p2s": b64url_encode(bytes(16)), "p2c": 1000}
    token = made(header, bytes(16), encrypted_key=bytes(24), enc="A128GCM")
    refused(token, KeySet(passwords[:4]), DecryptionFailed, allow=ALL)
    refused(token, KeySet(passwords), UnknownKey, allow=ALL)


def test_E5_S34_an_encrypted_token_is_no_signed_one() -> None:
    password = Key.from_secret(bytes(range(32)), alg="PBES2-HS256+A128KW")
    token = jwe.encrypt(CONTENT, password, allow=ALL)
    with pytest.raises(MalformedToken) as caught:
        jws.verify(token, Key.from_secret(bytes(range(32)), alg="HS256"))
    assert caught.value.code == ErrorCode.TOKEN_WRONG_FORM
    with pytest.raises(MalformedToken):
        jwe.decrypt(jws.sign(CONTENT, key_for("HS256")), key_for("dir"))


# --- E6, E13: compression ----------------------------------------------------------------------------------


def deflated(content: bytes) -> bytes:
    return zlib.compress(content, wbits=-15)


def test_E6_E13_compressed_content_is_off_until_named() -> None:
    key = key_for("dir")
    token = jwe.encrypt(CONTENT, key, compress=True)
    refused(token, key, AlgorithmNotAllowed)
    assert opened(token, key, allow_zip=True) == CONTENT
    assert "zip" not in jwe.parse_compact(jwe.encrypt(CONTENT, key)).header


def test_E6_what_content_inflates_to_is_bounded() -> None:
    key = key_for("dir")
    bomb = deflated(bytes(64 << 20))
    secret = key.material.private
    started = time.process_time()
    refused(made({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}, secret, content=bomb), key, allow_zip=True)
    assert time.process_time() - started < 1
    fits = made({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}, secret, content=deflated(bytes(250_000)))
    assert len(opened(fits, key, allow_zip=True)) == 250_000
    refused(fits, key, DecryptionFailed, allow_zip=True, max_plaintext=249_999)


@pytest.mark.parametrize(
    "content", [b"", b"not deflate", zlib.compress(b"x"), deflated(b"x") + b"more", deflated(b"x" * 99)[:-1]]
)
def test_E6_only_whole_raw_deflate_is_taken(content: bytes) -> None:
    key = key_for("dir")
    token = made({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}, key.material.private, content=content)
    refused(token, key, DecryptionFailed, allow_zip=True)


@pytest.mark.parametrize("name", ["def", "", "GZIP", "DEF ", 1, None, ["DEF"], True])
def test_E6_there_is_one_zip(name: Any) -> None:
    key = key_for("dir")
    token = made(
        {"alg": "dir", "enc": "A256GCM", "zip": name}, key.material.private, content=deflated(CONTENT)
    )
    refused(token, key, MalformedToken, allow_zip=True)
