"""The compiled paths answer exactly as the plain ones, whatever they have seen before."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jose_keys import key_for

from mintmark.errors import ConfigurationError, InvalidKey, InvalidSignature, MintmarkError
from mintmark.jose import jws
from mintmark.jose.encoding import b64url_decode, b64url_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jose.jws.compiled import MAX_HEADERS, verifier_into

KEYS = KeySet([key_for("HS256"), key_for("ES256").public, Key.generate("HS256", kid="second")])
READ = jws.verifier_for(KEYS)
TOKENS = [
    jws.sign(b'{"sub":"alice"}', key_for("HS256")),
    jws.sign(b'{"sub":"al"}', key_for("HS256"), header={"typ": "at+jwt"}),
    jws.sign(b'{"sub":"a"}', key_for("ES256")),
    jws.sign(b"$02", key_for("HS256"), b64=False),
    jws.sign(b"", key_for("HS256")),
]


def outcome(verify: Any, token: Any) -> Any:
    try:
        payload, header, key = verify(token)
    except MintmarkError as error:
        return type(error), error.code
    return payload, dict(header), key


def plainly(token: Any) -> Any:
    verified = jws.verify(token, KEYS)
    return verified.payload, verified.header, verified.key


@pytest.mark.parametrize("token", TOKENS)
def test_good_tokens_are_answered_alike_cold_and_warm(token: str) -> None:
    expected = outcome(plainly, token)
    assert [outcome(READ, token) for _ in range(3)] == [expected] * 3


# What may differ: which of several faults of one broken token is named first.
@given(
    st.sampled_from(TOKENS),
    st.integers(0, 400),
    st.integers(0, 3),
    st.sampled_from(
        ["", "=", ".", "+", "/", "-", "_", "A", "B", "Q", "é", "\0", "\n", " ", "\ud800", "..", "=="]
    ),
)
def test_broken_tokens_are_refused_by_both(token: str, at: int, cut: int, insert: str) -> None:
    for known in TOKENS:
        READ(known)
    broken = token[: at % (len(token) + 1)] + insert + token[at % (len(token) + 1) + cut :]
    fast, strict = outcome(READ, broken), outcome(plainly, broken)
    if len(strict) == 3 or len(fast) == 3:
        assert fast == strict


@given(st.lists(st.text(alphabet="AQgwEIMk048-_+/=.\n", max_size=12), min_size=1, max_size=4))
def test_any_payload_and_signature_text_is_refused_by_both(parts: list[str]) -> None:
    header = TOKENS[0].partition(".")[0]
    READ(TOKENS[0])
    token = ".".join([header, *parts])
    assert len(outcome(READ, token)) == len(outcome(plainly, token)) == 2


def test_S35_a_right_signature_over_a_wrong_spelling_is_refused() -> None:
    """The codec alone would take these: the signature holds over the text as it stands."""
    key = key_for("HS256")
    header = TOKENS[0].partition(".")[0]
    READ(TOKENS[0])
    for payload in ("QR", "QUJ", "QQ==", "+A", "/w", "A", "QQ=", "QUJDRA=="):
        assert key.sign_bytes is not None
        signature = b64url_encode(key.sign_bytes(f"{header}.{payload}".encode()))
        token = f"{header}.{payload}.{signature}"
        assert len(outcome(READ, token)) == len(outcome(plainly, token)) == 2
    good = TOKENS[0]
    last = good[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for character in alphabet:
        token = good[:-1] + character
        if character != last:
            assert len(outcome(READ, token)) == len(outcome(plainly, token)) == 2


def test_only_verified_headers_are_kept_and_they_are_bounded() -> None:
    key = key_for("HS256")
    read = verifier_into(key, lambda *verified: verified, lambda refusal, token: refusal)
    kept = next(cell.cell_contents for cell in read.__closure__ or () if isinstance(cell.cell_contents, dict))
    forger = Key.generate("HS256")
    for number in range(10):
        with pytest.raises(InvalidSignature):
            read(jws.sign(b"x", forger, header={"n": number}), None)
    assert not kept
    for number in range(3 * MAX_HEADERS):
        assert read(jws.sign(b"x", key, header={"n": number}), None)[1]["n"] == number
        assert len(kept) <= MAX_HEADERS


@pytest.mark.parametrize("token", TOKENS)
def test_what_was_verified_is_handed_on_with_the_token_and_what_the_caller_gave(token: str) -> None:
    read = verifier_into(KEYS, lambda *verified: verified, lambda refusal, token: refusal)
    for given_along in ("first", "again", 3):
        payload, header, key, text, along = read(token, given_along)
        assert (text, along) == (token, given_along)
        assert (payload, dict(header), key) == outcome(plainly, token)


def test_who_asks_says_what_is_raised_where_no_key_verifies_and_only_there() -> None:
    asked: list[tuple[str, str]] = []

    def refused(refusal: MintmarkError, token: str) -> Exception:
        asked.append((type(refusal).__name__, token))
        return LookupError("newer keys, please")

    read = verifier_into(KEYS, lambda *verified: verified, refused)
    forged = jws.sign(b"x", Key.generate("HS256", kid=key_for("HS256").kid))
    unknown = jws.sign(b"x", Key.generate("HS256"))
    for _ in range(2):  # before its header is known, and after
        for token in (forged, unknown):
            with pytest.raises(LookupError) as caught:
                read(token, None)
            assert caught.value.__suppress_context__ or caught.value.__context__ is None
        with pytest.raises(MintmarkError):
            read("no.token", None)
        read(jws.sign(b"x", key_for("HS256")), None)
    assert asked == [("InvalidSignature", forged), ("UnknownKey", unknown)] * 2


def test_a_header_that_several_keys_might_answer_is_never_kept() -> None:
    first, second = Key.generate("HS256", kid="a"), Key.generate("HS256", kid="b")
    nameless = [Key.from_secret(key.material.private, alg="HS256", kid="") for key in (first, second)]
    read = jws.verifier_for(KeySet([first, second]))
    for _ in range(3):
        assert [read(jws.sign(b"x", key))[2] for key in nameless] == [first, second]


def test_S41_one_header_object_serves_many_and_cannot_be_changed() -> None:
    read = jws.verifier_for(key_for("HS256"))
    token = jws.sign(b"x", key_for("HS256"), header={"x5c": ["a", {"b": 1}]})
    header = read(token)[1]
    with pytest.raises(TypeError):
        header["alg"] = "none"  # type: ignore[index]
    with pytest.raises((TypeError, AttributeError)):
        header["x5c"].append("c")
    with pytest.raises(TypeError):
        header["x5c"][1]["b"] = 2
    assert read(token)[1] == jws.verify(token, key_for("HS256")).header


def test_a_prepared_signer_signs_as_the_plain_one() -> None:
    key = key_for("HS256")
    assert jws.signer_for(key, header={"typ": "JWT"})(b"x") == jws.sign(b"x", key, header={"typ": "JWT"})
    with pytest.raises(ConfigurationError):
        jws.signer_for(key, header={"alg": "none"})
    with pytest.raises(InvalidKey):
        jws.signer_for(key_for("ES256").public)
    with pytest.raises(InvalidKey):
        jws.signer_for(key_for("dir"))


def test_many_threads_share_one_verifier() -> None:
    key = key_for("HS256")
    read = jws.verifier_for(key)
    tokens = [jws.sign(b"%d" % number, key, header={"n": number % 200}) for number in range(400)]
    wrong: list[int] = []

    def work(start: int) -> None:
        for step in range(400):
            number = (start + step) % 400
            if read(tokens[number])[0] != b"%d" % number:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 400, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_b64url_of_a_signature_has_no_second_spelling() -> None:
    text = TOKENS[0].rpartition(".")[2]
    assert b64url_encode(b64url_decode(text)) == text
