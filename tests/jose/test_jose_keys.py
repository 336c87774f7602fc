"""Keys: where their algorithm comes from, how they are read from files and written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from jose_keys import ALL, PAIRS, jwk, key_for

from mintmark.errors import ConfigurationError, InvalidKey
from mintmark.jose.encoding import b64url_encode
from mintmark.jose.jwk import Key

# --- where the algorithm comes from ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made_for", "use", "alg"),
    [
        ("ES256", None, "ES256"),
        ("ES384", "sig", "ES384"),
        ("ES512", None, "ES512"),
        ("ES256K", None, "ES256K"),
        ("ES256", "enc", "ECDH-ES"),
        ("EdDSA", None, "Ed25519"),
        ("Ed448", "sig", "Ed448"),
        ("PS384", None, "RS256"),
        ("ECDH-ES", None, "ES256"),
    ],
)
def test_a_key_that_states_none_follows_its_curve_and_use(made_for: str, use: str | None, alg: str) -> None:
    assert Key.from_jwk(jwk(made_for, alg=None, use=use)).alg == alg


def test_a_montgomery_key_is_for_key_agreement() -> None:
    members = Key.generate("ECDH-ES", crv="X25519").to_jwk()
    del members["alg"], members["use"]
    assert Key.from_jwk(members).alg == "ECDH-ES"


@pytest.mark.parametrize(("made_for", "use"), [("HS256", None), ("A256KW", "enc"), ("RSA-OAEP-256", "enc")])
def test_anything_else_is_asked_of_the_caller(made_for: str, use: str | None) -> None:
    members = jwk(made_for, alg=None, use=use)
    with pytest.raises(InvalidKey, match="states no algorithm"):
        Key.from_jwk(members)
    assert Key.from_jwk(members, alg=made_for).alg == made_for


def test_where_both_speak_they_must_agree() -> None:
    assert Key.from_jwk(jwk("PS384"), alg="PS384").alg == "PS384"
    assert Key.from_jwk(jwk("EdDSA"), alg="Ed25519").alg == "EdDSA"  # one algorithm, two names
    with pytest.raises(InvalidKey, match="not the one asked for"):
        Key.from_jwk(jwk("PS384"), alg="PS256")
    with pytest.raises(InvalidKey):
        Key.from_jwk(jwk("EdDSA"), alg="Ed448")


@pytest.mark.parametrize(
    ("made_for", "alg"),
    [
        ("ES256", "ES384"),
        ("ES256", "ES256K"),
        ("ES256", "RS256"),
        ("RS256", "HS256"),
        ("Ed25519", "Ed448"),
        ("Ed25519", "ECDH-ES"),
        ("HS256", "ES256"),
        ("ES256", "none"),
        ("HS256", "none"),
        ("HS256", "hs256"),
        ("ML-DSA-44", "ML-DSA-65"),
    ],
)
def test_S7_K5_an_algorithm_for_other_keys_is_refused(made_for: str, alg: str) -> None:
    with pytest.raises(InvalidKey):
        Key.from_jwk(jwk(made_for, alg=alg))
    with pytest.raises(InvalidKey):
        Key.from_jwk(jwk(made_for, alg=None, use=None), alg=alg)


def test_S1_no_key_is_for_none() -> None:
    for alg in ("none", "None", "NONE", "", "noNE"):
        with pytest.raises(InvalidKey):
            Key.generate(alg)
        with pytest.raises(InvalidKey):
            Key.from_secret(b"x" * 64, alg=alg)


# --- what it is and how it is written ----------------------------------------------------------------------


@pytest.mark.parametrize("alg", ALL)
def test_a_key_survives_its_jwk(alg: str) -> None:
    key = key_for(alg)
    again = Key.from_jwk(key.to_jwk(private=True))
    assert again == key
    assert hash(again) == hash(key)
    if alg in PAIRS:
        assert Key.from_jwk(key.to_jwk()) == key.public != key
        assert not {"d", "p", "q", "dp", "dq", "qi", "priv", "k"} & set(key.to_jwk())
    else:
        with pytest.raises(InvalidKey):
            key.to_jwk()


@pytest.mark.parametrize("alg", PAIRS)
def test_a_key_survives_its_pem(alg: str) -> None:
    key = key_for(alg)
    assert Key.from_pem(key.to_pem(private=True), alg=alg, kid=key.kid) == key
    assert Key.from_pem(key.to_pem(), alg=alg, kid=key.kid) == key.public
    locked = key.to_pem(private=True, password=b"open sesame")
    assert "ENCRYPTED" in locked
    assert Key.from_pem(locked, alg=alg, password=b"open sesame", kid=key.kid) == key
    for password in (None, b"wrong", b""):
        with pytest.raises(InvalidKey):
            Key.from_pem(locked, alg=alg, password=password)
    with pytest.raises(InvalidKey):
        key.public.to_pem(private=True)


def test_pem_forms_that_other_tools_write() -> None:
    elliptic, modular = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    edwards = ed25519.Ed25519PrivateKey.generate()
    encodings, formats = serialization.Encoding, serialization.PrivateFormat
    plain = serialization.NoEncryption()
    for native, alg in ((elliptic, "ES256"), (modular, "RS256"), (edwards, "Ed25519")):
        public = native.public_key()
        texts = [
            native.private_bytes(encodings.PEM, formats.OpenSSH, plain),
            public.public_bytes(encodings.OpenSSH, serialization.PublicFormat.OpenSSH),
            b"\n# a comment\n"
            + public.public_bytes(encodings.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        ]
        if alg != "Ed25519":
            texts.append(native.private_bytes(encodings.PEM, formats.TraditionalOpenSSL, plain))
        thumbprints = {Key.from_pem(text, alg=alg).thumbprint for text in texts}
        der = native.private_bytes(encodings.DER, formats.PKCS8, plain)
        thumbprints.add(Key.from_der(der).thumbprint)
        spki = public.public_bytes(encodings.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        thumbprints.add(Key.from_der(spki).thumbprint)
        assert len(thumbprints) == 1
        with pytest.raises(InvalidKey):
            Key.from_pem(der)
        with pytest.raises(InvalidKey):
            Key.from_der(texts[0])


@pytest.mark.parametrize(
    "data",
    [
        "",
        "garbage",
        b"\x30\x82",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
        None,
        5,
        "ssh-rsa AAAA",
    ],
)
def test_what_is_no_key_is_refused(data: Any) -> None:
    with pytest.raises(InvalidKey):
        Key.from_pem(data)
    with pytest.raises(InvalidKey):
        Key.from_der(data)


def test_keys_of_other_systems_are_refused() -> None:
    encodings = serialization.Encoding
    foreign = [
        dsa.generate_private_key(2048).public_key(),
        ec.generate_private_key(ec.SECP224R1()).public_key(),
    ]
    for public in foreign:
        pem = public.public_bytes(encodings.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(InvalidKey):
            Key.from_pem(pem)


def test_a_file_says_what_it_holds(tmp_path: Path) -> None:
    key = key_for("ES256")
    path = tmp_path / "a key.pem"
    path.write_text(key.to_pem(private=True))
    assert Key.from_file(path).thumbprint == key.thumbprint
    path.write_bytes(b"  " + b'{"kty":"oct","alg":"HS256","k":"' + b"A" * 43 + b'"}')
    assert Key.from_file(str(path), kid="mine").kid == "mine"
    native = key.material.public
    path.write_bytes(
        native.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    assert Key.from_file(path) == Key.from_jwk({**key.to_jwk(), "kid": key.thumbprint})
    path.write_bytes(b"a secret that nobody should guess to be one")
    with pytest.raises(InvalidKey):
        Key.from_file(path, alg="HS256")
    path.write_bytes(b"x" * ((1 << 20) + 1))
    with pytest.raises(InvalidKey, match="longer"):
        Key.from_file(path)
    for wrong in (tmp_path, tmp_path / "none", "nul\0byte"):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            Key.from_file(wrong)


def test_thumbprints_name_a_key() -> None:
    key = Key.generate("ES256")
    assert key.kid == key.thumbprint
    assert key.public.thumbprint == key.thumbprint
    assert key.thumbprint_uri == "urn:ietf:params:oauth:jwk-thumbprint:sha-256:" + key.thumbprint
    assert Key.generate("ES256", kid="mine").kid == "mine"
    assert key.named("other").kid == "other"
    assert key.named("other") != key


def test_a_password_is_not_named_by_its_hash() -> None:
    key = Key.from_secret(b"correct horse", alg="PBES2-HS256+A128KW")
    assert key.kid == ""
    assert "kid" not in key.to_jwk(private=True)


@pytest.mark.parametrize("alg", ALL)
def test_O16_no_secret_appears_in_a_repr(alg: str) -> None:
    key = key_for(alg)
    secrets = {
        value for name, value in key.to_jwk(private=True).items() if name in ("d", "k", "p", "q", "priv")
    }
    for text in (repr(key), str(key), repr(key.material)):
        assert not any(secret in text for secret in secrets)
        assert len(text) < 200


def test_O16_no_secret_appears_in_a_refusal() -> None:
    secret = b64url_encode(b"hunter2 hunter2 ")
    for members in (
        {"kty": "oct", "k": secret, "alg": "HS256"},
        {"kty": "oct", "k": secret + "=", "alg": "HS256"},
        {"kty": "EC", "crv": "P-256", "x": secret, "y": secret, "d": secret},
        {"kty": "oct", "k": secret},
    ):
        with pytest.raises(InvalidKey) as caught:
            Key.from_jwk(members)
        assert secret not in str(caught.value.details())
        assert "hunter2" not in str(caught.value.details())


def test_a_key_cannot_be_changed() -> None:
    key = key_for("ES256")
    with pytest.raises(AttributeError):
        key.alg = "HS256"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        key.anything = 1  # type: ignore[attr-defined]
    members = key.to_jwk()
    members["alg"] = "HS256"
    assert key.to_jwk()["alg"] == "ES256"
