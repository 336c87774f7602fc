"""The kinds of tokens: what each asks for, and that none is ever taken for another (C9, RFC 8725bis 3.12)."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from tokens import AUDIENCE, KEY, NOW, Clock, access_claims, claims, token, verifier

from mintmark import ACCESS_TOKEN, ID_TOKEN, LOGOUT_TOKEN, UNCHECKED, Key, SignIn
from mintmark.errors import ConfigurationError, ErrorCode, InvalidClaim, InvalidToken
from mintmark.jose.encoding import b64url_encode
from mintmark.jwt import CLIENT_ASSERTION, REVOCATIONS, Profile, left_half_hash
from mintmark.jwt.profiles import BACKCHANNEL_LOGOUT_EVENT

SIGN_IN = SignIn(nonce="n-1")


def id_claims(**changes: Any) -> dict[str, Any]:
    return claims(**({"nonce": "n-1", "auth_time": int(NOW) - 10} | changes))


def logout_claims(**changes: Any) -> dict[str, Any]:
    return claims(**({"jti": "l-1", "sid": "s-1", "events": {BACKCHANNEL_LOGOUT_EVENT: {}}} | changes))


def assertion_claims(**changes: Any) -> dict[str, Any]:
    return claims(**({"iss": "app", "sub": "app", "jti": "a-1"} | changes))


def snapshot_claims(**changes: Any) -> dict[str, Any]:
    entries = [{"kind": "sid", "value": "s-1", "exp": NOW + 60}]
    return claims(**({"aud": ..., "sub": ..., "seq": 7, "entries": entries} | changes))


EXAMPLES: dict[str, tuple[Profile, dict[str, Any], dict[str, Any]]] = {
    "access": (ACCESS_TOKEN, access_claims(), {}),
    "id": (ID_TOKEN, id_claims(), {}),
    "logout": (LOGOUT_TOKEN, logout_claims(), {}),
    "assertion": (CLIENT_ASSERTION, assertion_claims(), {"issuer": "app"}),
    "snapshot": (REVOCATIONS, snapshot_claims(), {"audience": UNCHECKED}),
}


def accept(name: str, text: str, **options: Any) -> Any:
    profile, _, more = EXAMPLES[name]
    expected = SIGN_IN if profile is ID_TOKEN else None
    return verifier(profile=profile, **(more | options)).verify(text, expected=expected)


def refuse(name: str, members: dict[str, Any], **header: Any) -> InvalidToken:
    profile = EXAMPLES[name][0]
    with pytest.raises(InvalidToken) as caught:
        accept(name, token(members, **({"typ": profile.typ} | header)))
    return caught.value


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_kind_accepts_its_own(name: str) -> None:
    profile, members, _ = EXAMPLES[name]
    assert accept(name, token(members, typ=profile.typ))["iss"]


@pytest.mark.parametrize("other", EXAMPLES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_C9_no_kind_is_taken_for_another(name: str, other: str) -> None:
    if name == other:
        return
    profile, members, _ = EXAMPLES[other]
    # the best case for the attacker: issuer, audience and subject fit what the victim expects
    disguise = {key: EXAMPLES[name][1][key] for key in ("iss", "aud") if key in EXAMPLES[name][1]}
    with pytest.raises(InvalidToken):
        accept(name, token(members | disguise, typ=profile.typ))


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_kind_asks_for_its_claims(name: str) -> None:
    profile, members, _ = EXAMPLES[name]
    for claim in profile.required:
        without = {key: value for key, value in members.items() if key != claim}
        refusal = refuse(name, without)
        assert (refusal.code, refusal.claim) == (ErrorCode.CLAIM_MISSING, claim)


@pytest.mark.parametrize("typ", ["JWT", None, "jwt", "at+jwt2", "application/JWT"])
def test_C9_access_tokens_say_that_they_are(typ: str | None) -> None:
    assert refuse("access", access_claims(), typ=typ).code == ErrorCode.TYP_MISMATCH


def test_an_issuer_without_the_typ_of_9068_is_admitted_only_by_name() -> None:
    lenient = {"typ": ("at+jwt", "JWT")}
    assert accept("access", token(access_claims(), typ="JWT"), **lenient)


@pytest.mark.parametrize(
    ("claim", "value"),
    [("scope", ["orders:read"]), ("scope", 5), ("acr", 1), ("amr", "pwd"), ("auth_time", "now")],
)
def test_C13_claims_of_an_access_token_have_their_form(claim: str, value: Any) -> None:
    refusal = refuse("access", access_claims(**{claim: value}))
    assert (refusal.code, refusal.claim) == (ErrorCode.CLAIM_MALFORMED, claim)


# --- ID tokens ----------------------------------------------------------------------------------------------


def open_id(members: dict[str, Any], expected: Any, key: Key = KEY, **options: Any) -> Any:
    checker = verifier(profile=ID_TOKEN, keys=key if key.kty == "oct" else key.public, **options)
    return checker.verify(token(members, key=key), expected=expected)


@pytest.mark.parametrize("nonce", ["n-2", "", ..., None, 5, ["n-9"]], ids=repr)
def test_C14_the_nonce_is_the_one_that_the_client_sent(nonce: Any) -> None:
    with pytest.raises(InvalidClaim) as caught:
        open_id(id_claims(nonce=nonce), SIGN_IN)
    assert caught.value.claim == "nonce"
    assert "n-1" not in str(caught.value.details())


def test_C14_P9_what_is_expected_must_be_said() -> None:
    for nothing in (None, "n-1", {"nonce": "n-1"}):
        with pytest.raises(ConfigurationError, match="expects"):
            open_id(id_claims(), nothing)
    with pytest.raises(TypeError):
        SignIn()  # type: ignore[call-arg]
    assert open_id(id_claims(nonce=...), SignIn(nonce=UNCHECKED)).subject == "alice"
    with pytest.raises(ConfigurationError):
        verifier().verify(token(), expected=SIGN_IN)


def test_C14_the_expectation_is_compared_on_every_call() -> None:
    checker = verifier(profile=ID_TOKEN)
    text = token(id_claims())
    checker.verify(text, expected=SIGN_IN)
    with pytest.raises(InvalidClaim):
        checker.verify(text, expected=SignIn(nonce="another"))
    assert [problem.claim for problem in checker.check(text, expected=SignIn(nonce="another"))] == ["nonce"]


def test_C14_at_hash_and_c_hash_bind_the_tokens_that_came_along() -> None:
    good = id_claims(at_hash=left_half_hash("HS256", "access"), c_hash=left_half_hash("HS256", "code"))
    assert open_id(good, SignIn(nonce="n-1", access_token="access", code="code"))
    for expected in (SignIn(nonce="n-1", access_token="other"), SignIn(nonce="n-1", code="other")):
        with pytest.raises(InvalidClaim):
            open_id(good, expected)
        with pytest.raises(InvalidClaim) as caught:  # given by the client: the token cannot leave it out
            open_id(id_claims(), expected)
        assert caught.value.code == ErrorCode.CLAIM_MISSING


def test_at_hash_of_the_openid_connect_core_example() -> None:
    # OpenID Connect Core 1.0, A.3: RS256
    access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
    assert left_half_hash("RS256", access_token) == "77QmUPtjPfzWtF2AnpK9RQ"
    assert left_half_hash("ES384", "x") == b64url_encode(hashlib.sha384(b"x").digest()[:24])
    assert left_half_hash("Ed25519", "x") == b64url_encode(hashlib.sha512(b"x").digest()[:32])
    assert len(left_half_hash("Ed448", "x")) == 76
    for alg in ("ML-DSA-44", "none", "XX256", ""):
        with pytest.raises(ConfigurationError):
            left_half_hash(alg, "x")


def test_an_id_token_for_several_audiences_names_its_party() -> None:
    several = [AUDIENCE, "other"]
    with pytest.raises(InvalidClaim) as caught:
        open_id(id_claims(aud=several), SIGN_IN)
    assert (caught.value.code, caught.value.claim) == (ErrorCode.CLAIM_MISSING, "azp")
    with pytest.raises(InvalidClaim):
        open_id(id_claims(aud=several, azp="other"), SIGN_IN)
    with pytest.raises(InvalidClaim):
        open_id(id_claims(azp="other"), SIGN_IN)
    assert open_id(id_claims(aud=several, azp=AUDIENCE), SIGN_IN)


def test_O21_a_sign_in_may_have_to_be_fresh() -> None:
    fresh = SignIn(nonce="n-1", max_age=60)
    assert open_id(id_claims(auth_time=int(NOW) - 90), fresh)
    for auth_time in (int(NOW) - 91, ...):
        with pytest.raises(InvalidClaim) as caught:
            open_id(id_claims(auth_time=auth_time), fresh)
        assert caught.value.claim == "auth_time"


def test_a_hint_may_be_long_expired() -> None:
    checker = verifier(profile=ID_TOKEN, expires=UNCHECKED, audience=UNCHECKED, clock=Clock(NOW + 9e6))
    assert checker.verify(token(id_claims()), expected=SignIn(nonce=UNCHECKED)).subject == "alice"


def test_what_is_expected_does_not_show() -> None:
    assert "n-1" not in repr(SIGN_IN)


def test_with_an_edwards_key_the_hash_is_its_own() -> None:
    key = Key.generate("Ed25519")
    good = id_claims(at_hash=left_half_hash("Ed25519", "access"))
    assert open_id(good, SignIn(nonce="n-1", access_token="access"), key=key)


# --- logout tokens, client assertions, snapshots ------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"nonce": "n"}, "nonce"),
        ({"sid": ..., "sub": ...}, "sid"),
        ({"events": {}}, "events"),
        ({"events": {"other": {}}}, "events"),
        ({"events": [BACKCHANNEL_LOGOUT_EVENT]}, "events"),
        ({"events": {BACKCHANNEL_LOGOUT_EVENT: None}}, "events"),
        ({"sid": 5}, "sid"),
    ],
    ids=str,
)
def test_C9_a_logout_token_ends_a_session_and_is_no_id_token(changes: dict[str, Any], claim: str) -> None:
    assert refuse("logout", logout_claims(**changes)).claim == claim


@pytest.mark.parametrize("typ", ["logout+jwt", "JWT", None])
def test_a_logout_token_may_lack_its_typ(typ: str | None) -> None:
    assert accept("logout", token(logout_claims(), typ=typ))


def test_a_client_speaks_for_itself_only() -> None:
    assert refuse("assertion", assertion_claims(sub="other")).claim == "sub"
    assert refuse("assertion", assertion_claims(iss="other")).claim == "iss"


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": -1},
        {"seq": True},
        {"seq": "7"},
        {"entries": {}},
        {"entries": [5]},
        {"entries": [{"kind": "sid", "value": "x"}]},
        {"entries": [{"kind": "sid", "value": 5, "exp": 1}]},
        {"entries": [{"kind": None, "value": "x", "exp": 1}]},
    ],
    ids=str,
)
def test_a_snapshot_lists_entries(changes: dict[str, Any]) -> None:
    assert refuse("snapshot", snapshot_claims(**changes)).code == ErrorCode.CLAIM_MALFORMED
