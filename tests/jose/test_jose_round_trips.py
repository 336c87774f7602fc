"""Every algorithm makes a key that signs or encrypts, and its public half or itself verifies or decrypts."""

from __future__ import annotations

from functools import cache

import pytest

from mintmark.errors import DecryptionFailed, InvalidKey, InvalidSignature
from mintmark.jose import jwe, jws
from mintmark.jose.algorithms import CONTENT, KEY_MANAGEMENT, SIGNATURES
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

BY_NAME = ("RSA1_5", "PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW")


@cache
def key_for(alg: str, crv: str | None = None) -> Key:
    return Key.generate(alg, crv=crv)


def readers(key: Key) -> Key:
    return key if key.kty == "oct" else key.public


@pytest.mark.parametrize("alg", SIGNATURES)
def test_a_signed_payload_comes_back(alg: str) -> None:
    key = key_for(alg)
    token = jws.sign(b'{"sub":"alice"}', key, header={"typ": "JWT"})
    verified = jws.verify(token, KeySet([readers(key)]))
    assert verified.payload == b'{"sub":"alice"}'
    assert verified.header == {"alg": alg, "typ": "JWT", "kid": key.kid}
    assert verified.key == readers(key)


@pytest.mark.parametrize("alg", SIGNATURES)
def test_the_signature_of_another_key_is_refused(alg: str) -> None:
    token = jws.sign(b"payload", Key.generate(alg, kid="same"))
    with pytest.raises(InvalidSignature):
        jws.verify(token, readers(key_for(alg)))


@pytest.mark.parametrize("alg", SIGNATURES)
def test_a_public_key_does_not_sign(alg: str) -> None:
    key = key_for(alg)
    if key.kty == "oct":
        with pytest.raises(InvalidKey):
            _ = key.public
    else:
        with pytest.raises(InvalidKey):
            jws.sign(b"payload", key.public)


def suitable(alg: str) -> list[str]:
    if alg == "dir":
        return ["A256GCM", "A128CBC-HS256"]
    if alg.startswith("PBES2"):
        return ["A256GCM"]  # stretching a password takes time
    return [alg] if alg in CONTENT else list(CONTENT)


@pytest.mark.parametrize(("alg", "enc"), [(alg, enc) for alg in KEY_MANAGEMENT for enc in suitable(alg)])
def test_an_encrypted_plaintext_comes_back(alg: str, enc: str) -> None:
    key = key_for(alg)
    token = jwe.encrypt(b"secret", key if key.kty == "oct" else key.public, enc=enc, allow=BY_NAME)
    decrypted = jwe.decrypt(token, KeySet([key]), allow=BY_NAME)
    assert decrypted.plaintext == b"secret"
    assert decrypted.header["enc"] == enc
    assert decrypted.key == key


@pytest.mark.parametrize("crv", ["P-256", "P-384", "P-521", "X25519", "X448"])
@pytest.mark.parametrize("alg", ["ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"])
def test_key_agreement_works_on_every_curve(alg: str, crv: str) -> None:
    key = key_for(alg, crv)
    token = jwe.encrypt(b"secret", key.public, header={"apu": "QWxpY2U", "apv": "Qm9i"})
    assert jwe.decrypt(token, key).plaintext == b"secret"
    with pytest.raises(DecryptionFailed):
        jwe.decrypt(token, Key.generate(alg, crv=crv))
