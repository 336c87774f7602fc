"""Attacks on the sealed content: lengths, tags, encrypted keys, headers and form (rows E7 to E11, S)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jose_keys import jwk, key_for
from sealing import CONTENT, assembled, made, refused, segments

from mintmark.errors import (
    ConfigurationError,
    DecryptionFailed,
    InvalidKey,
    MalformedToken,
)
from mintmark.jose import jwe
from mintmark.jose.algorithms import content_encryption
from mintmark.jose.encoding import b64url_decode, b64url_encode
from mintmark.jose.jwk import Key

# --- E7 to E11: lengths, tags, encrypted keys --------------------------------------------------------------


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"])
def test_E7_E9_iv_and_tag_have_their_exact_length(enc: str) -> None:
    key = Key.generate(enc)
    parts = segments(jwe.encrypt(CONTENT, key))
    for at in (2, 4):
        for wrong in (b"", parts[at][:1], parts[at][:8], parts[at][:-1], parts[at] + b"\0", parts[at] * 2):
            refused(assembled([*parts[:at], wrong, *parts[at + 1 :]]), key, DecryptionFailed)


@pytest.mark.parametrize("alg", ["HPKE-0", "HPKE-0-KE", "HPKE-7", "hpke-0", "HPKE-0 "])
def test_E15_hpke_is_unknown_here_under_any_name(alg: str) -> None:
    """Its draft is not built: no key takes such a name, and no key answers to it."""
    with pytest.raises(InvalidKey):
        Key.generate(alg)
    for key in (key_for("ECDH-ES"), key_for("dir")):
        with pytest.raises(InvalidKey):
            Key.from_jwk({**key.to_jwk(private=True), "alg": alg})
        header = {"alg": alg, "enc": "A256GCM", "ek": "AAAA", "psk_id": "AA"}
        refused(assembled([json.dumps(header).encode(), b"", b"", CONTENT, bytes(16)]), key)


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
