"""Every given vector of level must and should is answered right, in time, and refused as ours."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mintmark.errors import MintmarkError
from mintmark.jose import jwe, jws
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from vectors import Case, cases, needs_vectors

pytestmark = needs_vectors

# JOSE-HPKE is still a draft; its algorithms come with a later issue.
LATER = ("jwe.hpke",)
BY_NAME = ("RSA1_5", "PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW")


def keys_of(case: Case) -> Key | KeySet:
    form, value = case.fields["key"]["form"], case.fields["key"].get("value")
    if form == "none":
        return KeySet()
    if form == "jwks":
        asked = None if case.alg is None else [case.alg]
        return KeySet.from_jwks(value, algorithms=asked)
    if form == "pem":
        return Key.from_pem(value, alg=case.alg)
    if form == "hex":
        # the caller holds bytes of a public key; saying what they are is the only way to make a Key of them
        return (
            Key.from_pem(bytes.fromhex(value), alg=case.alg)
            if b"BEGIN" in bytes.fromhex(value)
            else Key.from_der(bytes.fromhex(value), alg=case.alg)
        )
    if form == "password":
        return Key.from_secret(value.encode(), alg=str(case.alg))
    return Key.from_jwk(value, alg=None if "alg" in value else case.alg)


def answer(case: Case) -> bytes:
    """Return what our library takes out of the input; raises where it refuses."""
    if case.op == "thumbprint":
        return Key.from_jwk(case.fields["key"]["value"], alg=case.alg).thumbprint.encode()
    keys, data = keys_of(case), case.input
    if case.op == "jws":
        if case.fields["form"] == "json":
            return jws.verify_json(data, keys, detached_payload=case.detached).payload
        return jws.verify(data, keys, detached_payload=case.detached).payload
    options: dict[str, Any] = {"encs": case.fields.get("encs"), "allow": BY_NAME, "allow_zip": True}
    if case.fields["form"] == "json":
        return jwe.decrypt_json(data, keys, **options).plaintext
    return jwe.decrypt(data, keys, **options).plaintext


@pytest.mark.parametrize("case", cases(("jws", "jwe", "thumbprint"), without=LATER))
def test_vector(case: Case) -> None:
    started = time.process_time()
    try:
        taken: bytes | None = answer(case)
    except MintmarkError:
        taken = None
    assert time.process_time() - started < case.fields.get("budget_s", 20)
    if not case.is_binding:
        return  # a stated choice: see docs
    assert (taken is not None) == case.is_valid, case.fields.get("note")
    if case.is_valid and case.payload is not None and not (case.op == "jws" and case.detached is not None):
        assert taken == case.payload
    if case.op == "thumbprint":
        assert taken == case.fields["result"].encode()
