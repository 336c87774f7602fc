"""inspect: shows what anybody can read of a token, says that nothing is verified, and never raises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokens import EC_KEY, access_claims, claims, issuer, token

from mintmark import Claims, Key, Unverified, inspect, jwe
from mintmark.errors import ErrorCode
from mintmark.jwt.profiles import BACKCHANNEL_LOGOUT_EVENT
from mintmark.jwt.profiles.dpop import make_proof

SIGNED = token(access_claims(), typ="at+jwt")


def test_P1_anybody_can_read_a_token_and_nothing_is_verified() -> None:
    seen = inspect(SIGNED)
    assert (seen.kind, seen.recognised) == ("jws", "access token (RFC 9068)")
    assert seen.header["typ"] == "at+jwt"
    assert seen.claims is not None
    assert seen.claims["sub"] == "alice"
    assert len(seen.signature) == 32
    assert seen.problems == seen.notes == ()
    assert repr(seen) == str(seen) == "<UNVERIFIED access token (RFC 9068)>"
    assert not isinstance(seen, Claims)


def test_S17_unverified_claims_are_a_type_of_their_own() -> None:
    changed = SIGNED[:-4] + "AAAA"
    assert isinstance(inspect(changed), Unverified)
    assert not hasattr(inspect(changed), "subject")


@pytest.mark.parametrize(
    "pasted",
    [
        "Bearer {}",
        "bearer   {}",
        "DPoP {}",
        "Authorization: Bearer {}",
        '"{}"',
        "'{}'",
        "`{}`",
        "  {}\n",
        "<{}>",
        '"Bearer {}"',
        'Bearer "{}"',
    ],
)
def test_it_takes_what_people_paste(pasted: str) -> None:
    seen = inspect(pasted.format(SIGNED))
    assert seen.claims == inspect(SIGNED).claims
    assert seen.problems == ()
    assert inspect(pasted.format(SIGNED).encode()).claims == seen.claims


def test_it_takes_a_token_over_several_lines() -> None:
    lines = "\r\n  ".join(SIGNED[start : start + 64] for start in range(0, len(SIGNED), 64))
    seen = inspect(lines)
    assert seen.problems == ()
    assert seen.notes == ("it had white space or line breaks in it",)


@pytest.mark.parametrize(
    ("text", "recognised"),
    [
        (token(claims(nonce="n")), "ID token (OpenID Connect)"),
        (token(claims(scope="a")), "access token without the typ of RFC 9068"),
        (token(claims()), "signed token (JWT)"),
        (
            token(claims(events={BACKCHANNEL_LOGOUT_EVENT: {}})),
            "logout token (OpenID Connect Back-Channel Logout)",
        ),
        (make_proof(EC_KEY, method="GET", url="https://a.example/", now=1.0), "DPoP proof (RFC 9449)"),
        (token(claims(), typ="secevent+jwt"), "security event (RFC 8417)"),
        (token(payload=b"hello"), "signed message (JWS), not a JWT"),
    ],
)
def test_it_recognises_kinds_of_tokens(text: str, recognised: str) -> None:
    assert inspect(text).recognised == recognised


def test_an_encrypted_token_shows_its_header_only() -> None:
    box = Key.generate("RSA-OAEP-256", kid="box")
    nested = inspect(issuer(EC_KEY).issue(subject="alice", lifetime=60, encrypt_to=box.public))
    assert (nested.kind, nested.recognised) == ("jwe", "signed and encrypted token (nested JWT)")
    assert nested.claims is None
    assert nested.header["alg"] == "RSA-OAEP-256"
    assert len(nested.signature) == 16
    assert inspect(jwe.encrypt(b"hello", box.public)).recognised == "encrypted message (JWE)"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", ErrorCode.TOKEN_MALFORMED),
        ("a.b", ErrorCode.TOKEN_MALFORMED),
        ("a.b.c.d", ErrorCode.TOKEN_MALFORMED),
        ('{"payload":"x"}', ErrorCode.TOKEN_WRONG_FORM),
        ("e30.e30.", ErrorCode.HEADER_INVALID),
        ("eyJhbGciOiJub25lIn0.e30.", ErrorCode.ALGORITHM_NOT_ALLOWED),
        ("!.e30.AA", ErrorCode.BASE64URL_INVALID),
        ("e30.bm90IGpzb24.AA", ErrorCode.JSON_INVALID),
        (token(claims(exp="tomorrow")), ErrorCode.CLAIM_MALFORMED),
        ("x" * 2_000_000, ErrorCode.TOKEN_TOO_LARGE),
        ("." * 100_000, ErrorCode.TOKEN_MALFORMED),
        (None, ErrorCode.TOKEN_TOO_LARGE),
        (5, ErrorCode.TOKEN_TOO_LARGE),
    ],
    ids=lambda value: str(value)[:20],
)
def test_it_says_what_is_wrong(text: Any, code: ErrorCode) -> None:
    seen = inspect(text)
    assert code in [problem.code for problem in seen.problems]
    assert "problem" in repr(seen)


def test_what_can_be_shown_is_shown_beside_the_problem() -> None:
    head, body, _ = SIGNED.split(".")
    seen = inspect(f"{head}.{body}.!!")
    assert seen.claims == inspect(SIGNED).claims
    assert len(seen.problems) == 1
    seen = inspect(f"!.{body}.AAAA")
    assert seen.claims == inspect(SIGNED).claims
    assert dict(seen.header) == {}


def test_its_texts_hold_neither_token_nor_claims() -> None:
    seen = inspect(token(claims(sub="s3cret", exp="s3cret-exp")))
    assert "s3cret" not in repr(seen) + str(seen)


@given(st.one_of(st.text(), st.binary(), st.integers(), st.none()))
def test_it_never_raises(anything: Any) -> None:
    assert repr(inspect(anything)).startswith("<UNVERIFIED")


@given(
    st.lists(
        st.sampled_from(["", "e30", "eyJhbGciOiJub25lIn0", "AA", "W10", "IiI", "!", "\0", " "]), max_size=7
    )
)
def test_it_never_raises_for_parts_of_tokens(segments: list[str]) -> None:
    assert inspect(".".join(segments)).kind in {"jws", "jwe", "unknown"}
