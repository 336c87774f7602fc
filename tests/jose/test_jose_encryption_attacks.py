"""Attacks on encryption: one test or more for each row E of the attack list that a library can stop."""

from __future__ import annotations

import json
import time
import zlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jose_keys import jwk, key_for

from mintmark.errors import (
    AlgorithmNotAllowed,
    ConfigurationError,
    DecryptionFailed,
    ErrorCode,
    InvalidKey,
    InvalidToken,
    MalformedToken,
)
from mintmark.jose import jwe, jws
from mintmark.jose.algorithms import content_encryption
from mintmark.jose.encoding import b64url_decode, b64url_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

CONTENT = b'{"sub":"alice"}'
ALL = ("RSA1_5", "PBES2-HS256+A128KW")


def opened(token: Any, keys: Key | KeySet, **options: Any) -> bytes:
    return jwe.decrypt(token, keys, **options).plaintext


def refused(
    token: Any, keys: Key | KeySet, kind: type[InvalidToken] = InvalidToken, **options: Any
) -> InvalidToken:
    with pytest.raises(kind) as caught:
        jwe.decrypt(token, keys, **options)
    return caught.value


def segments(token: str) -> list[bytes]:
    return [b64url_decode(part) for part in token.split(".")]


def assembled(parts: list[bytes]) -> str:
    return ".".join(b64url_encode(part) for part in parts)


def made(
    header: Any, cek: bytes, *, encrypted_key: bytes = b"", content: bytes = CONTENT, enc: str = "A256GCM"
) -> str:
    """Return a token with any header whose content is encrypted under ``cek`` honestly."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    aad = b64url_encode(text)
    row = content_encryption(enc)
    iv = bytes(row.iv_bytes)
    ciphertext, tag = row.encrypt(cek, iv, content, aad.encode())
    return assembled([text, encrypted_key, iv, ciphertext, tag])


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


# --- E7 to E11: lengths, tags, encrypted keys --------------------------------------------------------------


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"])
def test_E7_E9_iv_and_tag_have_their_exact_length(enc: str) -> None:
    key = Key.generate(enc)
    parts = segments(jwe.encrypt(CONTENT, key))
    for at in (2, 4):
        for wrong in (b"", parts[at][:1], parts[at][:8], parts[at][:-1], parts[at] + b"\0", parts[at] * 2):
            refused(assembled([*parts[:at], wrong, *parts[at + 1 :]]), key, DecryptionFailed)


def test_E7_a_nonce_of_another_length_is_refused_even_with_a_right_tag() -> None:
    key = key_for("dir")
    header = b'{"alg":"dir","enc":"A256GCM"}'
    for size in (8, 16, 32):
        sealed = AESGCM(key.material.private).encrypt(bytes(size), CONTENT, b64url_encode(header).encode())
        refused(assembled([header, b"", bytes(size), sealed[:-16], sealed[-16:]]), key, DecryptionFailed)


def test_E7_E8_the_wrapped_key_is_authenticated_in_full() -> None:
    key = key_for("A256GCMKW")
    parts = segments(jwe.encrypt(CONTENT, key))
    header = json.loads(parts[0])
    tag, iv = b64url_decode(header["tag"]), b64url_decode(header["iv"])
    for changes in (
        *({"tag": b64url_encode(tag[:size])} for size in (0, 1, 4, 8, 12, 15)),
        *({"iv": b64url_encode(iv[:size])} for size in (0, 8, 11)),
        {"tag": None},
        {"tag": 5},
        {"iv": ["x"]},
        {"iv": header["iv"] + "="},
    ):
        # the content's own tag must not be what refuses: encrypt again under the changed header
        cek = AESGCM(key.material.private).decrypt(iv, parts[1] + tag, b"")
        token = made({**header, **changes}, cek, encrypted_key=parts[1])
        refused(token, key, MalformedToken)
    flipped = b64url_encode(bytes([tag[0] ^ 1]) + tag[1:])
    refused(made({**header, "tag": flipped}, cek, encrypted_key=parts[1]), key, DecryptionFailed)


@pytest.mark.parametrize("enc", ["A128CBC-HS256", "A256CBC-HS512", "A256GCM"])
def test_E9_every_change_fails_alike(enc: str) -> None:
    key = Key.generate(enc)
    parts = segments(jwe.encrypt(CONTENT * 3, key))
    answers = set()
    for at in (2, 3, 4):
        for position in (0, len(parts[at]) - 1):
            broken = bytearray(parts[at])
            broken[position] ^= 0x80
            changed = [*parts[:at], bytes(broken), *parts[at + 1 :]]
            answers.add(str(refused(assembled(changed), key, DecryptionFailed).details()))
    for ciphertext in (b"", parts[3][:-1], parts[3] + bytes(16)):
        changed = [*parts[:3], ciphertext, parts[4]]
        answers.add(str(refused(assembled(changed), key, DecryptionFailed).details()))
    answers.add(str(refused(assembled(parts), Key.generate(enc), DecryptionFailed).details()))
    assert len(answers) == 1


@pytest.mark.parametrize("alg", ["dir", "ECDH-ES"])
def test_E10_no_encrypted_key_where_none_belongs(alg: str) -> None:
    key = key_for(alg)
    parts = segments(jwe.encrypt(CONTENT, key))
    refused(assembled([parts[0], b"x", *parts[2:]]), key, DecryptionFailed)


@pytest.mark.parametrize("alg", ["A128KW", "A256GCMKW", "RSA-OAEP-256", "ECDH-ES+A128KW"])
def test_E11_an_encrypted_key_of_any_wrong_length_fails_cleanly(alg: str) -> None:
    key = key_for(alg)
    parts = segments(jwe.encrypt(CONTENT, key))
    for wrong in (b"", b"x", bytes(8), bytes(16), bytes(23), bytes(24), bytes(40), bytes(256), bytes(300)):
        refused(assembled([parts[0], wrong, *parts[2:]]), key, DecryptionFailed)


@pytest.mark.parametrize("alg", ["A128KW", "A256GCMKW", "RSA-OAEP-256"])
def test_E11_a_content_key_of_another_length_is_refused(alg: str) -> None:
    key = key_for(alg)
    row: Any = key.row
    for size in (16, 24, 48, 64):
        wrapped = row.wrap(key.material, content_encryption("A256GCM"), bytes(size), {})
        header = {"alg": alg, "enc": "A256GCM", **wrapped.header}
        token = made(header, bytes(32), encrypted_key=wrapped.encrypted_key)
        refused(token, key, DecryptionFailed)


# --- headers and form --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": None},
        {"alg": 5},
        {"enc": None},
        {"enc": ["A256GCM"]},
        {"enc": "A256GCM "},
        {"enc": "none"},
        {"crit": ["x"]},
        {"crit": []},
        {"crit": ["b64"], "b64": True},
        {"kid": 5},
    ],
)
def test_S3_S23_S27_header_rules_hold_for_encryption(changes: dict[str, Any]) -> None:
    key = key_for("dir")
    refused(made({"alg": "dir", "enc": "A256GCM", **changes}, key.material.private), key)


@pytest.mark.parametrize(
    "header",
    [b'{"alg":"dir","enc":"A256GCM","enc":"A256GCM"}', b'{"alg":"dir"}', b'{"enc":"A256GCM"}', b"[]", b""],
)
def test_S30_a_header_is_one_unambiguous_object(header: bytes) -> None:
    refused(made(header, key_for("dir").material.private), key_for("dir"), MalformedToken)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + ".",
        lambda token: token + ".AAAA",
        lambda token: token[:-1],
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token.rpartition(".")[0],
        lambda token: "." * 4,
        lambda token: "." * 2_000_000,
        lambda token: token + "A" * 2_000_000,
        lambda token: "",
        lambda token: token.encode(),
        lambda token: None,
        lambda token: "{}",
    ],
)
def test_S35_S36_S38_a_token_has_one_spelling(change: Any) -> None:
    key = key_for("dir")
    refused(change(jwe.encrypt(CONTENT, key)), key)


def test_a_header_cannot_say_what_comes_by_itself() -> None:
    for name in ("alg", "enc", "kid", "zip", "epk", "p2c", "crit"):
        with pytest.raises(ConfigurationError):
            jwe.encrypt(CONTENT, key_for("dir"), header={name: "x"})
    with pytest.raises(ConfigurationError):
        jwe.encrypt("text", key_for("dir"))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError):
        jwe.encrypt(CONTENT, key_for("dir"), enc="A512GCM")
    with pytest.raises(InvalidKey):
        jwe.encrypt(CONTENT, key_for("HS256"))
    with pytest.raises(InvalidKey):
        jwe.decrypt(jwe.encrypt(CONTENT, key_for("A256KW")), Key.from_jwk(jwk("A256KW", key_ops=["wrapKey"])))
    with pytest.raises(InvalidKey):
        jwe.decrypt(jwe.encrypt(CONTENT, key_for("ECDH-ES")), key_for("ECDH-ES").public)


def test_the_same_content_never_looks_the_same() -> None:
    for alg in ("dir", "A256KW", "ECDH-ES", "RSA-OAEP-256"):
        assert len({jwe.encrypt(CONTENT, key_for(alg)) for _ in range(20)}) == 20


def test_O16_what_was_decrypted_is_not_in_the_repr() -> None:
    key = key_for("dir")
    token = jwe.encrypt(CONTENT, key)
    assert "alice" not in repr(jwe.decrypt(token, key))
    assert token not in repr(jwe.parse_compact(token))
