"""DPoP proofs (RFC 9449): one case for each of the checks of 4.3 that need no store and no HTTP (row O9)."""

from __future__ import annotations

from typing import Any

import pytest
from tokens import EC_KEY, KEY, NOW, OTHER_EC_KEY

from mintmark import UNCHECKED, Key, jws
from mintmark.errors import ConfigurationError, ErrorCode, InvalidToken, MintmarkError
from mintmark.jose.encoding import json_encode
from mintmark.jwt.profiles.dpop import Proof, access_token_hash, make_proof, verify_proof
from vectors import load, needs_vectors

URL = "https://api.example.com/orders"
JWK = {name: value for name, value in EC_KEY.public.to_jwk().items() if name in {"kty", "crv", "x", "y"}}


def verify(proof: str, **changes: Any) -> Proof:
    options: dict[str, Any] = {
        "method": "GET",
        "url": URL,
        "now": NOW,
        "access_token": UNCHECKED,
        "bound_to": UNCHECKED,
        "nonce": UNCHECKED,
    }
    return verify_proof(proof, **(options | changes))


def proof(key: Key = EC_KEY, header: dict[str, Any] | None = None, **changes: Any) -> str:
    members = {"jti": "p-1", "htm": "GET", "htu": URL, "iat": int(NOW)} | changes
    members = {name: value for name, value in members.items() if value is not ...}
    extra = {
        name: value
        for name, value in ({"typ": "dpop+jwt", "jwk": JWK} | (header or {})).items()
        if value is not ...
    }
    return jws.sign(json_encode(members), key, header=extra)


def refused(text: str, **changes: Any) -> MintmarkError:
    with pytest.raises(InvalidToken) as caught:
        verify(text, **changes)
    return caught.value


def test_a_proof_that_was_made_here_is_accepted() -> None:
    text = make_proof(EC_KEY, method="GET", url=URL + "?page=2#top", now=NOW, access_token="at", nonce="n")
    found = verify(text, access_token="at", nonce="n", bound_to=EC_KEY.thumbprint)
    assert found.thumbprint == EC_KEY.thumbprint
    assert found.issued_at == NOW
    assert not found.key.is_private
    assert "d" not in jws.parse_compact(text).header["jwk"]
    assert len(found.jwt_id) == 22


@pytest.mark.parametrize("alg", ["ES256", "ES384", "Ed25519", "PS256", "RS256"])
def test_every_asymmetric_algorithm_makes_proofs(alg: str) -> None:
    key = Key.generate(alg)
    text = make_proof(key, method="GET", url=URL, now=NOW)
    assert verify(text, bound_to=key.thumbprint).key.thumbprint == key.thumbprint


@pytest.mark.parametrize("claim", ["jti", "htm", "htu", "iat"])
def test_O9_3_required_claims(claim: str) -> None:
    assert refused(proof(**{claim: ...})).code == ErrorCode.CLAIM_MISSING
    assert refused(proof(**{claim: [5]})).code == ErrorCode.CLAIM_MALFORMED


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", ..., "dpop"])
def test_O9_4_typ(typ: Any) -> None:
    assert refused(proof(header={"typ": typ})).code == ErrorCode.TYP_MISMATCH


def test_O9_5_no_symmetric_algorithm() -> None:
    symmetric = {"kty": "oct", "k": KEY.to_jwk(private=True)["k"]}
    assert refused(proof(KEY, header={"jwk": symmetric})).code == ErrorCode.ALGORITHM_NOT_ALLOWED
    assert refused(proof(), algorithms=("Ed25519",)).code == ErrorCode.ALGORITHM_NOT_ALLOWED


def test_O9_6_the_signature_is_by_the_key_in_the_header() -> None:
    assert refused(proof(OTHER_EC_KEY)).code == ErrorCode.SIGNATURE_INVALID


def test_O9_7_no_private_key_in_the_header() -> None:
    private = EC_KEY.to_jwk(private=True)
    refusal = refused(proof(header={"jwk": private}))
    assert refusal.code == ErrorCode.KEY_INVALID
    assert private["d"] not in str(refusal.details())


@pytest.mark.parametrize(
    "jwk",
    [
        ...,
        None,
        "x",
        [],
        {},
        {"kty": "EC"},
        {"kty": "nope"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    ],
    ids=repr,
)
def test_O9_the_key_in_the_header_is_one(jwk: Any) -> None:
    assert refused(proof(header={"jwk": jwk})).code in {ErrorCode.HEADER_INVALID, ErrorCode.KEY_INVALID}


@pytest.mark.parametrize("method", ["POST", "get", "GET ", ""])
def test_O9_8_htm(method: str) -> None:
    assert refused(proof(htm=method)).claim == "htm"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/order",
        "https://api.example.com/orders/",
        "https://api.example.com/Orders",
        "http://api.example.com/orders",
        "https://api.example.com:8443/orders",
        "https://evil.example/orders",
        "https://user@api.example.com/orders",
        "https://api.example.com/a%2Forders",
        "https://api.example.com/ord%0Aers",
        "https://api.example.com/ord\ners",
        "https://api.example.com/x/../../orders/..",
        "//api.example.com/orders",
        "",
        "javascript:alert(1)",
        "https://[::1/orders",
        "https://api.example.com:99999/orders",
    ],
)
def test_O9_9_htu_is_another_address(url: str) -> None:
    assert refused(proof(htu=url)).claim == "htu"


@pytest.mark.parametrize(
    "url",
    [
        URL,
        URL + "?a=1",
        URL + "#f",
        "HTTPS://API.EXAMPLE.COM/orders",
        "https://api.example.com:443/orders",
        "https://api.example.com/%6frders",
        "https://api.example.com/./orders",
        "https://api.example.com/x/../orders",
    ],
)
def test_O9_9_htu_is_the_same_address(url: str) -> None:
    assert verify(proof(htu=url))
    assert verify(proof(), url=url)


def test_O9_9_the_callers_own_address_must_be_one() -> None:
    with pytest.raises(ConfigurationError):
        verify(proof(), url="/orders")


@pytest.mark.parametrize("nonce", [..., "other", 5, ""])
def test_O9_10_nonce(nonce: Any) -> None:
    assert refused(proof(nonce=nonce), nonce="n-1").claim == "nonce"


@pytest.mark.parametrize("age", [330, 1e9, -31])
def test_O9_11_iat(age: float) -> None:
    refusal = refused(proof(iat=int(NOW - age)))
    assert refusal.code == (ErrorCode.TOKEN_NOT_YET_VALID if age < 0 else ErrorCode.TOKEN_TOO_OLD)
    assert verify(proof(iat=int(NOW) - 329))


@pytest.mark.parametrize("ath", [..., access_token_hash("other"), "at", 5])
def test_O9_12_ath_is_the_hash_of_this_token(ath: Any) -> None:
    assert refused(proof(ath=ath), access_token="at").claim == "ath"
    assert verify(proof(ath=access_token_hash("at")), access_token="at")


def test_O9_12_the_token_is_bound_to_this_key() -> None:
    assert refused(proof(), bound_to=OTHER_EC_KEY.thumbprint).claim == "jkt"
    assert refused(proof(), bound_to="").claim == "jkt"


def test_what_to_expect_must_be_said() -> None:
    with pytest.raises(TypeError):
        verify_proof(proof(), method="GET", url=URL, now=NOW)  # type: ignore[call-arg]


@pytest.mark.parametrize("garbage", ["", "a.b.c", None, 5, "x" * 100_000], ids=lambda text: str(text)[:8])
def test_garbage_is_refused_as_such(garbage: Any) -> None:
    refused(garbage)


def test_only_private_asymmetric_keys_make_proofs() -> None:
    for key in (KEY, EC_KEY.public):
        with pytest.raises(ConfigurationError):
            make_proof(key, method="GET", url=URL, now=NOW)


@needs_vectors
def test_the_proofs_of_rfc_9449_are_accepted() -> None:
    for example in load("dpop", "rfc9449.json")["proofs"]:
        said = example["claims"]
        found = verify(example["proof"], method=said["htm"], url=said["htu"], now=said["iat"])
        assert found.jwt_id == said["jti"]
        assert found.thumbprint == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"  # RFC 9449 6.1
