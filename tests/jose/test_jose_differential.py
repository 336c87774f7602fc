"""Ours against PyJWT, joserfc and jwcrypto: each reads what the other made, for every algorithm both have."""

from __future__ import annotations

import json
from typing import Any

import joserfc.errors
import joserfc.jwe
import joserfc.jwk
import joserfc.jws
import jwcrypto.common
import jwcrypto.jwe
import jwcrypto.jwk
import jwcrypto.jws
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jose_keys import key_for

import jwt as pyjwt
from mintmark.errors import MintmarkError
from mintmark.jose import jwe, jws
from mintmark.jose.algorithms import CONTENT, KEY_MANAGEMENT, SIGNATURES
from mintmark.jose.jwk import Key

pytestmark = pytest.mark.filterwarnings("ignore")

PAYLOAD = b'{"sub":"alice","iss":"https://a.example"}'
ENCS = ("A128GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512")
BY_NAME = tuple(alg for alg in KEY_MANAGEMENT if alg == "RSA1_5" or alg.startswith("PBES2"))

PYJWT = [alg for alg in SIGNATURES if not alg.startswith(("ML", "Ed25519", "Ed448"))]
JOSERFC = [alg for alg in SIGNATURES if not alg.startswith("ML")]
WRAPS = [alg for alg in KEY_MANAGEMENT if alg not in CONTENT]
JOSERFC_WRAPS = [alg for alg in WRAPS if alg not in ("RSA-OAEP-384", "RSA-OAEP-512")]
JWCRYPTO_WRAPS = JOSERFC_WRAPS
JWCRYPTO_CURVES = ("P-256", "P-384", "P-521", "X25519", "X448")


def pairs(algs: list[str]) -> list[tuple[str, str]]:
    """Return every pair of alg and enc; a password is stretched for one enc only, because it takes time."""
    return [(alg, enc) for alg in algs for enc in (ENCS[:2] if alg.startswith("PBES2") else ENCS)]


def jwk(key: Key, *, private: bool = True) -> dict[str, Any]:
    return key.to_jwk(private=private or key.kty == "oct")


# --- PyJWT -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", PYJWT)
def test_pyjwt_both_ways(alg: str) -> None:
    key = key_for(alg)
    theirs = pyjwt.PyJWK(jwk(key), algorithm=alg)
    public = pyjwt.PyJWK(jwk(key, private=False), algorithm=alg)
    read = pyjwt.PyJWS().decode_complete(jws.sign(PAYLOAD, key), public, algorithms=[alg])
    assert read["payload"] == PAYLOAD
    assert jws.verify(pyjwt.PyJWS().encode(PAYLOAD, theirs.key, algorithm=alg), key).payload == PAYLOAD


# --- joserfc -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", JOSERFC)
def test_joserfc_signatures_both_ways(alg: str) -> None:
    key = key_for(alg)
    theirs = joserfc.jwk.import_key(jwk(key))
    registry = joserfc.jws.JWSRegistry(algorithms=[alg])
    made = joserfc.jws.serialize_compact({"alg": alg}, PAYLOAD, theirs, registry=registry)
    assert jws.verify(made, key).payload == PAYLOAD
    assert (
        joserfc.jws.deserialize_compact(jws.sign(PAYLOAD, key), theirs, registry=registry).payload == PAYLOAD
    )
    member = {"protected": {"alg": alg}}
    flat: Any = joserfc.jws.serialize_json(member, PAYLOAD, theirs, registry=registry)
    general: Any = joserfc.jws.serialize_json([member], PAYLOAD, theirs, registry=registry)
    for form in (flat, general):
        assert jws.verify_json(form, key).payload == PAYLOAD
    for ours in (jws.sign_json(PAYLOAD, key), jws.sign_json(PAYLOAD, [key])):
        assert joserfc.jws.deserialize_json(ours, theirs, registry=registry).payload == PAYLOAD  # type: ignore[arg-type]


@pytest.mark.parametrize(("alg", "enc"), pairs(JOSERFC_WRAPS))
def test_joserfc_encryption_both_ways(alg: str, enc: str) -> None:
    key = Key.generate("dir", bits=8 * key_bytes(enc)) if alg == "dir" else key_for(alg)
    theirs = joserfc.jwk.import_key(jwk(key))
    registry = joserfc.jwe.JWERegistry(algorithms=[alg, enc])
    made = joserfc.jwe.encrypt_compact({"alg": alg, "enc": enc}, PAYLOAD, theirs, registry=registry)
    assert jwe.decrypt(made, key, allow=BY_NAME).plaintext == PAYLOAD
    if not alg.startswith(
        "PBES2"
    ):  # joserfc refuses more than 300,000 iterations, which is what OWASP asks for
        ours = jwe.encrypt(PAYLOAD, key, enc=enc, allow=BY_NAME)
        assert joserfc.jwe.decrypt_compact(ours, theirs, registry=registry).plaintext == PAYLOAD


def key_bytes(enc: str) -> int:
    return int(enc[1:4]) // 8 * (2 if "CBC" in enc else 1)


# --- jwcrypto ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", SIGNATURES)
def test_jwcrypto_signatures_both_ways(alg: str) -> None:
    key = key_for(alg)
    theirs = jwcrypto.jwk.JWK(**jwk(key))
    for compact in (True, False):
        made = jwcrypto.jws.JWS(PAYLOAD)
        made.add_signature(theirs, alg, json.dumps({"alg": alg}))
        text = made.serialize(compact=compact)
        verify = jws.verify if compact else jws.verify_json
        assert verify(text, key).payload == PAYLOAD
        ours = jws.sign(PAYLOAD, key) if compact else json.dumps(jws.sign_json(PAYLOAD, [key]))
        read = jwcrypto.jws.JWS()
        read.allowed_algs = [alg]
        read.deserialize(ours, theirs)
        assert read.payload == PAYLOAD
    assert theirs.thumbprint() == key.thumbprint
    assert theirs.thumbprint_uri() == key.thumbprint_uri


def test_jwcrypto_and_we_authenticate_the_same_aad() -> None:
    key = key_for("A256KW")
    message = jwe.encrypt_json(PAYLOAD, key, aad=b"context")
    read = jwcrypto.jwe.JWE()
    read.deserialize(json.dumps(message), jwcrypto.jwk.JWK(**jwk(key)))
    assert read.payload == PAYLOAD
    made = jwcrypto.jwe.JWE(PAYLOAD, json.dumps({"alg": "A256KW", "enc": "A256GCM"}), aad="context")
    made.add_recipient(jwcrypto.jwk.JWK(**jwk(key)))
    assert jwe.decrypt_json(made.serialize(), key).plaintext == PAYLOAD


def jwcrypto_both_ways(key: Key, alg: str, enc: str) -> None:
    theirs = jwcrypto.jwk.JWK(**jwk(key))
    for compact in (True, False):
        made = jwcrypto.jwe.JWE(PAYLOAD, json.dumps({"alg": alg, "enc": enc}), algs=[alg, enc])
        made.add_recipient(theirs)
        decrypt = jwe.decrypt if compact else jwe.decrypt_json
        assert decrypt(made.serialize(compact=compact), key, allow=BY_NAME).plaintext == PAYLOAD
        if alg.startswith("PBES2"):
            continue  # jwcrypto refuses more than 16,384 iterations
        ours = (
            jwe.encrypt(PAYLOAD, key, enc=enc, allow=BY_NAME)
            if compact
            else json.dumps(jwe.encrypt_json(PAYLOAD, key, enc=enc, allow=BY_NAME))
        )
        read = jwcrypto.jwe.JWE(algs=[alg, enc])
        read.deserialize(ours, theirs)
        assert read.payload == PAYLOAD


@pytest.mark.parametrize(("alg", "enc"), pairs(JWCRYPTO_WRAPS))
def test_jwcrypto_encryption_both_ways(alg: str, enc: str) -> None:
    key = Key.generate("dir", bits=8 * key_bytes(enc)) if alg == "dir" else key_for(alg)
    jwcrypto_both_ways(key, alg, enc)


@pytest.mark.parametrize("crv", JWCRYPTO_CURVES)
@pytest.mark.parametrize("alg", ["ECDH-ES", "ECDH-ES+A256KW"])
def test_jwcrypto_key_agreement_on_every_curve(alg: str, crv: str) -> None:
    jwcrypto_both_ways(Key.generate(alg, crv=crv), alg, "A256GCM")


# --- what one takes and another refuses --------------------------------------------------------------------


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(
            ['"alg":"HS256"', '"kid":"a"', '"typ":"JWT"', '"crit":["b64"]', '"b64":true', '"x":1', '"cty":5']
        ),
        max_size=4,
    ),
    st.sampled_from([",", ", ", ",,", " ,"]),
)
def test_what_we_take_the_others_read_alike(members: list[str], separator: str) -> None:
    """We may refuse more (RFC 7515 4: unique names), never less, and never read another payload."""
    key = key_for("HS256")
    header = jws.compact.b64url_encode(("{" + separator.join(members) + "}").encode())
    signing_input = f"{header}.{jws.compact.b64url_encode(PAYLOAD)}"
    assert key.sign_bytes is not None
    token = f"{signing_input}.{jws.compact.b64url_encode(key.sign_bytes(signing_input.encode()))}"
    try:
        payload = jws.verify(token, key).payload
    except MintmarkError:
        return
    theirs = jwcrypto.jwk.JWK(**jwk(key))
    read = jwcrypto.jws.JWS()
    read.deserialize(token, theirs)
    assert payload == PAYLOAD == read.payload
