"""Making tokens: what an issuer writes, and what it refuses to make."""

from __future__ import annotations

from typing import Any

import pytest
from tokens import AUDIENCE, EC_KEY, ISSUER, KEY, NOW, Clock, issuer, verifier

from mintmark import ACCESS_TOKEN, ID_TOKEN, Issuer, Key, SignIn, inspect, jws
from mintmark.errors import ConfigurationError, MintmarkError


def parts(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    seen = inspect(text)
    assert seen.claims is not None
    return dict(seen.header), dict(seen.claims)


def test_P1_a_token_is_compact_signed_and_readable() -> None:
    text = issuer().issue(
        subject="alice", audience="orders", lifetime=600, claims={"scope": "a b", "n": [1, {"x": None}]}
    )
    header, members = parts(text)
    assert header == {"alg": "HS256", "typ": "JWT", "kid": "shared"}
    assert len(members.pop("jti")) == 22
    assert members == {
        "iss": ISSUER,
        "sub": "alice",
        "aud": "orders",
        "iat": int(NOW),
        "exp": int(NOW) + 600,
        "scope": "a b",
        "n": (1, {"x": None}),
    }
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert verifier().verify(text)["n"] == [1, {"x": None}]


def test_each_token_has_a_name_of_its_own() -> None:
    names = {parts(issuer().issue(lifetime=60))[1]["jti"] for _ in range(100)}
    assert len(names) == 100
    assert parts(issuer().issue(lifetime=60, jwt_id="mine"))[1]["jti"] == "mine"


def test_times_are_whole_seconds_and_never_longer_than_asked() -> None:
    _, members = parts(
        Issuer(ISSUER, KEY, clock=Clock(NOW + 0.9)).issue(lifetime=10.05, not_before=NOW + 5.5)
    )
    assert (members["iat"], members["exp"], members["nbf"]) == (int(NOW), int(NOW) + 10, int(NOW) + 5)
    _, members = parts(issuer().issue(lifetime=10, issued_at=NOW - 100))
    assert (members["iat"], members["exp"]) == (int(NOW) - 100, int(NOW) - 90)


def test_several_audiences_are_a_list() -> None:
    assert parts(issuer().issue(lifetime=60, audience=["orders", "billing"]))[1]["aud"] == (
        "orders",
        "billing",
    )


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"])
def test_registered_claims_have_one_way_in(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        issuer().issue(lifetime=60, claims={name: "x"})
    assert caught.value.claim == name
    assert caught.value.hint


@pytest.mark.parametrize(
    "options",
    [
        {"lifetime": 0},
        {"lifetime": 0.5},
        {"lifetime": -60},
        {"lifetime": float("inf")},
        {"lifetime": float("nan")},
        {"lifetime": True},
        {"lifetime": "600"},
        {"lifetime": 1e12},
        {"subject": 5},
        {"audience": 5},
        {"audience": []},
        {"audience": [5]},
        {"jwt_id": 5},
        {"issued_at": "now"},
        {"issued_at": -1},
        {"not_before": float("nan")},
        {"typ": ""},
        {"typ": 5},
        {"claims": {"client_id": 5}},
        {"claims": {"x": {1}}},
        {"claims": {"x": float("nan")}},
        {"claims": {"x": b"bytes"}},
        {"claims": {5: "x"}},
        {"header": {"typ": "x"}},
        {"header": {"alg": "none"}},
        {"header": {"kid": "x"}},
        {"header": {"b64": False}},
        {"profile": ACCESS_TOKEN},
        {
            "profile": ACCESS_TOKEN,
            "subject": "a",
            "audience": "b",
            "claims": {"client_id": "c", "scope": ["x"]},
        },
        {"profile": ID_TOKEN, "subject": "a"},
        {"profile": "at+jwt"},
    ],
    ids=str,
)
def test_what_no_verifier_would_take_is_not_made(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        issuer().issue(**({"lifetime": 60} | options))


def test_a_profile_writes_its_typ() -> None:
    access = issuer(EC_KEY).issue(
        subject="a", audience=AUDIENCE, lifetime=60, profile=ACCESS_TOKEN, claims={"client_id": "c"}
    )
    assert parts(access)[0]["typ"] == "at+jwt"
    assert verifier(keys=EC_KEY.public, profile=ACCESS_TOKEN).verify(access).subject == "a"
    identity = issuer(EC_KEY).issue(
        subject="a", audience=AUDIENCE, lifetime=60, profile=ID_TOKEN, claims={"nonce": "n"}
    )
    assert parts(identity)[0]["typ"] == "JWT"
    assert verifier(keys=EC_KEY.public, profile=ID_TOKEN).verify(identity, expected=SignIn(nonce="n"))


def test_further_header_members_are_written() -> None:
    text = issuer().issue(lifetime=60, header={"x5t#S256": "AA", "cty": "x"}, typ="special+jwt")
    assert parts(text)[0] == {
        "alg": "HS256",
        "typ": "special+jwt",
        "x5t#S256": "AA",
        "cty": "x",
        "kid": "shared",
    }


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("", KEY),
        (None, KEY),
        (5, KEY),
        (ISSUER, "secret"),
        (ISSUER, None),
        (ISSUER, EC_KEY.public),
        (ISSUER, Key.from_secret(bytes(32), alg="A256GCM", kid="box")),
    ],
    ids=repr,
)
def test_an_issuer_has_a_name_and_a_key_that_signs(name: Any, key: Any) -> None:
    with pytest.raises(MintmarkError):
        Issuer(name, key).issue(lifetime=60)


def test_the_callers_claims_are_left_alone() -> None:
    mine = {"scope": "a"}
    issuer().issue(subject="alice", lifetime=60, claims=mine)
    assert mine == {"scope": "a"}


@pytest.mark.parametrize("alg", ["HS256", "ES256", "Ed25519", "RS256", "PS256", "ML-DSA-44"])
def test_every_family_signs(alg: str) -> None:
    key = Key.generate(alg)
    text = issuer(key).issue(subject="alice", audience=AUDIENCE, lifetime=60)
    assert verifier(keys=key if key.kty == "oct" else key.public).verify(text).subject == "alice"
    assert jws.parse_compact(text).header["alg"] == alg


def test_an_issuer_shows_no_secret() -> None:
    assert repr(issuer()) == f"<Issuer {ISSUER} kid=shared alg=HS256>"
    assert (issuer().issuer, issuer().key) == (ISSUER, KEY)
