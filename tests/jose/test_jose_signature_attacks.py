"""Attacks on signatures: one test or more for each row S of the attack list that a library can stop."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import math
import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from forgery import PAYLOAD, forge, refused
from hypothesis import given
from hypothesis import strategies as st
from jose_keys import key_for
from msgspec.structs import replace

from mintmark.errors import (
    AlgorithmNotAllowed,
    DecryptionFailed,
    InvalidKey,
    InvalidSignature,
    MalformedToken,
    UnknownKey,
)
from mintmark.jose import jwe, jws
from mintmark.jose.encoding import b64url_decode, b64url_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet


@pytest.fixture(params=["HS256", "RS256", "ES256", "Ed25519"])
def key(request: pytest.FixtureRequest) -> Key:
    return key_for(request.param)


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", "noNE", " none", "none ", "none\0", "nοne", ""]
)
def test_S1_S2_S16_none_is_no_algorithm_in_any_spelling(alg: str, key: Key) -> None:
    signature = b64url_decode(jws.sign(PAYLOAD, key).rpartition(".")[2])
    for keys in (key, KeySet([key])):
        refused(forge({"alg": alg}), keys)
        refused(forge({"alg": alg}, signature=signature), keys)
        refused(forge({"alg": alg, "kid": key.kid}, key), keys)
    refused(forge({"alg": alg})[:-1], key, MalformedToken)


@pytest.mark.parametrize(
    "alg", [None, True, 1, ["HS256"], {"alg": "HS256"}, "hs256", "HS256 ", "HMAC", "HS1"]
)
def test_S3_alg_is_exactly_one_known_name(alg: Any) -> None:
    refused(forge({"alg": alg}, key_for("HS256")), key_for("HS256"))


def test_S3_alg_is_there(key: Key) -> None:
    assert refused(forge({}, key), key, MalformedToken).claim == "alg"


@pytest.mark.parametrize("alg", ["RS256", "ES256", "Ed25519"])
def test_S4_S5_no_form_of_a_public_key_is_an_hmac_secret(alg: str) -> None:
    public = key_for(alg).public
    native, encodings = public.material.public, serialization.Encoding
    pem = public.to_pem().encode()
    forms = [
        pem,
        pem.strip(),
        pem.replace(b"\n", b"\r\n"),
        b" " + pem,
        b"\xef\xbb\xbf" + pem,
        b"# key\n" + pem,
    ]
    forms.append(native.public_bytes(encodings.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    if alg == "RS256":
        forms.append(native.public_bytes(encodings.DER, serialization.PublicFormat.PKCS1))
        forms.append(native.public_numbers().n.to_bytes(256))
    forms += [base64.b64encode(forms[6]), base64.urlsafe_b64encode(forms[6]).rstrip(b"=")]  # of the DER
    members = public.to_jwk()
    forms += [json.dumps(members).encode(), json.dumps({"keys": [members]}).encode()]
    for secret in forms:
        for name, hash_ in (("HS256", "sha256"), ("HS512", "sha512")):
            signing_input = forge({"alg": name, "kid": public.kid}).rpartition(".")[0].encode()
            token = forge(
                {"alg": name, "kid": public.kid}, signature=hmac.digest(secret, signing_input, hash_)
            )
            refused(token, public, AlgorithmNotAllowed)
            refused(token, KeySet([public]), AlgorithmNotAllowed)


def test_S6_a_public_key_that_was_recovered_from_tokens_signs_nothing() -> None:
    """Nobody may rely on a public key being unknown: here it is computed from signatures."""
    private = rsa.generate_private_key(3, 2048)  # with 65537 the same sum takes minutes
    key = Key.from_jwk({"kty": "RSA", **rsa_members(private.public_key())}, alg="RS256", allow_legacy=True)
    multiples = []
    for payload in (b"%d" % number for number in range(30)):  # two give a small multiple of the modulus
        signing_input = forge({"alg": "RS256"}, payload=payload).rpartition(".")[0].encode()
        signature = private.sign(signing_input, padding.PKCS1v15(), hashes.SHA256())
        assert jws.verify(forge({"alg": "RS256"}, payload=payload, signature=signature), key)
        info = (
            bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(signing_input).digest()
        )
        encoded = (b"\0\1" + b"\xff" * (256 - 3 - len(info)) + b"\0" + info).hex()
        multiples.append(int.from_bytes(signature) ** 3 - int(encoded, 16))
    recovered = rsa.RSAPublicNumbers(3, math.gcd(*multiples)).public_key()
    assert recovered.public_numbers() == private.public_key().public_numbers()
    pem = recovered.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    forged = forge({"alg": "HS256"}, signature=b"")
    mac = hmac.digest(pem, forged.rpartition(".")[0].encode(), "sha256")
    refused(forge({"alg": "HS256"}, signature=mac), key, AlgorithmNotAllowed)


def rsa_members(public: rsa.RSAPublicKey) -> dict[str, str]:
    numbers = public.public_numbers()
    return {
        name: b64url_encode(value.to_bytes((value.bit_length() + 7) // 8))
        for name, value in (("n", numbers.n), ("e", numbers.e))
    }


def test_S39_a_comparison_in_constant_time_decides_about_every_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    secret, box = key_for("HS256"), Key.generate("A128CBC-HS256")
    signed, sealed = jws.sign(PAYLOAD, secret), jwe.encrypt(PAYLOAD, box)
    streamed = jws.sign_stream([PAYLOAD], secret)
    compared = []

    def never(one: bytes, other: bytes) -> bool:
        compared.append(hmac.compare_digest(one, other))
        return False

    monkeypatch.setattr("mintmark.jose.algorithms.hmac.compare_digest", never)
    monkeypatch.setattr(
        "mintmark.jose.algorithms.aes_cbc_hmac.hmac",
        SimpleNamespace(compare_digest=never, digest=hmac.digest, new=hmac.new),
    )
    unseen = Key.from_jwk(secret.to_jwk(private=True))
    for verify in (
        lambda: jws.verify(signed, unseen),
        lambda: jws.verifier_for(unseen)(signed),
        lambda: jws.verify_stream(streamed, [PAYLOAD], unseen),
    ):
        with pytest.raises(InvalidSignature):
            verify()
    with pytest.raises(DecryptionFailed):
        jwe.decrypt(sealed, box)
    assert compared == [True] * 4


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("PS256", "RS256"),
        ("RS256", "PS256"),
        ("RS256", "RS384"),
        ("HS256", "HS384"),
        ("HS512", "HS256"),
        ("ES256", "ES384"),
        ("ES256", "ES256K"),
        ("Ed25519", "Ed448"),
        ("Ed25519", "ES256"),
    ],
)
def test_S7_S9_header_key_and_signature_are_of_one_algorithm(made: str, said: str) -> None:
    signer = key_for(made)
    refused(forge({"alg": said}, signer), signer, AlgorithmNotAllowed)
    refused(forge({"alg": made}, signer), key_for(said), AlgorithmNotAllowed)
    refused(forge({"alg": said}, signer), key_for(said), InvalidSignature)


def test_S7_a_mac_is_never_shortened() -> None:
    secret = key_for("HS512")
    mac = b64url_decode(jws.sign(PAYLOAD, secret).rpartition(".")[2])
    half = Key.from_secret(secret.material.private, alg="HS256")
    signing_input = forge({"alg": "HS256"}).rpartition(".")[0].encode()
    full = hmac.digest(secret.material.private, signing_input, "sha256")
    refused(forge({"alg": "HS256"}, signature=mac[:32]), half, InvalidSignature)
    for length in (0, 1, 16, 31):
        refused(forge({"alg": "HS256"}, signature=full[:length]), half, InvalidSignature)
    refused(forge({"alg": "HS256"}, signature=full + b"\0"), half, InvalidSignature)
    assert jws.verify(forge({"alg": "HS256"}, signature=full), half).payload == PAYLOAD


def test_S8_no_keys_verify_nothing(key: Key) -> None:
    refused(jws.sign(PAYLOAD, key), KeySet(), UnknownKey)


ORDERS = {
    "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "ES384": int(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16
    ),
    "ES256K": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
}


@pytest.mark.parametrize("alg", ORDERS)
def test_S10_numbers_out_of_range_are_no_signature(alg: str) -> None:
    signer, order = key_for(alg), ORDERS[alg]
    size = (order.bit_length() + 7) // 8
    for r in (0, 1, order - 1, order, order + 1, (1 << 8 * size) - 1):
        for s in (0, 1, order - 1, order, order + 1, (1 << 8 * size) - 1):
            signature = r.to_bytes(size) + s.to_bytes(size)
            refused(forge({"alg": alg}, signature=signature), signer, InvalidSignature)


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "ES256K"])
def test_S11_an_ecdsa_signature_is_two_numbers_in_full_length(alg: str) -> None:
    signer = key_for(alg)
    good = jws.sign(PAYLOAD, signer)
    signing_input, _, text = good.rpartition(".")
    raw = b64url_decode(text)
    half = len(raw) // 2
    der = signer.material.private.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
    for signature in (
        der,
        raw[half:] + raw[:half],
        b"\0" + raw,
        raw + b"\0",
        raw[:-1],
        b"\0" + raw[:half] + b"\0" + raw[half:],
        raw[:half],
        b"",
        raw * 2,
    ):
        refused(f"{signing_input}.{b64url_encode(signature)}", signer, InvalidSignature)
    assert jws.verify(good, signer).payload == PAYLOAD


def test_S11_short_numbers_are_written_in_full_length_and_read_back() -> None:
    """One signature in 128 has a number that begins with a zero byte."""
    signer, seen = key_for("ES256"), 0
    for count in range(3000):
        raw = b64url_decode(jws.sign(b"%d" % count, signer).rpartition(".")[2])
        assert len(raw) == 64
        if raw[0] == 0 or raw[32] == 0:
            seen += 1
            message = jws.sign(b"%d" % count, signer)
            assert jws.verify(message, signer.public).payload == b"%d" % count
            assert signer.verify_bytes is not None
    assert seen


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "ES256K"])
@given(data=st.data())
def test_S10_S11_the_backend_reads_and_writes_the_two_numbers_that_stand_in_the_signature(
    alg: str, data: st.DataObject
) -> None:
    """Whatever their first bits and however many zeros they begin with."""
    key = key_for(alg)
    size = len(b64url_decode(jws.sign(PAYLOAD, key).rpartition(".")[2])) // 2
    number = st.tuples(
        st.integers(0, size), st.sampled_from((0, 1, 0x7F, 0x80, 0xFF)), st.binary(min_size=size)
    ).map(lambda drawn: (bytes(drawn[0]) + bytes((drawn[1],)) + drawn[2])[:size])
    r, s = data.draw(number), data.draw(number)
    read: list[bytes] = []
    public = SimpleNamespace(verify=lambda der, digest, algorithm: read.append(der))
    verify = key.row.verifier(replace(key.material, public=public))  # type: ignore[union-attr]
    assert verify(b"message", r + s)
    assert [decode_dss_signature(der) for der in read] == [(int.from_bytes(r), int.from_bytes(s))]
    assert read == [encode_dss_signature(int.from_bytes(r), int.from_bytes(s))]
    private = SimpleNamespace(sign=lambda digest, algorithm: read[0])
    sign = key.row.signer(replace(key.material, private=private))  # type: ignore[union-attr]
    assert sign(b"message") == r + s


def test_S12_the_other_signature_of_ecdsa_is_the_same_payload() -> None:
    """s -> n - s verifies by the mathematics, so nothing may hang on a token's text: callers key on jti."""
    signer = key_for("ES256")
    signing_input, _, text = jws.sign(PAYLOAD, signer).rpartition(".")
    raw = b64url_decode(text)
    other = raw[:32] + (ORDERS["ES256"] - int.from_bytes(raw[32:])).to_bytes(32)
    assert jws.verify(f"{signing_input}.{b64url_encode(other)}", signer).payload == PAYLOAD


def test_S13_eddsa_signatures_are_canonical() -> None:
    signer = key_for("Ed25519")
    signing_input, _, text = jws.sign(PAYLOAD, signer).rpartition(".")
    raw = b64url_decode(text)
    group = 2**252 + 27742317777372353535851937790883648493
    more = int.from_bytes(raw[32:], "little") + group
    signature = raw[:32] + more.to_bytes(32, "little")
    refused(f"{signing_input}.{b64url_encode(signature)}", signer, InvalidSignature)
    for wrong in (raw[:-1], raw + b"\0", b"", b"\0" * 64, b"\xff" * 64):
        refused(f"{signing_input}.{b64url_encode(wrong)}", signer, InvalidSignature)


def test_S14_rsa_signatures_have_the_length_of_the_modulus() -> None:
    signer = key_for("RS256")
    signing_input, _, text = jws.sign(PAYLOAD, signer).rpartition(".")
    raw = b64url_decode(text)
    for wrong in (b"\0" + raw, raw + b"\0", raw[1:], b"", b"\0" * 256, b"\xff" * 256, b"\0" * 255 + b"\1"):
        refused(f"{signing_input}.{b64url_encode(wrong)}", signer, InvalidSignature)


INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # SHA-256, RFC 8017 9.2

PKCS1_FORGERIES: dict[str, Callable[[bytes, int], bytes]] = {
    "no null parameters": lambda digest, size: padded(
        bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20" + digest, size
    ),
    "octets after the digest": lambda digest, size: padded(INFO + digest + b"\0", size),
    "little padding and octets after": lambda digest, size: (
        b"\0\1" + b"\xff" * 8 + b"\0" + INFO + digest + b"\1" * (size - 62)
    ),
    "octets hidden in the parameters": lambda digest, size: padded(
        bytes.fromhex("3034301006096086480165030402010503aabbcc0420") + digest, size
    ),
    "another hash is named": lambda digest, size: padded(
        bytes.fromhex("3031300d060960864801650304020305000420") + digest, size
    ),
    "another digest": lambda digest, size: padded(INFO + digest[::-1], size),
    "a digest alone": lambda digest, size: padded(digest, size),
    "nothing at all": lambda digest, size: padded(b"", size),
    "the length in two octets": lambda digest, size: padded(
        bytes.fromhex("308131300d060960864801650304020105000420") + digest, size
    ),
    "padding that encrypts": lambda digest, size: padded(INFO + digest, size).replace(b"\0\1", b"\0\2", 1),
    "padding with a gap": lambda digest, size: (
        padded(INFO + digest, size)[:20] + b"\xfe" + padded(INFO + digest, size)[21:]
    ),
    "no zero in front": lambda digest, size: b"\1" + padded(INFO + digest, size)[2:] + b"\0",
}


def padded(info: bytes, size: int) -> bytes:
    """Return the encoded message of RFC 8017 9.2 around what should be a DigestInfo."""
    return b"\0\1" + b"\xff" * (size - 3 - len(info)) + b"\0" + info


@pytest.mark.parametrize("name", PKCS1_FORGERIES)
def test_S14_the_whole_encoded_message_counts(name: str) -> None:
    """Signed with the real key, so that the encoding alone is wrong."""
    signer = key_for("RS256")
    numbers = signer.material.private.private_numbers()
    n, size = numbers.public_numbers.n, 256
    signing_input = forge({"alg": "RS256"}).rpartition(".")[0].encode()
    digest = hashlib.sha256(signing_input).digest()

    def signed(encoded: bytes) -> str:
        assert len(encoded) == size
        return forge({"alg": "RS256"}, signature=pow(int.from_bytes(encoded), numbers.d, n).to_bytes(size))

    assert jws.verify(signed(padded(INFO + digest, size)), signer)
    refused(signed(PKCS1_FORGERIES[name](digest, size)), signer, InvalidSignature)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "PS512"])
def test_S14_S15_a_signature_has_one_spelling(alg: str) -> None:
    """Neither without the zero octets in front, nor with the modulus added (RFC 8017 8.1.2, 8.2.2)."""
    signer = key_for(alg)
    n = signer.material.private.private_numbers().public_numbers.n
    for number in itertools.count():
        token = jws.sign(b"%d" % number, signer)
        signing_input, _, text = token.rpartition(".")
        raw = b64url_decode(text)
        larger = int.from_bytes(raw) + n
        if raw[0] == 0 and larger.bit_length() <= 2048:
            break
    assert jws.verify(token, signer)
    for other in (raw[1:], larger.to_bytes(256)):
        refused(f"{signing_input}.{b64url_encode(other)}", signer, InvalidSignature)
        with pytest.raises(InvalidSignature):
            jws.verify_stream(
                f"{signing_input.partition('.')[0]}..{b64url_encode(other)}", [b"%d" % number], signer
            )


@pytest.mark.parametrize("salt", [0, 20, 31, 33, 64])
def test_S15_the_pss_salt_has_the_length_of_the_hash(salt: int) -> None:
    signer = key_for("PS384")
    signing_input = forge({"alg": "PS384"}).rpartition(".")[0].encode()
    pss = padding.PSS(padding.MGF1(hashes.SHA384()), salt)
    signature = signer.material.private.sign(signing_input, pss, hashes.SHA384())
    refused(forge({"alg": "PS384"}, signature=signature), signer, InvalidSignature)


def test_S17_every_bit_of_the_signature_counts(key: Key) -> None:
    signing_input, _, text = jws.sign(PAYLOAD, key).rpartition(".")
    raw = b64url_decode(text)
    for at in (0, len(raw) // 2, len(raw) - 1):
        broken = bytearray(raw)
        broken[at] ^= 0x01
        refused(f"{signing_input}.{b64url_encode(bytes(broken))}", key)


def test_S17_what_is_not_verified_is_another_type_that_says_so(key: Key) -> None:
    parts = jws.parse_compact(jws.sign(PAYLOAD, Key.generate(key.alg)))
    assert not isinstance(parts, jws.Verified)
    assert "not verified" in repr(parts)


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def trap(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", trap)
    monkeypatch.setattr(socket, "getaddrinfo", trap)


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("kid", [True, False])
def test_S19_S20_S21_keys_in_the_header_are_never_used(kid: bool) -> None:
    ours, theirs = key_for("ES256"), Key.generate("ES256")
    extra: dict[str, Any] = {"kid": ours.kid} if kid else {}
    for parameter in (
        {"jwk": theirs.to_jwk()},
        {"x5c": ["MIIB"]},
        {"jku": "http://127.0.0.1:9/jwks"},
        {"jku": "file:///etc/passwd"},
        {"x5u": "http://127.0.0.1:9/cert"},
    ):
        token = forge({"alg": "ES256", **extra, **parameter}, theirs)
        refused(token, ours.public, InvalidSignature)
        refused(token, KeySet([ours.public]), InvalidSignature)
        refused(token, KeySet(), UnknownKey)


@pytest.mark.parametrize(
    "kid", ["", "../../dev/null", "' UNION SELECT 1", "a|sleep 5", "a\0", "a\r\nb", "k" * 1024]
)
def test_S22_a_kid_is_an_opaque_name_in_a_closed_set(kid: str) -> None:
    ours = key_for("HS256")
    for secret in (b"", b"\0", b"1"):
        signing_input = forge({"alg": "HS256", "kid": kid}).rpartition(".")[0].encode()
        forged = forge(
            {"alg": "HS256", "kid": kid}, signature=hmac.new(secret, signing_input, "sha256").digest()
        )
        error = refused(forged, KeySet([ours]), UnknownKey)
        assert len(error.kid or "") <= 200


@pytest.mark.parametrize("kid", [1, True, None, ["k"], {"k": 1}, "k" * 1025])
def test_S23_a_kid_is_text(kid: Any) -> None:
    refused(forge({"alg": "HS256", "kid": kid}, key_for("HS256")), key_for("HS256"), MalformedToken)


@pytest.mark.parametrize("secret", [b"", b"\0", b"null", b"undefined", b"secret", b"x" * 31])
def test_S25_S26_a_token_signed_with_no_real_key_is_refused(secret: bytes) -> None:
    signing_input = forge({"alg": "HS256"}).rpartition(".")[0].encode()
    mac = hmac.new(secret, signing_input, hashlib.sha256).digest()
    refused(forge({"alg": "HS256"}, signature=mac), key_for("HS256"), InvalidSignature)
    with pytest.raises(InvalidKey):
        Key.from_secret(secret, alg="HS256")


def test_S40_a_nonce_is_never_used_twice() -> None:
    signer = key_for("ES256")
    seen = {b64url_decode(jws.sign(PAYLOAD, signer).rpartition(".")[2])[:32] for _ in range(200)}
    assert len(seen) == 200
