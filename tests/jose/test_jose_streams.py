"""A large detached payload is signed and verified in parts, in constant memory."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jose_keys import key_for

from mintmark.errors import (
    AlgorithmNotAllowed,
    ConfigurationError,
    InvalidKey,
    InvalidSignature,
    MalformedToken,
    UnknownKey,
)
from mintmark.jose import jws
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

ALGORITHMS = (
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "PS512",
    "ES256",
    "ES512",
    "ES256K",
    "ML-DSA-44",
    "ML-DSA-87",
)
DATA = bytes(range(256)) * 2000


@pytest.mark.parametrize("b64", [True, False])
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_parts_and_the_whole_are_the_same_message(alg: str, b64: bool) -> None:
    key = key_for(alg)
    token = jws.sign_stream(io.BytesIO(DATA), key, b64=b64, header={"cty": "x"})
    assert jws.verify(token, key, detached_payload=DATA).payload == DATA
    whole = jws.sign(DATA, key, b64=b64, detached=True)
    for each in (token, whole):
        verified = jws.verify_stream(each, io.BytesIO(DATA), KeySet([key]))
        assert verified.size == len(DATA)
        assert verified.key == key
        with pytest.raises(InvalidSignature):
            jws.verify_stream(each, io.BytesIO(DATA + b"."), key)
        with pytest.raises(InvalidSignature):
            jws.verify_stream(each, [], key)


@given(st.lists(st.binary(max_size=50), max_size=20), st.booleans())
def test_how_the_payload_is_cut_does_not_matter(parts: list[bytes], b64: bool) -> None:
    key = key_for("HS256")
    token = jws.sign_stream(parts, key, b64=b64)
    assert jws.verify(token, key, detached_payload=b"".join(parts)).payload == b"".join(parts)
    assert jws.verify_stream(token, parts, key).size == len(b"".join(parts))


def test_memory_stays_constant(tmp_path: Path) -> None:
    path, key = tmp_path / "large file", key_for("ES256")
    with path.open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    try:
        for b64 in (True, False):
            with path.open("rb") as file:
                token = jws.sign_stream(file, key, b64=b64)
            with path.open("rb") as file:
                assert jws.verify_stream(token, file, key).size == 64 << 20
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_one_great_part_is_cut_without_copying_it_over_and_over() -> None:
    key = key_for("HS256")
    token = jws.sign_stream([bytes(32 << 20)], key, b64=True)
    assert jws.verify_stream(token, [bytes(32 << 20)], key).size == 32 << 20


@pytest.mark.parametrize("alg", ["Ed25519", "Ed448", "EdDSA"])
def test_what_reads_the_message_twice_says_so(alg: str) -> None:
    key = key_for(alg)
    with pytest.raises(ConfigurationError, match="in parts"):
        jws.sign_stream(io.BytesIO(DATA), key)
    with pytest.raises(ConfigurationError, match="in parts"):
        jws.verify_stream(jws.sign(DATA, key, detached=True), io.BytesIO(DATA), key)


def test_several_candidates_are_tried_in_one_pass() -> None:
    keys = [Key.generate("HS256", kid=str(number)) for number in range(3)]
    token = jws.sign_stream([b"a", b"b"], Key.from_secret(keys[2].material.private, alg="HS256", kid=""))

    def once() -> Iterator[bytes]:
        yield b"a"
        yield b"b"

    assert jws.verify_stream(token, once(), KeySet(keys)).key == keys[2]


def test_S29_refusals() -> None:
    key = key_for("HS256")
    with pytest.raises(MalformedToken):
        jws.verify_stream(jws.sign(DATA, key), io.BytesIO(DATA), key)
    with pytest.raises(AlgorithmNotAllowed):
        jws.verify_stream(jws.sign(DATA, key, detached=True), io.BytesIO(DATA), key_for("HS512"))
    with pytest.raises(UnknownKey):
        jws.verify_stream(jws.sign(DATA, key, detached=True), io.BytesIO(DATA), KeySet())
    with pytest.raises(InvalidKey):
        jws.sign_stream([b"a"], key_for("ES256").public)
    for wrong in (["text"], [None], io.StringIO("text"), 5, None, b"bytes"):
        with pytest.raises(ConfigurationError):
            jws.sign_stream(wrong, key)  # type: ignore[arg-type]
