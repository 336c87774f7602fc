"""Implementations that share no code with Python: the ``jose`` command (C) and Node's own cryptography.

``jose`` is Debian's package of that name; where it or Node is absent, the tests skip and say so.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jose_keys import key_for

from mintmark.jose import jwe, jws
from mintmark.jose.algorithms import CONTENT
from mintmark.jose.jwk import Key

JOSE, NODE = shutil.which("jose"), shutil.which("node")
needs_jose = pytest.mark.skipif(
    JOSE is None, reason="the jose command is not installed (Debian: apt install jose)"
)
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed (Debian: apt install nodejs)")

PAYLOAD = b'{"sub":"alice"}'
SIGNATURES = ("HS256", "HS384", "HS512", "RS256", "RS512", "PS256", "PS384", "ES256", "ES384", "ES512")
WRAPS = (
    "A128KW",
    "A256KW",
    "A128GCMKW",
    "A256GCMKW",
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A256KW",
    "RSA1_5",
)


def run(*command: str | Path, data: bytes = b"") -> bytes:
    return subprocess.run([str(part) for part in command], input=data, check=True, capture_output=True).stdout


def write(path: Path, key: Key) -> Path:
    members = key.to_jwk(private=True)
    members.pop("use")  # jose knows key_ops only
    path.write_text(json.dumps(members))
    return path


@needs_jose
@pytest.mark.parametrize("alg", SIGNATURES)
def test_the_jose_command_signs_and_verifies(alg: str, tmp_path: Path) -> None:
    key = key_for(alg)
    path = write(tmp_path / "key.jwk", key)
    made = run("jose", "jws", "sig", "-I-", "-k", path, "-c", data=PAYLOAD).decode()
    assert jws.verify(made, key).payload == PAYLOAD
    general = run("jose", "jws", "sig", "-I-", "-k", path, data=PAYLOAD).decode()
    assert jws.verify_json(general, key).payload == PAYLOAD
    for ours in (jws.sign(PAYLOAD, key), json.dumps(jws.sign_json(PAYLOAD, key))):
        assert run("jose", "jws", "ver", "-i-", "-k", path, "-O-", data=ours.encode()) == PAYLOAD
    broken = jws.sign(PAYLOAD, Key.generate(alg, kid=key.kid))
    with pytest.raises(subprocess.CalledProcessError):
        run("jose", "jws", "ver", "-i-", "-k", path, data=broken.encode())


@needs_jose
@pytest.mark.parametrize("enc", CONTENT)
@pytest.mark.parametrize("alg", WRAPS)
def test_the_jose_command_encrypts_and_decrypts(alg: str, enc: str, tmp_path: Path) -> None:
    key = key_for(alg)
    path = write(tmp_path / "key.jwk", key)
    template = json.dumps({"protected": {"enc": enc}})
    made = run("jose", "jwe", "enc", "-i", template, "-I-", "-k", path, "-c", data=PAYLOAD).decode()
    assert jwe.decrypt(made, key, allow=["RSA1_5"]).plaintext == PAYLOAD
    # With GCM, jose 11 authenticates another aad than RFC 7520 5.10 prints; ours is tested against that.
    aad = b"context" if "CBC" in enc else None
    for ours in (
        jwe.encrypt(PAYLOAD, key, enc=enc, allow=["RSA1_5"]),
        json.dumps(jwe.encrypt_json(PAYLOAD, key, enc=enc, aad=aad, allow=["RSA1_5"])),
    ):
        assert run("jose", "jwe", "dec", "-i-", "-k", path, "-O-", data=ours.encode()) == PAYLOAD


@needs_jose
@pytest.mark.parametrize("alg", ["ES256", "RS256", "HS256", "A256KW"])
def test_the_jose_command_and_we_agree_on_keys(alg: str, tmp_path: Path) -> None:
    template = json.dumps({"alg": alg})
    made = run("jose", "jwk", "gen", "-i", template).decode()
    key = Key.from_jwk(made)
    assert key.alg == alg
    assert run("jose", "jwk", "thp", "-i-", data=made.encode()).decode().strip() == key.thumbprint
    if key.kty != "oct":
        public = run("jose", "jwk", "pub", "-i-", data=made.encode()).decode()
        assert Key.from_jwk(public).thumbprint == key.thumbprint
        assert not Key.from_jwk(public).is_private


NODE_SCRIPT = """
const crypto = require('crypto');
const {op, alg, jwk, message, signature} = JSON.parse(require('fs').readFileSync(0));
const hash = 'sha' + alg.slice(2, 5);
const {RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST} = crypto.constants;
const pss = {padding: RSA_PKCS1_PSS_PADDING, saltLength: RSA_PSS_SALTLEN_DIGEST};
const extra = alg.startsWith('PS') ? pss : alg.startsWith('ES') ? {dsaEncoding: 'ieee-p1363'} : {};
const name = alg.startsWith('Ed') ? null : alg === 'ES256K' ? 'sha256' : hash;
const load = op === 'sign' ? crypto.createPrivateKey : crypto.createPublicKey;
const key = {key: load({key: jwk, format: 'jwk'}), ...extra};
const data = Buffer.from(message);
if (op === 'sign') console.log(crypto.sign(name, data, key).toString('base64url'));
else console.log(crypto.verify(name, data, key, Buffer.from(signature, 'base64url')));
"""


def node(**question: Any) -> str:
    return run("node", "-e", NODE_SCRIPT, data=json.dumps(question).encode()).decode().strip()


NODE_SIGNATURES = (
    "RS256",
    "RS512",
    "PS256",
    "PS384",
    "ES256",
    "ES384",
    "ES512",
    "ES256K",
    "Ed25519",
    "Ed448",
)


@needs_node
@pytest.mark.parametrize("alg", NODE_SIGNATURES)
def test_node_signs_and_verifies(alg: str) -> None:
    key = key_for(alg)
    message, _, signature = jws.sign(PAYLOAD, key).rpartition(".")
    assert node(op="verify", alg=alg, jwk=key.to_jwk(), message=message, signature=signature) == "true"
    assert node(op="verify", alg=alg, jwk=key.to_jwk(), message=message + "x", signature=signature) == "false"
    theirs = node(op="sign", alg=alg, jwk=key.to_jwk(private=True), message=message)
    assert jws.verify(f"{message}.{theirs}", key.public).payload == PAYLOAD
