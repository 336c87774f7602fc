"""Every check of the claims, each named after the attack it defeats (rows C of the attack list)."""

from __future__ import annotations

from typing import Any

import pytest
from tokens import AUDIENCE, ISSUER, KEY, NOW, Clock, claims, token, verifier

from mintmark import UNCHECKED, MintmarkError, jws
from mintmark.errors import ErrorCode, ExpiredToken, InvalidClaim, InvalidToken, MalformedToken
from mintmark.jwt.checks import problems
from mintmark.jwt.policy import Policy


def refused(members: dict[str, Any], **policy: Any) -> InvalidToken:
    with pytest.raises(InvalidToken) as caught:
        verifier(**policy).verify(token(members))
    return caught.value


def test_an_ordinary_token_is_accepted() -> None:
    found = verifier().verify(token())
    assert (found.subject, found.issuer, found.audience) == ("alice", ISSUER, (AUDIENCE,))
    assert (found.expires_at, found.issued_at, found.not_before, found.jwt_id) == (NOW + 600, NOW, None, None)
    assert found.header["alg"] == "HS256"
    assert found.key == KEY


def test_C1_a_token_without_exp_is_refused() -> None:
    refusal = refused(claims(exp=...))
    assert (refusal.code, refusal.claim) == (ErrorCode.CLAIM_MISSING, "exp")


def test_C1_P11_expired_means_refused_and_says_when() -> None:
    with pytest.raises(ExpiredToken) as caught:
        verifier(clock=Clock(NOW + 630)).verify(token())
    assert caught.value.details() == {
        "code": "token_expired",
        "message": "The token has expired",
        "claim": "exp",
        "actual": int(NOW) + 600,
        "now": NOW + 630,
        "skew": 30.0,
    }
    assert verifier(clock=Clock(NOW + 629.9)).verify(token()).subject == "alice"


def test_C1_at_exp_without_leeway_the_token_is_over() -> None:
    assert refused(claims(exp=int(NOW)), leeway=0).code == ErrorCode.TOKEN_EXPIRED
    assert verifier(leeway=0).verify(token(claims(exp=int(NOW) + 1))).subject == "alice"


NO_TIMES = ["1800000600", "", True, False, None, [], [1800000600], {}, {"$gt": 0}, -1, -0.5, 253402300800]


@pytest.mark.parametrize("value", NO_TIMES, ids=repr)
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_C2_C3_C4_times_are_numbers_from_1970_to_9999(name: str, value: Any) -> None:
    refusal = refused(claims(**{name: value}))
    missing = name == "exp" and value is None
    assert refusal.code == (ErrorCode.CLAIM_MISSING if missing else ErrorCode.CLAIM_MALFORMED)
    assert refusal.claim == name


@pytest.mark.parametrize(
    "literal", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" + "0" * 400, "9" * 5000]
)
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_C3_numbers_that_are_none_are_refused(name: str, literal: str) -> None:
    members = {"iss": f'"{ISSUER}"', "aud": f'"{AUDIENCE}"', "exp": "1800000600"} | {name: literal}
    payload = "{" + ",".join(f'"{key}":{value}' for key, value in members.items()) + "}"
    with pytest.raises(InvalidToken):
        verifier().verify(token(payload=payload.encode()))


@pytest.mark.parametrize("value", [NOW + 600.5, 253402300799])
def test_C3_fractions_and_the_year_9999_are_times(value: float) -> None:
    assert verifier().verify(token(claims(exp=value))).expires_at == value


def test_C4_nbf_in_the_future_is_refused() -> None:
    refusal = refused(claims(nbf=int(NOW) + 31))
    assert (refusal.code, refusal.claim, refusal.now) == (ErrorCode.TOKEN_NOT_YET_VALID, "nbf", NOW)
    assert verifier().verify(token(claims(nbf=int(NOW) + 30))).not_before == NOW + 30


def test_C4_iat_in_the_future_is_refused() -> None:
    assert refused(claims(iat=int(NOW) + 31)).claim == "iat"


@pytest.mark.parametrize(
    "waived",
    [{"issuer": UNCHECKED}, {"audience": UNCHECKED}, {"expires": UNCHECKED}, {"typ": UNCHECKED}],
    ids=str,
)
def test_C4_no_waiver_switches_nbf_off(waived: dict[str, Any]) -> None:
    assert refused(claims(nbf=int(NOW) + 31), **waived).code == ErrorCode.TOKEN_NOT_YET_VALID


@pytest.mark.parametrize("audience", ["order", "orders2", "ORDERS", "orders other", "", "o"])
def test_C6_another_audience_is_refused(audience: str) -> None:
    refusal = refused(claims(aud=audience))
    assert (refusal.code, refusal.claim, refusal.expected) == (ErrorCode.CLAIM_MISMATCH, "aud", ["orders"])


@pytest.mark.parametrize(
    "audience",
    [[], {}, {"orders": 1}, 5, True, ["orders", 5], [["orders"]], [None, "orders"], ["orders", {"a": 1}]],
    ids=repr,
)
def test_C6_an_audience_of_another_form_is_refused(audience: Any) -> None:
    assert refused(claims(aud=audience)).code == ErrorCode.CLAIM_MALFORMED
    assert refused(claims(aud=audience), audience=UNCHECKED).code == ErrorCode.CLAIM_MALFORMED


@pytest.mark.parametrize("audience", [..., None], ids=repr)
def test_C6_no_audience_is_refused(audience: Any) -> None:
    assert refused(claims(aud=audience)).code == ErrorCode.CLAIM_MISSING


@pytest.mark.parametrize("where", ["iss", "aud"])
def test_C11_tenants_that_share_keys_do_not_take_each_others_tokens(where: str) -> None:
    """The tenant stands in iss or in aud; neither a common beginning nor a place in another claim will do."""
    tenants = {name: f"https://{name}.example/{where}" for name in ("a", "b", "a.b")}
    checked = {"iss": "issuer", "aud": "audience"}[where]
    for name, tenant in tenants.items():
        own = verifier(**{checked: tenant})
        for other, foreign in tenants.items():
            signed = token(claims(**{where: foreign}, tenant=tenant, azp=tenant))
            if other == name:
                assert own.verify(signed)
            else:
                with pytest.raises(InvalidClaim) as caught:
                    own.verify(signed)
                assert caught.value.claim == where


@pytest.mark.parametrize("audience", ["orders", ["orders"], ["billing", "orders"]], ids=repr)
def test_C6_membership_is_enough(audience: Any) -> None:
    assert "orders" in verifier().verify(token(claims(aud=audience))).audience
    assert verifier(audience=["orders", "stock"]).verify(token(claims(aud=audience)))


@pytest.mark.parametrize(
    "name", [ISSUER + "/", ISSUER[:-1], ISSUER.upper(), "https://auth.example.com.evil", ""]
)
def test_C7_another_issuer_is_refused(name: str) -> None:
    refusal = refused(claims(iss=name))
    assert (refusal.code, refusal.claim, refusal.expected) == (ErrorCode.CLAIM_MISMATCH, "iss", ISSUER)


@pytest.mark.parametrize("value", [[ISSUER], {"a": ISSUER}, 1, True], ids=repr)
def test_C7_an_issuer_that_is_no_text_is_refused(value: Any) -> None:
    assert refused(claims(iss=value)).code == ErrorCode.CLAIM_MALFORMED
    assert refused(claims(iss=value), issuer=UNCHECKED).code == ErrorCode.CLAIM_MALFORMED


@pytest.mark.parametrize("value", [..., None], ids=repr)
def test_C7_no_issuer_is_refused(value: Any) -> None:
    assert refused(claims(iss=value)).code == ErrorCode.CLAIM_MISSING


@pytest.mark.parametrize("value", [5, True, None, [], ["alice"], {"$ne": ""}], ids=repr)
@pytest.mark.parametrize("name", ["sub", "jti", "azp", "client_id"])
def test_C8_names_of_people_tokens_and_clients_are_strings(name: str, value: Any) -> None:
    refusal = refused(claims(**{name: value}))
    assert (refusal.code, refusal.claim) == (ErrorCode.CLAIM_MALFORMED, name)


@pytest.mark.parametrize(
    "typ", ["at+jwt", "logout+jwt", "dpop+jwt", "text/jwt", "", "JWTS", "application/", "*/*"]
)
def test_C9_another_kind_of_token_is_refused(typ: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        verifier().verify(token(typ=typ))
    assert (caught.value.code, caught.value.claim) == (ErrorCode.TYP_MISMATCH, "typ")


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "application/jwt", "APPLICATION/JWT"])
def test_C9_an_ordinary_typ_in_any_spelling_is_accepted(typ: str | None) -> None:
    assert verifier().verify(token(typ=typ)).subject == "alice"


@pytest.mark.parametrize("typ", [None, "JWT", "jwt+at", "text/at+jwt", "application/x/at+jwt"])
def test_C9_a_stated_typ_is_asked_for(typ: str | None) -> None:
    with pytest.raises(InvalidToken) as caught:
        verifier(typ="at+jwt").verify(token(typ=typ))
    assert caught.value.code == ErrorCode.TYP_MISMATCH
    assert verifier(typ="at+jwt").verify(token(typ="application/AT+jwt"))


def test_C9_several_typ_are_a_stated_choice_and_absence_is_one_of_them() -> None:
    both = verifier(typ=("at+jwt", "JWT"))
    assert both.verify(token(typ="at+jwt"))
    assert both.verify(token(typ="JWT"))
    with pytest.raises(InvalidToken):
        both.verify(token(typ=None))
    assert verifier(typ=("at+jwt", None)).verify(token(typ=None))


def test_S27_an_unknown_critical_extension_is_refused() -> None:
    with pytest.raises(MalformedToken) as caught:
        verifier(typ=UNCHECKED).verify(token(crit=["x"], x=1))
    assert caught.value.code == ErrorCode.CRIT_NOT_UNDERSTOOD


def test_S28_b64_false_is_never_a_jwt() -> None:
    payload = b'{"iss":"a","aud":"b","exp":1800000600}'
    with pytest.raises(InvalidToken):
        verifier(issuer="a", audience="b", typ=UNCHECKED).verify(jws.sign(payload, KEY, b64=False))


def test_required_claims_are_asked_for() -> None:
    assert refused(claims(), required=["scope"]).details()["claim"] == "scope"
    assert refused(claims(scope=None), required=["scope"]).code == ErrorCode.CLAIM_MISSING
    assert verifier(required=["scope"]).verify(token(claims(scope="")))["scope"] == ""


def test_max_age_counts_from_iat() -> None:
    old = claims(iat=int(NOW) - 100)
    assert verifier(max_age=71).verify(token(old))
    refusal = refused(old, max_age=70)
    assert (refusal.code, refusal.claim, refusal.expected) == (ErrorCode.TOKEN_TOO_OLD, "iat", 70.0)
    assert refused(claims(iat=...), max_age=70).code == ErrorCode.CLAIM_MISSING


def test_expires_unchecked_accepts_expired_tokens_and_tokens_without_exp() -> None:
    lasting = verifier(expires=UNCHECKED)
    assert lasting.verify(token(claims(exp=1)))
    assert lasting.verify(token(claims(exp=...))).expires_at is None
    assert refused(claims(exp="1"), expires=UNCHECKED).code == ErrorCode.CLAIM_MALFORMED


def test_what_a_token_is_for_is_refused_before_its_age() -> None:
    assert refused(claims(aud="billing", exp=1)).code == ErrorCode.CLAIM_MISMATCH


def test_check_lists_every_problem() -> None:
    broken = token(
        claims(iss="https://other.example", aud="billing", exp=1, nbf=int(NOW) + 99, sub=5), typ="at+jwt"
    )
    found = verifier(required=["scope"]).check(broken)
    assert [(problem.claim, problem.code.value) for problem in found] == [
        ("typ", "typ_mismatch"),
        ("scope", "claim_missing"),
        ("iss", "claim_mismatch"),
        ("aud", "claim_mismatch"),
        ("sub", "claim_malformed"),
        ("nbf", "token_not_yet_valid"),
        ("exp", "token_expired"),
    ]
    assert verifier().check(token()) == []


def test_check_says_nothing_about_claims_whose_signature_does_not_hold() -> None:
    signed = token(claims(aud="billing"))
    assert [problem.code for problem in verifier().check(signed[:-4] + "AAAA")] == [
        ErrorCode.SIGNATURE_INVALID
    ]


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b'"text"', b"1", b"null", b"not json", b"\xff\xfe{}", b"{} {}"]
)
def test_S37_claims_are_one_json_object(payload: bytes) -> None:
    with pytest.raises(MalformedToken) as caught:
        verifier().verify(token(payload=payload))
    assert caught.value.code == ErrorCode.JSON_INVALID


def test_S30_a_claim_named_twice_is_refused() -> None:
    payload = b'{"exp":1,"iss":"https://auth.example.com","aud":"orders","exp":1800000600}'
    with pytest.raises(MalformedToken):
        verifier().verify(token(payload=payload))


def test_errors_show_long_or_structured_values_only_in_part() -> None:
    refusal = refused(claims(aud="x" * 10_000))
    assert len(str(refusal.actual)) < 200
    assert refused(claims(sub={"secret": "s3cret"})).actual == "a JSON object"


def test_the_checks_are_pure_functions_of_policy_header_claims_and_time() -> None:
    policy = Policy.build(issuer=ISSUER, audience=AUDIENCE)
    assert list(problems(policy, {"typ": "JWT"}, claims(), NOW)) == []
    found = list(problems(policy, {"typ": "JWT"}, claims(), NOW + 10_000))
    assert [type(problem) for problem in found] == [ExpiredToken]
    assert all(isinstance(problem, InvalidClaim | MintmarkError) for problem in found)
