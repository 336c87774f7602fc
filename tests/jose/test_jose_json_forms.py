"""The JSON forms of JWS and JWE: which signature or recipient counts, and which header part may say what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jose_keys import key_for

from mintmark.errors import (
    AlgorithmNotAllowed,
    ConfigurationError,
    DecryptionFailed,
    InvalidKey,
    InvalidSignature,
    InvalidToken,
    MalformedToken,
    UnknownKey,
)
from mintmark.jose import jwe, jws
from mintmark.jose.encoding import b64url_decode, b64url_encode, json_decode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

PAYLOAD = b'{"sub":"alice"}'
HMAC, EC = key_for("HS256"), key_for("ES256")


def protected(header: Any) -> str:
    return b64url_encode(json.dumps(header).encode())


def signed_by_hand(key: Key, header: dict[str, Any], body: str) -> str:
    assert key.sign_bytes is not None
    return b64url_encode(key.sign_bytes(f"{protected(header)}.{body}".encode()))


# --- signatures --------------------------------------------------------------------------------------------


def test_flattened_and_general_come_back() -> None:
    flat = jws.sign_json(PAYLOAD, EC, header={"typ": "JWT"}, unprotected={"note": "x"})
    assert set(flat) == {"payload", "protected", "header", "signature"}
    general = jws.sign_json(PAYLOAD, [HMAC, EC])
    assert set(general) == {"payload", "signatures"}
    for form in (flat, general):
        for data in (form, json.dumps(form), json.dumps(form).encode()):
            verified = jws.verify_json(data, EC.public)
            assert verified.payload == PAYLOAD
            assert verified.key == EC.public
    assert jws.verify_json(flat, EC).header["note"] == "x"


def test_E12_S32_the_result_names_the_signature_that_was_verified() -> None:
    general = jws.sign_json(PAYLOAD, [HMAC, EC])
    assert jws.verify_json(general, KeySet([EC.public])).header["alg"] == "ES256"
    assert jws.verify_json(general, KeySet([HMAC])).header["alg"] == "HS256"
    with pytest.raises(UnknownKey):
        jws.verify_json(general, KeySet([key_for("RS256")]))
    with pytest.raises(AlgorithmNotAllowed):
        jws.verify_json(general, key_for("RS256"))


def test_one_signature_that_holds_is_enough() -> None:
    general = jws.sign_json(PAYLOAD, [Key.generate("HS256"), HMAC])
    assert jws.verify_json(general, HMAC).key == HMAC
    with pytest.raises(InvalidSignature):
        jws.verify_json(general, Key.generate("HS256"))


def test_a_signature_that_is_meant_for_others_does_not_stand_in_the_way() -> None:
    general = jws.sign_json(PAYLOAD, [EC, HMAC])
    for foreign in (
        {"header": {"alg": "ES256"}, "signature": "AAAA"},
        {"protected": protected({"alg": "FUTURE-1"}), "signature": "AAAA"},
        {"protected": protected({"alg": "HS256", "crit": ["x"], "x": 1}), "signature": "AAAA"},
    ):
        assert jws.verify_json({**general, "signatures": [foreign, *general["signatures"]]}, HMAC).key == HMAC


def test_detached_and_unencoded_payloads() -> None:
    detached = jws.sign_json(PAYLOAD, EC, detached=True)
    assert "payload" not in detached
    assert jws.verify_json(detached, EC, detached_payload=PAYLOAD).payload == PAYLOAD
    plain = jws.sign_json("naïve.text".encode(), [EC, HMAC], b64=False)
    assert plain["payload"] == "naïve.text"
    assert jws.verify_json(json.dumps(plain), HMAC).payload == "naïve.text".encode()
    raw = jws.sign_json(b"\xff\0", EC, b64=False, detached=True)
    assert jws.verify_json(raw, EC, detached_payload=b"\xff\0").payload == b"\xff\0"
    with pytest.raises(ConfigurationError):
        jws.sign_json(b"\xff\0", EC, b64=False)
    with pytest.raises(MalformedToken):
        jws.verify_json(detached, EC)
    with pytest.raises(MalformedToken):
        jws.verify_json(jws.sign_json(PAYLOAD, EC), EC, detached_payload=PAYLOAD)
    mixed = [*jws.sign_json(PAYLOAD, [EC])["signatures"], *plain["signatures"]]
    with pytest.raises(MalformedToken, match="b64"):
        jws.verify_json({"payload": "AAAA", "signatures": mixed}, EC)


FLAT = jws.sign_json(PAYLOAD, HMAC)
ENTRY = {name: FLAT[name] for name in ("protected", "signature")}


@pytest.mark.parametrize(
    "message",
    [
        {"payload": FLAT["payload"], "signatures": []},
        {"payload": FLAT["payload"], "signatures": None},
        {"payload": FLAT["payload"], "signatures": {}},
        {"payload": FLAT["payload"], "signatures": [5]},
        {"payload": FLAT["payload"], "signatures": [ENTRY] * 65},
        {"payload": FLAT["payload"], "signatures": [ENTRY, {**ENTRY, "signature": 5}]},
        {"payload": FLAT["payload"], "signatures": [ENTRY, {**ENTRY, "signature": "="}]},
        {"payload": FLAT["payload"]},
        {**FLAT, "signatures": [ENTRY]},
        {**FLAT, "signatures": []},
        {**FLAT, "signature": None},
        {**FLAT, "signature": ["x"]},
        {**FLAT, "protected": None},
        {**FLAT, "protected": ""},
        {**FLAT, "protected": {"alg": "HS256"}},
        {**FLAT, "header": {}},
        {**FLAT, "header": None},
        {**FLAT, "header": []},
        {**FLAT, "header": {"alg": "HS256"}},
        {**FLAT, "header": {"kid": "other"}},
        {**FLAT, "header": {"crit": ["x"], "x": 1}},
        {**FLAT, "header": {"b64": False}},
        {**FLAT, "header": {"typ": 5}},
        {**FLAT, "payload": None},
        {**FLAT, "payload": 5},
        {**FLAT, "payload": FLAT["payload"] + "="},
        {"payload": FLAT["payload"], "header": {"alg": "HS256"}, "signature": FLAT["signature"]},
        {},
        [],
        5,
    ],
)
def test_S31_S32_a_message_that_is_not_as_it_must_be_is_refused(message: Any) -> None:
    for data in (json.dumps(message), message if isinstance(message, dict) else json.dumps(message)):
        with pytest.raises(InvalidToken):
            jws.verify_json(data, HMAC)


def test_S31_an_unprotected_alg_is_refused_even_when_the_signature_holds() -> None:
    signature = HMAC.sign_bytes(b"." + FLAT["payload"].encode()) if HMAC.sign_bytes else b""
    message = {"payload": FLAT["payload"], "header": {"alg": "HS256"}, "signature": b64url_encode(signature)}
    with pytest.raises(MalformedToken, match="protected"):
        jws.verify_json(message, HMAC)


@pytest.mark.parametrize("text", ["", "{", '{"payload":"","payload":""}', b"\xff", "null", "x" * 2_000_000])
def test_S30_S38_a_text_is_one_unambiguous_object(text: Any) -> None:
    with pytest.raises(MalformedToken):
        jws.verify_json(text, HMAC)
    with pytest.raises(MalformedToken):
        jwe.decrypt_json(text, key_for("dir"))


@pytest.mark.parametrize(
    "options", [{"header": {"alg": "x"}}, {"unprotected": {"alg": "x"}}, {"unprotected": {"b64": True}}]
)
def test_signing_refuses_what_verifying_would(options: Any) -> None:
    with pytest.raises(ConfigurationError):
        jws.sign_json(PAYLOAD, HMAC, **options)


def test_signing_with_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        jws.sign_json(PAYLOAD, [])
    with pytest.raises(InvalidKey):
        jws.sign_json(PAYLOAD, [EC.public])


# --- encryption --------------------------------------------------------------------------------------------

WRAP, AGREE, RSA = key_for("A256KW"), key_for("ECDH-ES+A256KW"), key_for("RSA-OAEP-256")


def test_every_recipient_opens_the_same_content() -> None:
    gcm = key_for("A256GCMKW")
    message = jwe.encrypt_json(
        PAYLOAD, [WRAP, AGREE.public, RSA.public, gcm], aad=b"context", unprotected={"note": "x"}
    )
    assert len(message["recipients"]) == 4
    for key in (WRAP, AGREE, RSA, gcm):
        decrypted = jwe.decrypt_json(json.dumps(message), KeySet([key]))
        assert decrypted.plaintext == PAYLOAD
        assert decrypted.key == key
        assert decrypted.header["alg"] == key.alg
        assert decrypted.header["note"] == "x"
    with pytest.raises(UnknownKey):
        jwe.decrypt_json(message, KeySet([key_for("A192KW")]))
    with pytest.raises(DecryptionFailed):
        jwe.decrypt_json(message, Key.generate("A256KW"))


@pytest.mark.parametrize("alg", ["dir", "ECDH-ES", "A256KW", "RSA-OAEP", "A256CBC-HS512"])
def test_the_flattened_form_protects_everything_about_its_recipient(alg: str) -> None:
    key = key_for(alg)
    message = jwe.encrypt_json(PAYLOAD, key, compress=True)
    assert "header" not in message
    assert {"alg", "enc", "kid", "zip"} <= set(json_decode(b64url_decode(message["protected"])))
    assert jwe.decrypt_json(message, key, allow_zip=True).plaintext == PAYLOAD


def test_direct_keys_have_no_company() -> None:
    for alg in ("dir", "ECDH-ES"):
        assert jwe.decrypt_json(jwe.encrypt_json(PAYLOAD, [key_for(alg)]), key_for(alg)).plaintext == PAYLOAD
        for keys in ([key_for(alg), WRAP], [WRAP, key_for(alg)]):
            with pytest.raises(InvalidKey, match="single recipient"):
                jwe.encrypt_json(PAYLOAD, keys)
    with pytest.raises(ConfigurationError):
        jwe.encrypt_json(PAYLOAD, [])


SEALED = jwe.encrypt_json(PAYLOAD, WRAP, aad=b"context", unprotected={"note": "x"})
TWO = jwe.encrypt_json(PAYLOAD, [WRAP, RSA.public])


@pytest.mark.parametrize(
    "message",
    [
        {**SEALED, "aad": b64url_encode(b"other")},
        {name: value for name, value in SEALED.items() if name != "aad"},
        {**TWO, "aad": "AAAA"},
        {**SEALED, "aad": 5},
        {**SEALED, "aad": "="},
        {**SEALED, "protected": ""},
        {**SEALED, "protected": None},
        {**SEALED, "unprotected": {"enc": "A256GCM"}},
        {**SEALED, "unprotected": {"alg": "A256KW"}},
        {**SEALED, "unprotected": {"zip": "DEF"}},
        {**SEALED, "unprotected": {"crit": ["x"], "x": 1}},
        {**SEALED, "unprotected": {}},
        {**SEALED, "unprotected": []},
        {**SEALED, "header": {"zip": "DEF"}},
        {**SEALED, "header": {"note": "twice"}},
        {**SEALED, "header": {}},
        {**SEALED, "iv": None},
        {**SEALED, "iv": ""},
        {**SEALED, "tag": ""},
        {**SEALED, "tag": ["x"]},
        {**SEALED, "ciphertext": ""},
        {**SEALED, "ciphertext": None},
        {name: value for name, value in SEALED.items() if name != "ciphertext"},
        {**SEALED, "encrypted_key": ""},
        {**SEALED, "encrypted_key": 5},
        {**SEALED, "recipients": []},
        {**SEALED, "recipients": [{"encrypted_key": SEALED["encrypted_key"]}]},
        {**TWO, "recipients": []},
        {**TWO, "recipients": {}},
        {**TWO, "recipients": [5]},
        {**TWO, "recipients": TWO["recipients"] * 33},
        {**TWO, "recipients": [TWO["recipients"][0], {**TWO["recipients"][1], "header": 5}]},
        {
            **TWO,
            "recipients": [
                {**TWO["recipients"][0], "header": {**TWO["recipients"][0]["header"], "enc": "A128GCM"}}
            ],
        },
        {},
    ],
)
def test_S31_E12_an_encrypted_message_that_is_not_as_it_must_be_is_refused(message: Any) -> None:
    for data in (json.dumps(message), message):
        with pytest.raises(InvalidToken):
            jwe.decrypt_json(data, WRAP, allow_zip=True)


def test_recipients_share_one_enc() -> None:
    first, second = TWO["recipients"]
    clear = json_decode(b64url_decode(TWO["protected"]))
    assert clear == {"enc": "A256GCM"}
    message = {
        **{name: TWO[name] for name in ("iv", "ciphertext", "tag")},
        "recipients": [
            {**first, "header": {**first["header"], "enc": "A256GCM"}},
            {**second, "header": {**second["header"], "enc": "A128GCM"}},
        ],
    }
    with pytest.raises(MalformedToken, match="every recipient"):
        jwe.decrypt_json(message, WRAP)
