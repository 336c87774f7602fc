"""A caller's slip (a wrong type, an impossible size) is answered by our own errors too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jose_keys import key_for

from mintmark.errors import MintmarkError
from mintmark.jose import jwe, jws
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

EC, DIR, WRAP = key_for("ES256"), key_for("dir"), key_for("A256KW")
BARE = {name: value for name, value in EC.to_jwk().items() if name != "alg"}
JOSE: Any = jws
ENC: Any = jwe
MAKE: Any = Key
SET: Any = KeySet

SLIPS: dict[str, Callable[[], object]] = {
    "an algorithm that is a list": lambda: MAKE.generate(["ES256"]),
    "no algorithm": lambda: MAKE.generate(None),
    "bits as text": lambda: MAKE.generate("HS256", bits="256"),
    "bits beyond memory": lambda: MAKE.generate("HS256", bits=10**12),
    "bits with a fraction": lambda: MAKE.generate("RS256", bits=2048.0),
    "a curve that is a list": lambda: MAKE.generate("ECDH-ES", crv=["P-256"]),
    "a kid that is a number": lambda: MAKE.generate("ES256", kid=5),
    "a use that is a number": lambda: MAKE.generate("ES256", use=5),
    "a secret for a list": lambda: MAKE.from_secret(bytes(32), alg=["HS256"]),
    "a JWK for a list": lambda: MAKE.from_jwk(EC.to_jwk(), alg=["ES256"]),
    "a JWK for a number": lambda: MAKE.from_jwk(BARE, alg=5),
    "no JWK": lambda: MAKE.from_jwk(None),
    "a password that is text": lambda: MAKE.from_pem(EC.to_pem(private=True), password="x"),
    "a new password that is text": lambda: EC.to_pem(private=True, password="x"),  # type: ignore[arg-type]
    "a new password without end": lambda: EC.to_pem(private=True, password=b"x" * 5000),
    "another kid that is a number": lambda: EC.named(5),  # type: ignore[arg-type]
    "no file": lambda: MAKE.from_file(None),
    "a file that holds no key": lambda: MAKE.from_file("/etc/passwd"),
    "a set of nothing": lambda: SET(None),
    "a set of a number": lambda: SET(5),
    "algorithms that are a number": lambda: SET.from_jwks({"keys": [EC.to_jwk()]}, algorithms=5),
    "a text to sign": lambda: JOSE.sign("x", EC),
    "no key to sign with": lambda: JOSE.sign(b"x", None),
    "a header that is a list": lambda: JOSE.sign(b"x", EC, header=["x"]),
    "bytes in a header": lambda: JOSE.sign(b"x", EC, header={"a": b"x"}),
    "a header name that is a number": lambda: JOSE.sign(b"x", EC, header={5: "x"}),
    "crit that is a number": lambda: JOSE.sign(b"x", EC, header={"crit": 5}, b64=False),
    "crit without its parameter": lambda: JOSE.sign(b"x", EC, header={"crit": ["x"]}),
    "a text for a prepared signer": lambda: JOSE.signer_for(EC)("x"),
    "a prepared signer without a key": lambda: JOSE.signer_for(None),
    "a detached payload that is text": lambda: JOSE.verify(
        jws.sign(b"x", EC, detached=True), EC, detached_payload="x"
    ),
    "bytes for a token": lambda: JOSE.verify(jws.sign(b"x", EC).encode(), EC),
    "signing JSON with nothing": lambda: JOSE.sign_json(b"x", None),
    "signing JSON with no key": lambda: JOSE.sign_json(b"x", [None]),
    "an unprotected header that is a list": lambda: JOSE.sign_json(b"x", EC, unprotected=["x"]),
    "an unprotected typ that is a number": lambda: JOSE.sign_json(b"x", EC, unprotected={"typ": 5}),
    "no JSON to verify": lambda: JOSE.verify_json(None, EC),
    "a detached payload of JSON that is text": lambda: JOSE.verify_json(
        jws.sign_json(b"x", EC, detached=True), EC, detached_payload="x"
    ),
    "a text to encrypt": lambda: ENC.encrypt("x", DIR),
    "no key to encrypt to": lambda: ENC.encrypt(b"x", None),
    "an enc that is a list": lambda: ENC.encrypt(b"x", DIR, enc=["A256GCM"]),
    "an enc of another size": lambda: ENC.encrypt(b"x", DIR, enc="A128GCM"),
    "an encryption header that is a list": lambda: ENC.encrypt(b"x", DIR, header=["x"]),
    "apu that is a number": lambda: ENC.encrypt(b"x", key_for("ECDH-ES"), header={"apu": 5}),
    "apu that is no base64url": lambda: ENC.encrypt(b"x", key_for("ECDH-ES"), header={"apu": "="}),
    "an aad that is text": lambda: ENC.encrypt_json(b"x", WRAP, aad="x"),
    "encrypting JSON to nothing": lambda: ENC.encrypt_json(b"x", None),
    "an unprotected alg": lambda: ENC.encrypt_json(b"x", WRAP, unprotected={"alg": "x"}),
    "bytes in an unprotected header": lambda: ENC.encrypt_json(b"x", WRAP, unprotected={"a": b"x"}),
    "an unprotected crit": lambda: ENC.encrypt_json(b"x", WRAP, unprotected={"crit": ["x"]}),
    "a number for JSON": lambda: ENC.decrypt_json(5, WRAP),
    "a text for keys": lambda: ENC.decrypt(jwe.encrypt(b"x", DIR), "x"),
    "a stream of a number": lambda: JOSE.sign_stream(5, EC),
    "a stream for a number": lambda: JOSE.verify_stream(5, [], EC),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_answered_by_our_own_errors(slip: str) -> None:
    with pytest.raises(MintmarkError) as caught:
        SLIPS[slip]()
    assert caught.value.message
