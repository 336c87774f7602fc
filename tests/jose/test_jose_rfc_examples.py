"""The examples that the RFCs print, with their intermediate values, read from the folder of vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mintmark.errors import InvalidToken
from mintmark.jose import jwe, jws
from mintmark.jose.algorithms import content_encryption, ecdh_es
from mintmark.jose.encoding import b64url_decode, b64url_encode, json_decode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from vectors import ROOT, load, needs_vectors

pytestmark = needs_vectors

BY_NAME = ("RSA1_5", "PBES2-HS256+A128KW", "PBES2-HS512+A256KW")
COOKBOOK = ROOT / "rfc7520-cookbook"


def header_of(compact: str) -> dict[str, Any]:
    header: dict[str, Any] = json_decode(b64url_decode(compact.partition(".")[0]))
    return header


def key(members: dict[str, Any], alg: str) -> Key:
    return Key.from_jwk(members, alg=None if "alg" in members else alg)


@pytest.mark.parametrize("at", range(4))
def test_rfc7515_appendix_a_compact(at: int) -> None:
    example = load("rfc", "rfc7515.json")["compact"][at]
    signer = key(example["key"], example["alg"])
    assert jws.verify(example["jws"], signer).payload
    if example["alg"] in ("HS256", "RS256"):  # deterministic: we make the very same signature
        signing_input, _, signature = example["jws"].rpartition(".")
        assert signer.sign_bytes is not None
        assert b64url_encode(signer.sign_bytes(signing_input.encode())) == signature


def test_rfc7515_appendix_a6_a7_json_and_e_crit() -> None:
    examples = load("rfc", "rfc7515.json")
    for example in examples["json"]:
        for members in example["keys"]:
            alg = "RS256" if members["kty"] == "RSA" else "ES256"
            assert jws.verify_json(example["jws"], key(members, alg)).payload
    with pytest.raises(InvalidToken):
        jws.verify(examples["negative_crit_E"], KeySet())


@pytest.mark.parametrize("at", range(3))
def test_rfc7516_appendix_a_compact(at: int) -> None:
    example = load("rfc", "rfc7516.json")["compact"][at]
    recipient = key(example["key"], header_of(example["jwe"])["alg"])
    decrypted = jwe.decrypt(example["jwe"], recipient, allow=BY_NAME)
    assert decrypted.plaintext == bytes.fromhex(example["plaintext"])


def test_rfc7516_appendix_a4_a5_json() -> None:
    for example in load("rfc", "rfc7516.json")["json"]:
        for members in example["keys"]:
            recipient = key(members, "RSA1_5" if members["kty"] == "RSA" else "A128KW")
            decrypted = jwe.decrypt_json(example["jwe"], recipient, allow=BY_NAME)
            assert decrypted.plaintext == bytes.fromhex(example["plaintext"])


def test_rfc7517_key_sets() -> None:
    examples = load("rfc", "rfc7517.json")
    public = KeySet.from_jwks(examples["public_keys"])
    assert [found.thumbprint for found in public] == examples["public_keys"]["thumbprints"]
    private = KeySet.from_jwks(examples["private_keys"])
    assert [found.thumbprint for found in private] == examples["public_keys"]["thumbprints"]
    assert all(found.is_private for found in private)
    assert (
        KeySet.from_jwks(examples["symmetric_keys"]).get("HMAC key used in JWS spec Appendix A.1 example")
        is None
    )
    asked = KeySet.from_jwks(examples["symmetric_keys"], algorithms=["A128KW", "HS256"])
    assert [found.alg for found in asked] == ["A128KW", "HS256"]
    assert Key.from_jwk(examples["x5c_key"]).alg == "RS256"


def test_rfc7517_appendix_c_a_key_under_a_password() -> None:
    example = load("rfc", "rfc7517.json")["encrypted_key"]
    alg = header_of(example["jwe"])["alg"]
    password = Key.from_secret(example["password"].encode(), alg=alg)
    members = json_decode(jwe.decrypt(example["jwe"], password, allow=BY_NAME).plaintext)
    assert members == example["plaintext_jwk"]
    assert Key.from_jwk(members, alg="RSA-OAEP").is_private


def test_rfc7518_appendix_b_cbc_and_hmac() -> None:
    for example in load("rfc", "rfc7518.json")["aes_cbc_hmac"]:
        row = content_encryption(example["enc"])
        k, p, iv, a, e, t = (bytes.fromhex(example[name]) for name in ("K", "P", "IV", "A", "E", "T"))
        assert row.encrypt(k, iv, p, a) == (e, t)
        assert row.decrypt(k, iv, e, t, a) == p


def test_rfc7518_appendix_c_key_agreement() -> None:
    example = load("rfc", "rfc7518.json")["ecdh_es"]
    bob = Key.from_jwk(example["bob"], alg="ECDH-ES")
    row = content_encryption("A128GCM")
    cek = ecdh_es.ROWS[0].unwrap(bob.material, row, example["header"], b"")
    assert b64url_encode(cek) == example["derived_key_b64"]
    alice = Key.from_jwk(example["alice_ephemeral"], alg="ECDH-ES")
    assert ecdh_es._exchange(alice.material.private, bob.material.public).hex() == example["Z"]


def test_rfc7519_examples() -> None:
    examples = load("rfc", "rfc7519.json")
    signed = examples["hs256_3_1"]
    assert json_decode(jws.verify(signed["jwt"], key(signed["key"], "HS256")).payload) == examples["claims"]
    for keys in (KeySet(), key(signed["key"], "HS256")):
        with pytest.raises(InvalidToken):
            jws.verify(examples["unsecured_6_1"], keys)
    encrypted = examples["encrypted_A_1"]
    recipient = key(encrypted["key"], "RSA1_5")
    assert (
        json_decode(jwe.decrypt(encrypted["jwt"], recipient, allow=BY_NAME).plaintext) == examples["claims"]
    )
    nested = examples["nested_A_2"]
    inner = jwe.decrypt(nested["jwt"], key(nested["outer_key"], "RSA1_5"), allow=BY_NAME)
    assert inner.header["cty"] == "JWT"
    verified = jws.verify(inner.plaintext.decode(), key(nested["inner_key"], "RS256"))
    assert json_decode(verified.payload) == examples["claims"]


def test_rfc7638_thumbprint() -> None:
    example = load("rfc", "rfc7638.json")
    assert Key.from_jwk(example["jwk"]).thumbprint == example["thumbprint_sha256"]


@pytest.mark.parametrize("at", range(4))
def test_rfc7797_unencoded_payloads(at: int) -> None:
    examples = load("rfc", "rfc7797.json")
    example, signer = examples["tests"][at], Key.from_jwk(examples["key"], alg="HS256")
    payload = example["payload"].encode()
    assert jws.verify_json(example["flattened"], signer).payload == payload
    parts = jws.parse_compact(example["compact"])
    detached = None if parts.encoded_payload else payload
    assert jws.verify(example["compact"], signer, detached_payload=detached).payload == payload


def test_rfc8037_examples() -> None:
    examples = load("rfc", "rfc8037.json")
    signer = Key.from_jwk(examples["private_jwk"], alg="EdDSA")
    assert signer.thumbprint == examples["thumbprint_sha256"]
    assert jws.verify(examples["jws"], signer.public).payload == examples["payload"].encode()
    assert (
        jws.sign(examples["payload"].encode(), Key.from_jwk({**examples["private_jwk"], "alg": "EdDSA"}))
        != ""
    )
    signing_input, _, signature = examples["jws"].rpartition(".")
    assert signer.sign_bytes is not None
    assert b64url_encode(signer.sign_bytes(signing_input.encode())) == signature


def test_rfc9964_ml_dsa() -> None:
    example = load("mldsa", "ML_DSA_44.jose.json")
    signer = Key.from_jwk(example["jwk"])
    assert signer.thumbprint == example["jwk"]["kid"]
    assert signer.is_private
    verified = jws.verify(example["jws"], signer.public)
    assert verified.header["alg"] == "ML-DSA-44"
    assert signer.to_jwk(private=True)["priv"] == example["jwk"]["priv"]


# --- the cookbook (RFC 7520) -------------------------------------------------------------------------------


def cookbook(folder: str) -> list[Any]:
    paths = sorted(COOKBOOK.glob(f"{folder}/*.json"))
    return [pytest.param(path, id=path.stem) for path in paths]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize(
    "path", [*cookbook("jws"), *(each for each in cookbook("curve25519") if "jws" in each.id)]
)
def test_rfc7520_signatures(path: Path) -> None:
    example = json.loads(path.read_text("utf-8"))
    payload, output = example["input"]["payload"].encode(), example["output"]
    checked = 0
    for members, alg, signing in zip(
        as_list(example["input"]["key"]),
        as_list(example["input"]["alg"]),
        as_list(example["signing"]),
        strict=True,
    ):
        if "alg" not in signing.get("protected", {}):
            continue  # this library takes alg only where it is protected (attack S31)
        signer = key(members, alg)
        for name, form in output.items():
            verify = jws.verify if name == "compact" else jws.verify_json
            detached = (
                payload
                if (form.split(".")[1] == "" if name == "compact" else "payload" not in form)
                else None
            )
            assert verify(form, signer, detached_payload=detached).payload == payload
            checked += 1
        if alg.startswith(("HS", "RS", "Ed")):
            assert signer.sign_bytes is not None
            assert b64url_encode(signer.sign_bytes(signing["sig-input"].encode())) == signing["sig"]
    assert checked or path.stem.startswith("4_7")


@pytest.mark.parametrize(
    "path", [*cookbook("jwe"), *(each for each in cookbook("curve25519") if "ecdh" in each.id)]
)
def test_rfc7520_encryption(path: Path) -> None:
    example = json.loads(path.read_text("utf-8"))
    plaintext = example["input"]["plaintext"].encode()
    if "pwd" in example["input"]:
        recipients = [Key.from_secret(example["input"]["pwd"].encode(), alg=example["input"]["alg"])]
    else:
        pairs = zip(as_list(example["input"]["key"]), as_list(example["input"]["alg"]), strict=True)
        recipients = [key(members, alg) for members, alg in pairs]
    for recipient in recipients:
        for name, form in example["output"].items():
            decrypt = jwe.decrypt if name == "compact" else jwe.decrypt_json
            decrypted = decrypt(form, recipient, allow=BY_NAME, allow_zip=True)
            assert decrypted.plaintext == plaintext


def test_rfc7520_section_6_nesting() -> None:
    example = load("rfc7520-cookbook", "6.nesting_signatures_and_encryption.json")
    sign, encrypt = example["sign"], example["encrypt"]
    outer = jwe.decrypt(encrypt["output"]["compact"], key(encrypt["input"]["key"], encrypt["input"]["alg"]))
    assert outer.plaintext.decode() == sign["output"]["compact"]
    assert jws.verify(outer.plaintext.decode(), key(sign["input"]["key"], sign["input"]["alg"])).payload


@pytest.mark.parametrize("path", cookbook("jwk"))
def test_rfc7520_keys(path: Path) -> None:
    members = json.loads(path.read_text("utf-8"))
    found = key(
        members, {"enc": "A256GCM", "sig": "HS256"}[members["use"]] if members["kty"] == "oct" else ""
    )
    private = {"d", "k"} & set(members)
    assert found.kid == members["kid"]
    for name, value in found.to_jwk(private=bool(private)).items():
        assert members.get(name, value) == value
