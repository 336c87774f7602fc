"""Keys that are weak, broken or contradict themselves never become a Key."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from jose_keys import jwk, key_for, number, uint

from mintmark.errors import ErrorCode, InvalidKey
from mintmark.jose import jws
from mintmark.jose.encoding import b64url_decode, b64url_encode
from mintmark.jose.jwk import Key

# --- what is refused on import -----------------------------------------------------------------------------


@pytest.mark.parametrize("crv", ["P-256", "P-384", "P-521"])
def test_K1_a_point_off_the_curve_is_refused(crv: str) -> None:
    members = Key.generate("ECDH-ES", crv=crv).to_jwk()
    x = bytearray(b64url_decode(members["x"]))
    x[-1] ^= 1
    with pytest.raises(InvalidKey, match="curve"):
        Key.from_jwk({**members, "x": b64url_encode(bytes(x))})
    with pytest.raises(InvalidKey):
        Key.from_jwk({**members, "x": b64url_encode(bytes(len(x))), "y": b64url_encode(bytes(len(x)))})


P25519 = 2**255 - 19
Y8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SMALL_Y = [0, 1, P25519 - 1, P25519, P25519 + 1, Y8, P25519 - Y8, *(value | 1 << 255 for value in (0, 1, Y8))]
U8 = (
    0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
    0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
)
SMALL_U = [0, 1, P25519 - 1, P25519, P25519 + 1, *U8]


@pytest.mark.parametrize("y", SMALL_Y)
def test_S13_ed25519_points_of_small_order_are_refused(y: int) -> None:
    with pytest.raises(InvalidKey):
        Key.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": b64url_encode(y.to_bytes(32, "little"))})


@pytest.mark.parametrize("u", SMALL_U)
def test_E1_x25519_points_of_small_order_are_refused(u: int) -> None:
    members = {"kty": "OKP", "crv": "X25519", "x": b64url_encode(u.to_bytes(32, "little"))}
    with pytest.raises(InvalidKey) as caught:
        Key.from_jwk(members)
    assert caught.value.code == ErrorCode.KEY_WEAK


@pytest.mark.parametrize(("crv", "size"), [("Ed448", 57), ("X448", 56)])
def test_S13_E1_448_points_of_small_order_are_refused(crv: str, size: int) -> None:
    prime = 2**448 - 2**224 - 1
    for value in (0, 1, prime - 1, prime, prime + 1):
        with pytest.raises(InvalidKey):
            Key.from_jwk({"kty": "OKP", "crv": crv, "x": b64url_encode(value.to_bytes(size, "little"))})


def test_K1_an_edwards_key_that_is_no_point_is_refused() -> None:
    for crv, size, good in (("Ed25519", 32, "Ed25519"), ("Ed448", 57, "Ed448")):
        refused = 0
        for value in range(2, 30):
            try:
                Key.from_jwk({"kty": "OKP", "crv": crv, "x": b64url_encode(value.to_bytes(size, "little"))})
            except InvalidKey:
                refused += 1
        assert 5 <= refused <= 23  # about half of all y have no x
        for _ in range(50):
            assert Key.from_jwk(Key.generate(good).to_jwk()).alg == good


def is_point(crv: str, y: int) -> bool:
    """RFC 8032 5.1.3, 5.2.3 by Euler's criterion: whether x² = (y² - 1) / (d y² ± 1) has a solution."""
    prime = P25519 if crv == "Ed25519" else 2**448 - 2**224 - 1
    d, sign = (-121665 * pow(121666, -1, P25519), 1) if crv == "Ed25519" else (-39081, -1)
    square = (y * y - 1) * pow(d * y * y + sign, -1, prime) % prime
    return y < prime and pow(square, (prime - 1) // 2, prime) in (0, 1)


@pytest.mark.parametrize(("crv", "size", "bits"), [("Ed25519", 32, 255), ("Ed448", 57, 448)])
@given(data=st.data())
def test_K1_of_all_encodings_exactly_the_points_become_edwards_keys(
    crv: str, size: int, bits: int, data: st.DataObject
) -> None:
    prime = P25519 if crv == "Ed25519" else 2**448 - 2**224 - 1
    y = data.draw(st.integers(2, 2**bits - 1) | st.integers(prime - 40, prime + 18))
    encoded = (y | data.draw(st.sampled_from((0, 1 << (8 * size - 1))))).to_bytes(size, "little")
    members = {"kty": "OKP", "crv": crv, "x": b64url_encode(encoded)}
    small = SMALL_Y if crv == "Ed25519" else (0, 1, prime - 1)
    if y not in small and is_point(crv, y):
        assert Key.from_jwk(members).to_jwk()["x"] == members["x"]
    else:
        with pytest.raises(InvalidKey):
            Key.from_jwk(members)


@pytest.mark.parametrize("alg", ["ES256", "ES512", "Ed25519", "Ed448", "ML-DSA-44"])
def test_K2_K16_members_have_their_exact_length(alg: str) -> None:
    for name in ("x", "y", "d", "pub", "priv"):
        members = jwk(alg)
        if name not in members:
            continue
        octets = b64url_decode(members[name])
        for wrong in (octets[:-1], octets + b"\0", b"\0" + octets, b""):
            with pytest.raises(InvalidKey):
                Key.from_jwk({**members, name: b64url_encode(wrong)})


@pytest.mark.parametrize("alg", ["ES256", "ES384", "Ed25519", "Ed448", "ML-DSA-44", "ML-DSA-87", "RS256"])
def test_K3_a_private_half_of_another_key_is_refused(alg: str) -> None:
    other = Key.generate(alg).to_jwk(private=True)
    name = "priv" if "priv" in other else "d"
    with pytest.raises(InvalidKey, match="does not fit"):
        Key.from_jwk(jwk(alg, **{name: other[name]}))


@pytest.mark.parametrize("name", ["p", "q", "dp", "dq", "qi", "d", "n", "e"])
def test_K3_every_part_of_an_rsa_key_belongs_to_the_others(name: str) -> None:
    members = jwk("RS256")
    with pytest.raises(InvalidKey):
        Key.from_jwk({**members, name: uint(number(members, name) + 2)})
    if name in ("p", "q", "dp", "dq", "qi"):
        with pytest.raises(InvalidKey, match="all of p, q"):
            Key.from_jwk(jwk("RS256", **{name: None}))


def test_K3_rsa_factors_that_are_not_prime_are_refused() -> None:
    key = rsa.generate_private_key(65537, 2048).private_numbers()
    small = rsa.generate_private_key(65537, 1024).private_numbers()
    n = key.public_numbers.n * small.public_numbers.n
    phi = (key.p - 1) * (key.q - 1) * (small.p - 1) * (small.q - 1)
    p, q = key.public_numbers.n, small.public_numbers.n
    d = pow(65537, -1, phi)
    parts = {
        "n": n,
        "e": 65537,
        "d": d,
        "p": p,
        "q": q,
        "dp": d % (p - 1),
        "dq": d % (q - 1),
        "qi": pow(q, -1, p),
    }
    with pytest.raises(InvalidKey, match="does not fit"):
        Key.from_jwk({"kty": "RSA", **{name: uint(value) for name, value in parts.items()}})


def test_an_rsa_key_may_state_only_its_exponent() -> None:
    bare = jwk("RS256", p=None, q=None, dp=None, dq=None, qi=None)
    token = jws.sign(b"payload", Key.from_jwk(bare))
    assert jws.verify(token, key_for("RS256").public).payload == b"payload"
    with pytest.raises(InvalidKey):
        Key.from_jwk({**bare, "d": uint(number(bare, "d") + 2)})
    with pytest.raises(InvalidKey, match="two primes"):
        Key.from_jwk(jwk("RS256", oth=[]))


def rsa_public(n: int, e: int) -> dict[str, str]:
    return {"kty": "RSA", "n": uint(n), "e": uint(e), "alg": "RS256"}


def test_K4_weak_rsa_keys_are_refused() -> None:
    n = number(jwk("RS256"), "n")
    small = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n
    for members in (
        rsa_public(small, 65537),
        rsa_public(n, 3),
        rsa_public(n, 1),
        rsa_public(n, 65536),
        rsa_public(n - 1, 65537),
    ):
        with pytest.raises(InvalidKey):
            Key.from_jwk(members)
    with pytest.raises(InvalidKey, match="shortest"):
        Key.from_jwk({**rsa_public(n, 65537), "n": b64url_encode(b"\0" + n.to_bytes(256))})
    with pytest.raises(InvalidKey):
        Key.from_jwk(rsa_public(1 << 20_000 | 1, 65537))
    for bits in (512, 1024, 2047, 20_000):
        with pytest.raises(InvalidKey):
            Key.generate("RS256", bits=bits)


def test_K4_the_roca_fingerprint_is_refused_and_sound_keys_never_show_it() -> None:
    from mintmark.jose.kinds.rsa import _ROCA, check_public

    modulus = 1
    for prime, _ in _ROCA:
        modulus *= prime
    looks_so = pow(65537, 1234, modulus) + modulus * ((1 << 2047) // modulus + 1)
    looks_so += modulus * (1 - looks_so % 2)
    with pytest.raises(InvalidKey, match="ROCA"):
        check_public(looks_so, 65537, True)
    chance = 1.0
    for prime, residues in _ROCA:
        chance *= len(residues) / (prime - 1)
    assert chance < 2**-27


def test_legacy_keys_are_admitted_by_name_for_verifying_only() -> None:
    private = rsa.generate_private_key(3, 1024)
    numbers = private.public_key().public_numbers()
    key = Key.from_jwk(rsa_public(numbers.n, 3), allow_legacy=True)
    assert key.is_legacy
    assert key.verify_bytes is not None
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(InvalidKey):
        Key.from_pem(pem, alg="RS256")
    legacy = Key.from_pem(pem, alg="RS256", allow_legacy=True)
    with pytest.raises(InvalidKey, match="legacy"):
        jws.sign(b"payload", legacy)
    assert legacy.public.is_legacy

    short = {"kty": "oct", "k": b64url_encode(b"k" * 20), "alg": "HS256"}
    with pytest.raises(InvalidKey):
        Key.from_jwk(short)
    assert Key.from_jwk(short, allow_legacy=True).is_legacy
    with pytest.raises(InvalidKey):
        Key.from_jwk({**short, "k": b64url_encode(b"k" * 15)}, allow_legacy=True)
    assert not Key.from_jwk(jwk("RS256"), allow_legacy=True).is_legacy


@pytest.mark.parametrize(("alg", "size"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_S25_S26_hmac_keys_are_as_long_as_their_hash(alg: str, size: int) -> None:
    for length in (0, 1, 16, size - 1):
        with pytest.raises(InvalidKey):
            Key.from_secret(b"\x01" * length, alg=alg)
    assert Key.from_secret(b"\x01" * size, alg=alg).alg == alg


@pytest.mark.parametrize("secret", ["text" * 20, None, 7, bytearray(64)])
def test_S5_a_secret_is_bytes_and_nothing_else_is_guessed(secret: Any) -> None:
    with pytest.raises(InvalidKey):
        Key.from_secret(secret, alg="HS256")


@pytest.mark.parametrize(
    ("alg", "size"), [("A128KW", 16), ("A256GCMKW", 32), ("A256CBC-HS512", 64), ("A192GCM", 24)]
)
def test_aes_keys_have_the_length_of_their_name(alg: str, size: int) -> None:
    for length in (size - 1, size + 1, 2 * size, 8):
        with pytest.raises(InvalidKey):
            Key.from_secret(b"\x01" * length, alg=alg)
    assert Key.from_secret(b"\x01" * size, alg=alg).alg == alg


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"use": "SIG"},
        {"use": 1},
        {"use": None, "key_ops": ["encrypt"]},
        {"key_ops": ["verify", "verify"]},
        {"key_ops": []},
        {"key_ops": "verify"},
        {"key_ops": [1]},
        {"use": "sig", "key_ops": ["decrypt"]},
        {"alg": 5},
        {"alg": ["ES256"]},
        {"kid": 5},
        {"kid": "k" * 2000},
        {"kty": "ec"},
        {"kty": None},
        {"kty": ["EC"]},
        {"crv": "P256"},
        {"crv": None},
        {"x": None},
        {"x": 5},
        {"y": "not base64!"},
        {"d": ""},
    ],
)
def test_K5_members_that_contradict_or_are_malformed_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidKey):
        Key.from_jwk(jwk("ES256", **changes))


def test_K5_key_ops_are_obeyed() -> None:
    only_signs = Key.from_jwk(jwk("ES256", key_ops=["sign"]))
    token = jws.sign(b"payload", only_signs)
    with pytest.raises(InvalidKey, match="key_ops"):
        jws.verify(token, only_signs)
    assert only_signs.public.key_ops == ("verify",)
    assert jws.verify(token, only_signs.public).payload == b"payload"
    with pytest.raises(InvalidKey, match="key_ops"):
        jws.sign(b"payload", Key.from_jwk(jwk("ES256", key_ops=["verify"])))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"kty":"oct","kty":"oct","k":"AA"}',
        '"x"',
        b"\xff",
        "null",
        b'\xef\xbb\xbf{"kty":"oct"}',
    ],
)
def test_a_jwk_text_is_one_unambiguous_object(text: str | bytes) -> None:
    with pytest.raises(InvalidKey):
        Key.from_jwk(text)
