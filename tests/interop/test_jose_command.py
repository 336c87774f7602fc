"""Understood by Debian's ``jose`` command (José, in C over OpenSSL), and understanding it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crossing import (
    AGREEMENT,
    ECDSA,
    HMAC,
    NIST,
    OAEP,
    PASSWORD,
    PAYLOAD,
    RSA,
    allowed,
    bare,
    encryption_key,
    jwk,
    management,
    private_key,
    public_jwk,
)

from mintmark import Key, KeySet, jwe, jws

Jose = Callable[..., bytes]


class JoseFailed(Exception):
    """The command ended with another status than 0."""


@pytest.fixture
def jose(jose_command: str, tmp_path: Path) -> Jose:
    """Run ``jose`` with arguments; a mapping among them becomes a file that holds it."""

    def run(*arguments: str | dict[str, Any], given: bytes = b"") -> bytes:
        words = []
        for index, argument in enumerate(arguments):
            if isinstance(argument, dict):
                path = tmp_path / f"{index}.json"
                path.write_text(json.dumps(argument))
                argument = str(path)
            words.append(argument)
        done = subprocess.run(
            [jose_command, *words], input=given, capture_output=True, timeout=30, check=False
        )
        if done.returncode:
            raise JoseFailed(done.returncode)
        return done.stdout

    return run


def signed(jose: Jose, keys: list[Key], *more: str) -> Any:
    """Sign the payload with each of the keys, every header protected."""
    arguments: list[Any] = ["jws", "sig", "-I", "-"]
    for key in keys:
        header = {"protected": {"alg": key.alg, "kid": key.kid}}
        arguments += ["-s", json.dumps(header), "-k", jwk(key)]
    return jose(*arguments, *more, given=PAYLOAD)


@pytest.mark.parametrize("alg", [*HMAC, *RSA, *ECDSA])
class TestSignatures:
    def test_ours_is_verified_there(self, jose: Jose, alg: str) -> None:
        key = private_key(alg)
        forms = (
            jws.sign(PAYLOAD, key).encode(),
            json.dumps(jws.sign_json(PAYLOAD, key, unprotected={"note": "x"})).encode(),
            json.dumps(jws.sign_json(PAYLOAD, [private_key("HS512"), key])).encode(),
        )
        for form in forms:
            assert jose("jws", "ver", "-i", "-", "-k", public_jwk(key), "-O", "-", given=form) == PAYLOAD

    def test_theirs_is_verified_here(self, jose: Jose, alg: str) -> None:
        key = private_key(alg)
        keys = KeySet([key if key.kty == "oct" else key.public])
        verified = jws.verify(signed(jose, [key], "-c").decode().strip(), keys)
        assert verified.payload == PAYLOAD
        assert verified.header == {"alg": alg, "kid": key.kid}
        assert jws.verify_json(signed(jose, [key]), keys).payload == PAYLOAD
        other = private_key("ES256" if alg != "ES256" else "ES384")
        assert jws.verify_json(signed(jose, [other, key]), keys).payload == PAYLOAD

    def test_S17_another_key_is_refused_by_both(self, jose: Jose, alg: str) -> None:
        key, other = private_key(alg), Key.generate(alg, kid=private_key(alg).kid)
        with pytest.raises(JoseFailed):
            jose("jws", "ver", "-i", "-", "-k", public_jwk(other), given=jws.sign(PAYLOAD, key).encode())


COMMON = [row for row in management() if row[2] != "X25519" and row[0] not in OAEP]
"""José 11 has lost RSA-OAEP with OpenSSL 3, and never had X25519."""


class TestEncryption:
    # José takes at most 32768 rounds of PBKDF2, and we write many more.
    @pytest.mark.parametrize(("alg", "enc", "crv"), [row for row in COMMON if row[0] not in PASSWORD])
    def test_ours_is_decrypted_there(self, jose: Jose, alg: str, enc: str, crv: str | None) -> None:
        key = encryption_key(alg, enc, crv)
        private = bare(jwk(key)) | {"alg": enc if alg == "dir" else alg}
        token = jwe.encrypt(PAYLOAD, key, enc=enc).encode()
        assert jose("jwe", "dec", "-i", "-", "-k", private, "-O", "-", given=token) == PAYLOAD
        message = json.dumps(jwe.encrypt_json(PAYLOAD, key, enc=enc, unprotected={"note": "x"})).encode()
        assert jose("jwe", "dec", "-i", "-", "-k", private, "-O", "-", given=message) == PAYLOAD

    @pytest.mark.parametrize(("alg", "enc", "crv"), COMMON)
    def test_theirs_is_decrypted_here(self, jose: Jose, alg: str, enc: str, crv: str | None) -> None:
        key, allow = encryption_key(alg, enc, crv), allowed(alg)
        public = bare(public_jwk(key)) | {"alg": enc if alg == "dir" else alg}
        header = json.dumps({"protected": {"alg": alg, "enc": enc}})
        token = jose("jwe", "enc", "-I", "-", "-i", header, "-k", public, "-c", given=PAYLOAD)
        assert jwe.decrypt(token.decode().strip(), key, allow=allow).plaintext == PAYLOAD
        message = jose("jwe", "enc", "-I", "-", "-i", header, "-k", public, given=PAYLOAD)
        assert jwe.decrypt_json(message, key, allow=allow).plaintext == PAYLOAD

    def test_several_recipients(self, jose: Jose) -> None:
        keys = [private_key(alg, crv) for alg, crv in zip(AGREEMENT[1:], NIST, strict=True)]
        keys += [private_key("A128KW"), private_key("A256GCMKW")]
        ours = json.dumps(jwe.encrypt_json(PAYLOAD, keys, enc="A128CBC-HS256")).encode()
        header = json.dumps({"protected": {"enc": "A128CBC-HS256"}})
        arguments: list[Any] = ["jwe", "enc", "-I", "-", "-i", header]
        for key in keys:
            arguments += ["-r", "{}", "-k", bare(public_jwk(key)) | {"alg": key.alg}]
        theirs = jose(*arguments, given=PAYLOAD)
        for key in keys:
            assert jose("jwe", "dec", "-i", "-", "-k", jwk(key), "-O", "-", given=ours) == PAYLOAD
            assert jwe.decrypt_json(theirs, key).plaintext == PAYLOAD

    def test_E2_RSA1_5_by_name_only(self, jose: Jose) -> None:
        key = private_key("RSA1_5")
        header = json.dumps({"protected": {"alg": "RSA1_5", "enc": "A128GCM"}})
        token = jose("jwe", "enc", "-I", "-", "-i", header, "-k", public_jwk(key), "-c", given=PAYLOAD)
        assert jwe.decrypt(token.decode().strip(), key, allow=["RSA1_5"]).plaintext == PAYLOAD

    def test_E6_compressed_content_is_read_there(self, jose: Jose) -> None:
        # The other way cannot be tried: José 11 says zip in the header and leaves the content as it is.
        key, text = private_key("A128KW"), PAYLOAD * 20
        ours = jwe.encrypt(text, key, compress=True).encode()
        assert jose("jwe", "dec", "-i", "-", "-k", jwk(key), "-O", "-", given=ours) == text


@pytest.mark.parametrize("alg", ["HS256", "HS512", "RS256", *ECDSA, "A128KW", "A256GCMKW", "ECDH-ES"])
class TestKeys:
    def test_theirs_reads_the_same_here(self, jose: Jose, alg: str) -> None:
        members = json.loads(jose("jwk", "gen", "-i", json.dumps({"alg": alg}), "-o", "-"))
        key = Key.from_jwk(members, alg=alg)
        assert bare(jwk(key)) == bare(members)
        if key.kty != "oct":
            public = json.loads(jose("jwk", "pub", "-i", "-", "-o", "-", given=json.dumps(members).encode()))
            assert bare(key.public.to_jwk()) == bare(public)

    def test_thumbprints_agree(self, jose: Jose, alg: str) -> None:
        key = private_key(alg)
        given = json.dumps(public_jwk(key)).encode()
        assert jose("jwk", "thp", "-i", "-", "-a", "S256", given=given).decode().strip() == key.thumbprint
