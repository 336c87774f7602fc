"""Any input is a value or our own refusal; what is made comes back; one bit flipped anywhere is refused."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jose_keys import key_for

from mintmark.errors import InvalidToken, MintmarkError
from mintmark.jose import jwe, jws
from mintmark.jose.algorithms import CONTENT, KEY_MANAGEMENT, SIGNATURES
from mintmark.jose.encoding import b64url_decode, b64url_encode, json_decode, json_object
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

# --- any input is a value or our own refusal ---------------------------------------------------------------

WARM = jws.verifier_for(key_for("HS256"))
TOKEN = jws.sign(b'{"sub":"alice"}', key_for("HS256"))
SECRET = jwe.encrypt(b"secret", key_for("A256KW"))
assert WARM(TOKEN)

READERS: dict[str, Any] = {
    "b64url_decode": b64url_decode,
    "json_decode": json_decode,
    "json_object": json_object,
    "jws.verify": lambda data: jws.verify(data, key_for("HS256")),
    "jws.verifier_for": WARM,
    "jws.parse_compact": lambda data: jws.parse_compact(data).payload,
    "jws.verify_json": lambda data: jws.verify_json(data, key_for("HS256")),
    "jws.verify_stream": lambda data: jws.verify_stream(data, [b"x"], key_for("HS256")),
    "jwe.decrypt": lambda data: jwe.decrypt(data, key_for("A256KW"), allow_zip=True),
    "jwe.parse_compact": jwe.parse_compact,
    "jwe.decrypt_json": lambda data: jwe.decrypt_json(data, key_for("A256KW"), allow_zip=True),
    "Key.from_jwk": Key.from_jwk,
    "Key.from_pem": Key.from_pem,
    "Key.from_der": Key.from_der,
    "Key.from_secret": lambda data: Key.from_secret(data, alg="HS256"),
    "KeySet.from_jwks": KeySet.from_jwks,
}

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.binary(max_size=12)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)


def take(reader: str, data: Any) -> None:
    try:
        READERS[reader](data)
    except MintmarkError as refusal:
        assert len(str(refusal)) < 400  # noqa: PT017


@pytest.mark.parametrize("reader", READERS)
@given(data=st.text(max_size=80) | st.binary(max_size=80) | anything)
def test_any_input_is_a_value_or_our_refusal(reader: str, data: Any) -> None:
    take(reader, data)


NAMES = (
    *(
        "kty",
        "crv",
        "x",
        "y",
        "d",
        "n",
        "e",
        "k",
        "alg",
        "kid",
        "use",
        "key_ops",
        "p",
        "q",
        "pub",
        "priv",
        "keys",
    ),
    *(
        "payload",
        "protected",
        "header",
        "signature",
        "signatures",
        "recipients",
        "encrypted_key",
        "iv",
        "tag",
    ),
    *("ciphertext", "aad", "unprotected", "enc", "zip", "crit", "b64", "epk", "apu", "p2c", "p2s"),
)
WORDS = (
    *(
        "oct",
        "RSA",
        "EC",
        "OKP",
        "AKP",
        "P-256",
        "Ed25519",
        "X25519",
        "HS256",
        "ES256",
        "A256KW",
        "dir",
        "A256GCM",
    ),
    *("sig", "enc", "AQAB", "AAAA", "A" * 43, "b64", "DEF", "ML-DSA-44", "", "RSA-OAEP", "sign", "none"),
)
values = st.recursive(
    st.sampled_from(WORDS) | scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "reader", ["Key.from_jwk", "KeySet.from_jwks", "jws.verify_json", "jwe.decrypt_json"]
)
@given(members=st.dictionaries(st.sampled_from(NAMES), values, max_size=9))
def test_any_members_are_a_value_or_our_refusal(reader: str, members: dict[str, Any]) -> None:
    take(reader, members)
    take(reader, {"keys": [members]})


@given(
    header=st.dictionaries(st.sampled_from(NAMES), values, max_size=6),
    rest=st.lists(st.binary(max_size=40), max_size=4),
)
def test_any_header_is_a_value_or_our_refusal(header: dict[str, Any], rest: list[bytes]) -> None:
    try:
        text = json.dumps({"alg": "A256KW", "enc": "A256GCM", **header}).encode()
    except TypeError:
        return  # bytes have no JSON form
    token = ".".join(b64url_encode(part) for part in (text, *rest))
    for reader in ("jws.verify", "jws.verifier_for", "jws.parse_compact", "jwe.decrypt", "jwe.parse_compact"):
        take(reader, token)


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_any_token_with_one_character_changed_is_refused(at: int, character: str) -> None:
    changed = TOKEN[:at] + character + TOKEN[at + 1 :]
    if changed != TOKEN:
        for reader in (WARM, lambda token: jws.verify(token, key_for("HS256"))):
            with pytest.raises(InvalidToken):
                reader(changed)
    assert WARM(TOKEN)[0] == b'{"sub":"alice"}'


@given(st.integers(0, len(SECRET) - 1), st.characters())
def test_any_encrypted_token_with_one_character_changed_is_refused(at: int, character: str) -> None:
    changed = SECRET[:at] + character + SECRET[at + 1 :]
    if changed != SECRET:
        with pytest.raises(InvalidToken):
            jwe.decrypt(changed, key_for("A256KW"))


# --- everything made comes back, and one bit flipped anywhere is refused -----------------------------------

FLIPS = settings(max_examples=25)


@cache
def signed(alg: str) -> tuple[str, dict[str, Any], str]:
    key = key_for(alg)
    return jws.sign(b"payload", key), jws.sign_json(b"payload", key), jws.sign(b"payload", key, detached=True)


@cache
def warm(alg: str) -> Any:
    """Return a compiled reader that knows the header of the signed token."""
    reader = jws.verifier_for(key_for(alg))
    reader(signed(alg)[0])
    return reader


def flip(text: str, at: int) -> str:
    """Flip one bit of the bytes that a segment spells."""
    data = bytearray(b64url_decode(text))
    data[at // 8 % len(data)] ^= 1 << at % 8
    return b64url_encode(bytes(data))


@pytest.mark.parametrize("alg", SIGNATURES)
@FLIPS
@given(st.sampled_from(range(3)), st.integers(0, 40_000))
def test_one_bit_flipped_in_a_signed_token_is_refused(alg: str, part: int, at: int) -> None:
    key = key_for(alg)
    compact, flat, _ = signed(alg)
    parts = compact.split(".")
    parts[part] = flip(parts[part], at)
    with pytest.raises(InvalidToken):
        jws.verify(".".join(parts), key)
    assert warm(alg)(compact)[0] == b"payload"
    with pytest.raises(InvalidToken):
        warm(alg)(".".join(parts))
    name = ("protected", "payload", "signature")[part]
    with pytest.raises(InvalidToken):
        jws.verify_json({**flat, name: flip(flat[name], at)}, key)


@pytest.mark.parametrize("alg", SIGNATURES)
@FLIPS
@given(at=st.integers(0, 8 * 40_000))
def test_one_bit_flipped_in_the_text_of_a_signed_token_is_refused(alg: str, at: int) -> None:
    """One bit of a character: the next letter, or no letter of base64url, or no dot any more."""
    text = bytearray(signed(alg)[0].encode())
    text[at // 8 % len(text)] ^= 1 << at % 8
    for reader in (warm(alg), lambda token: jws.verify(token, key_for(alg))):
        with pytest.raises(InvalidToken):
            reader(text.decode("latin-1"))


@pytest.mark.parametrize("alg", SIGNATURES)
@settings(max_examples=10)
@given(st.binary(max_size=300))
def test_every_form_of_signature_comes_back(alg: str, payload: bytes) -> None:
    key = key_for(alg)
    public = key if key.kty == "oct" else key.public
    assert jws.verify(jws.sign(payload, key), public).payload == payload
    assert jws.verify_json(jws.sign_json(payload, key), public).payload == payload
    assert jws.verify_json(jws.sign_json(payload, [key]), public).payload == payload
    for b64 in (True, False):
        detached = jws.sign(payload, key, detached=True, b64=b64)
        assert jws.verify(detached, public, detached_payload=payload).payload == payload
    assert jws.verifier_for(public)(jws.signer_for(key)(payload))[0] == payload


_HASHES = ("sha256", "sha384", "sha512")


def direct_names() -> list[tuple[str, str]]:
    pairs = [("dir", "A256GCM"), ("dir", "A128CBC-HS256"), *((enc, enc) for enc in CONTENT)]
    wrapping = [
        alg for alg in KEY_MANAGEMENT if alg not in CONTENT and alg != "dir" and not alg.startswith("PBES2")
    ]
    return pairs + [(alg, enc) for alg in wrapping for enc in CONTENT]


@pytest.mark.parametrize(("alg", "enc"), direct_names())
@settings(max_examples=3)
@given(plaintext=st.binary(max_size=300), compress=st.booleans())
def test_every_form_of_encryption_comes_back(alg: str, enc: str, plaintext: bytes, compress: bool) -> None:
    key = key_for(alg)
    options: dict[str, Any] = {"allow": ["RSA1_5"]}
    reading = {**options, "allow_zip": True}
    sending = {**options, "enc": enc, "compress": compress}
    assert jwe.decrypt(jwe.encrypt(plaintext, key, **sending), key, **reading).plaintext == plaintext
    for keys in (key, [key]):
        message = jwe.encrypt_json(plaintext, keys, aad=b"context", **sending)
        assert jwe.decrypt_json(json.dumps(message), key, **reading).plaintext == plaintext


@cache
def encrypted(alg: str, enc: str) -> str:
    return jwe.encrypt(b"plaintext " * 4, key_for(alg), enc=enc, allow=["RSA1_5"])


@pytest.mark.parametrize(("alg", "enc"), direct_names())
@settings(max_examples=8)
@given(part=st.sampled_from(range(5)), at=st.integers(0, 10_000))
def test_one_bit_flipped_in_an_encrypted_token_is_refused(alg: str, enc: str, part: int, at: int) -> None:
    parts = encrypted(alg, enc).split(".")
    if parts[part]:
        parts[part] = flip(parts[part], at)
        with pytest.raises(InvalidToken):
            jwe.decrypt(".".join(parts), key_for(alg), allow=["RSA1_5"], allow_zip=True)


@cache
def encrypted_json(alg: str, enc: str) -> dict[str, Any]:
    return jwe.encrypt_json(b"plaintext " * 4, key_for(alg), enc=enc, aad=b"context", allow=["RSA1_5"])


@pytest.mark.parametrize(("alg", "enc"), direct_names())
@settings(max_examples=8)
@given(data=st.data(), at=st.integers(0, 10_000))
def test_one_bit_flipped_in_an_encrypted_message_is_refused(
    alg: str, enc: str, data: st.DataObject, at: int
) -> None:
    message = encrypted_json(alg, enc)
    name = data.draw(st.sampled_from([name for name, value in message.items() if isinstance(value, str)]))
    with pytest.raises(InvalidToken):
        jwe.decrypt_json({**message, name: flip(message[name], at)}, key_for(alg), allow=["RSA1_5"])


@pytest.mark.parametrize("alg", [alg for alg in KEY_MANAGEMENT if alg.startswith("PBES2")])
def test_a_password_opens_every_form_and_no_message_with_a_flipped_bit(
    alg: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few iterations: stretching a password as it should be takes too long for hundreds of messages."""
    monkeypatch.setattr("mintmark.jose.algorithms.pbes2._ITERATIONS", dict.fromkeys(_HASHES, 1000))
    key = Key.from_secret(b"correct horse battery staple", alg=alg)
    for enc in CONTENT:
        token = jwe.encrypt(b"plaintext", key, enc=enc, allow=[alg])
        assert jwe.decrypt(token, key, allow=[alg]).plaintext == b"plaintext"
        for keys in (key, [key]):
            message = jwe.encrypt_json(b"plaintext", keys, enc=enc, aad=b"context", allow=[alg])
            assert jwe.decrypt_json(message, key, allow=[alg]).plaintext == b"plaintext"
        parts = token.split(".")
        for part, text in enumerate(parts):
            for at in range(0, len(text) * 6, 41):
                broken = ".".join([*parts[:part], flip(text, at), *parts[part + 1 :]])
                with pytest.raises(InvalidToken):
                    jwe.decrypt(broken, key, allow=[alg])
