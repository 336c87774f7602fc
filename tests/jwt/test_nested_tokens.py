"""P6: signed, then encrypted, with one call each way; and what only looks like it (S34, S42, E14)."""

from __future__ import annotations

from typing import Any

import pytest
from tokens import EC_KEY, ISSUER, KEY, OTHER_EC_KEY, claims, issuer, token, verifier

from mintmark import Key, KeySet, Verifiers, jwe
from mintmark.errors import (
    ConfigurationError,
    DecryptionFailed,
    ErrorCode,
    InvalidClaim,
    InvalidToken,
    MintmarkError,
)
from mintmark.jose.encoding import json_encode

DIRECT = Key.generate("A256GCM", kid="direct")
BOX = Key.generate("ECDH-ES", crv="P-256", kid="box")
RSA_BOX = Key.generate("RSA-OAEP-256", kid="rsa-box")


def reader(**changes: Any) -> Any:
    return verifier(**({"keys": EC_KEY.public, "decryption_keys": BOX} | changes))


def sealed(content: str | bytes, **header: Any) -> str:
    body = content.encode() if isinstance(content, str) else content
    return jwe.encrypt(body, BOX.public, header={"cty": "JWT"} | header)


@pytest.mark.parametrize("box", [DIRECT, BOX, RSA_BOX], ids=lambda key: key.alg)
@pytest.mark.parametrize("enc", [None, "A128CBC-HS256"])
def test_P4_P6_one_call_each_way(box: Key, enc: str | None) -> None:
    if box is DIRECT and enc is not None:
        return
    public = box if box.kty == "oct" else box.public
    text = issuer(EC_KEY).issue(subject="alice", audience="orders", lifetime=60, encrypt_to=public, enc=enc)
    assert text.count(".") == 4
    found = reader(decryption_keys=box).verify(text)
    assert found.subject == "alice"
    assert found.key.kid == "ec"
    assert found.header["typ"] == "JWT"
    assert reader(decryption_keys=KeySet([box])).verify(text).subject == "alice"


def test_S34_a_verifier_of_signed_tokens_refuses_an_encrypted_one() -> None:
    # anybody can encrypt claims to a public key
    for content in (token(key=EC_KEY), json_encode(claims())):
        for public in (RSA_BOX.public, BOX.public):
            body = content if isinstance(content, bytes) else content.encode()
            forged = jwe.encrypt(body, public, header={"cty": "JWT"})
            with pytest.raises(InvalidToken) as caught:
                verifier(keys=EC_KEY.public).verify(forged)
            assert caught.value.code == ErrorCode.TOKEN_WRONG_FORM


def test_S34_a_verifier_of_encrypted_tokens_refuses_a_bare_signed_one() -> None:
    with pytest.raises(InvalidToken) as caught:
        reader().verify(token(key=EC_KEY))
    assert caught.value.code == ErrorCode.TOKEN_WRONG_FORM
    assert reader(accept_unencrypted=True).verify(token(key=EC_KEY)).subject == "alice"
    assert reader(accept_unencrypted=True).verify(sealed(token(key=EC_KEY))).subject == "alice"


@pytest.mark.parametrize(
    "content", [json_encode(claims()), b"", b"\xff\xfe", b"a.b.c", b"e30.e30.e30"], ids=repr
)
def test_E14_encryption_alone_proves_nothing(content: bytes) -> None:
    with pytest.raises(InvalidToken):
        reader().verify(sealed(content))


def test_S42_the_inner_signature_is_verified_with_our_keys() -> None:
    for inner in (token(key=OTHER_EC_KEY), token(key=KEY), token(key=EC_KEY)[:-4] + "AAAA"):
        with pytest.raises(InvalidToken):
            reader().verify(sealed(inner))


def test_S42_an_unsigned_inner_token_is_refused() -> None:
    unsigned = "eyJhbGciOiJub25lIn0." + token(key=EC_KEY).split(".")[1] + "."
    with pytest.raises(InvalidToken):
        reader().verify(sealed(unsigned))


def test_S42_there_are_two_layers_and_no_third() -> None:
    inner = sealed(token(key=EC_KEY))
    for _ in range(3):
        inner = sealed(inner)
        with pytest.raises(InvalidToken) as caught:
            reader().verify(inner)
        assert caught.value.code == ErrorCode.TOKEN_WRONG_FORM


@pytest.mark.parametrize("cty", ["json", "at+jwt", "", "text/JWT"])
def test_S42_cty_says_that_there_is_a_token_inside(cty: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        reader().verify(sealed(token(key=EC_KEY), cty=cty))
    assert caught.value.claim == "cty"
    without = jwe.encrypt(token(key=EC_KEY).encode(), BOX.public)
    with pytest.raises(InvalidToken):
        reader().verify(without)
    assert reader().verify(sealed(token(key=EC_KEY), cty="application/jwt"))


def test_claims_repeated_in_the_outer_header_must_agree() -> None:  # RFC 7519 5.3
    inner = token(key=EC_KEY)
    assert reader().verify(sealed(inner, iss=ISSUER, sub="alice", aud="orders"))
    for header in ({"iss": "https://evil.example"}, {"sub": "mallory"}, {"aud": ["orders"]}, {"sub": None}):
        with pytest.raises(InvalidClaim):
            reader().verify(sealed(inner, **header))


def test_the_policy_applies_to_what_is_inside() -> None:
    for members in (claims(exp=1), claims(aud="billing"), claims(iss="x")):
        with pytest.raises(InvalidClaim):
            reader().verify(sealed(token(members, key=EC_KEY)))
    assert [problem.claim for problem in reader().check(sealed(token(claims(exp=1), key=EC_KEY)))] == ["exp"]


def test_a_wrong_box_key_says_only_that_it_cannot_be_decrypted() -> None:
    other = Key.generate("ECDH-ES", crv="P-256", kid="box")
    with pytest.raises(DecryptionFailed):
        reader(decryption_keys=other).verify(sealed(token(key=EC_KEY)))


def test_an_encrypted_token_is_remembered_as_a_whole() -> None:
    checker = reader()
    text = sealed(token(key=EC_KEY))
    assert checker.verify(text) is checker.verify(text)
    with pytest.raises(InvalidToken):
        checker.verify(text[:-3] + ("AAA" if text[-3:] != "AAA" else "BBB"))
    with pytest.raises(InvalidToken):
        checker.verify(token(key=EC_KEY))  # the signed token inside was not remembered by itself


def test_encrypt_to_takes_a_key_that_encrypts() -> None:
    for wrong in ("key", EC_KEY.public):
        with pytest.raises(MintmarkError):
            issuer(EC_KEY).issue(subject="a", lifetime=60, encrypt_to=wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError):
        issuer(EC_KEY).issue(subject="a", lifetime=60, encrypt_to=BOX.public, enc="A1GCM")


def test_several_issuers_find_an_encrypted_token_by_its_repeated_issuer() -> None:
    table = Verifiers({ISSUER: reader()})
    assert table.verify(sealed(token(key=EC_KEY), iss=ISSUER)).subject == "alice"
    with pytest.raises(InvalidClaim):
        table.verify(sealed(token(key=EC_KEY)))
