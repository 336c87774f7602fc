"""Signatures cross with Node's own cryptography, also those that no JOSE library at hand has (ES256K, Ed448).

Where Node is absent, the tests skip and say so. ``tests/interop`` crosses whole messages with JOSE libraries.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
from jose_keys import key_for

from mintmark.jose import jws

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed (Debian: apt install nodejs)")

PAYLOAD = b'{"sub":"alice"}'


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
    asked = json.dumps(question).encode()
    done = subprocess.run(["node", "-e", NODE_SCRIPT], input=asked, check=True, capture_output=True)
    return done.stdout.decode().strip()


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
