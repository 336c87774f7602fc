"""For any input: a value or an error of the family; one changed bit is refused; the short way agrees."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import Reader
from tokens import AUDIENCE, EC_KEY, ISSUER, KEY, NOW, Clock, access_claims, claims, token, verifier

from mintmark import ACCESS_TOKEN, ID_TOKEN, LOGOUT_TOKEN, UNCHECKED, Claims, Key, Verifier
from mintmark.errors import InvalidToken, MintmarkError
from mintmark.jose.encoding import b64url_decode, b64url_encode, json_encode
from mintmark.jwt import CLIENT_ASSERTION, REVOCATIONS, Profile
from mintmark.jwt.checks import problems, validity
from mintmark.jwt.policy import MAX_TIME, Policy
from mintmark.jwt.profiles import BACKCHANNEL_LOGOUT_EVENT

CHECKERS = [
    verifier(),
    verifier(keys=EC_KEY.public, profile=ACCESS_TOKEN),
    verifier(issuer=UNCHECKED, audience=UNCHECKED, expires=UNCHECKED, typ=UNCHECKED, cache=None),
    verifier(decryption_keys=Key.generate("A256GCM")),
]


@given(st.one_of(st.text(), st.text("abcXYZ019-_.", min_size=5), st.binary(), st.integers(), st.none()))
def test_S17_any_text_is_refused_within_the_family(anything: Any) -> None:
    for checker in CHECKERS:
        with pytest.raises(MintmarkError):
            checker.verify(anything)
        assert len(checker.check(anything)) == 1


SIGNED = {alg: token(access_claims(), key=key) for alg, key in (("HS256", KEY), ("ES256", EC_KEY))}
KEYS = {"HS256": KEY, "ES256": EC_KEY.public}


@given(st.sampled_from(["HS256", "ES256"]), st.data())
@settings(max_examples=150)
def test_P7_S35_one_bit_flipped_anywhere_is_refused(alg: str, data: st.DataObject) -> None:
    text = SIGNED[alg].encode()
    position = data.draw(st.integers(0, len(text) * 8 - 1))
    changed = bytearray(text)
    changed[position // 8] ^= 1 << (position % 8)
    checker = verifier(keys=KEYS[alg])
    checker.verify(text.decode())  # remembered, on purpose
    with pytest.raises(MintmarkError):
        checker.verify(changed.decode("latin-1"))


@given(st.data())
def test_P7_one_bit_flipped_in_what_the_segments_spell_is_refused(data: st.DataObject) -> None:
    segments = [bytearray(b64url_decode(part)) for part in SIGNED["ES256"].split(".")]
    segment = data.draw(st.sampled_from(segments))
    position = data.draw(st.integers(0, len(segment) * 8 - 1))
    segment[position // 8] ^= 1 << (position % 8)
    changed = ".".join(b64url_encode(bytes(part)) for part in segments)
    with pytest.raises(MintmarkError):
        verifier(keys=EC_KEY.public).verify(changed)


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53), 2**53),
        st.floats(allow_nan=False),
        st.text(max_size=8),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def _encodable(value: Any) -> bool:
    try:
        json_encode(value)
    except MintmarkError:
        return False
    return True


@given(JSON.filter(_encodable))
def test_any_signed_json_gives_claims_or_an_error_of_the_family(value: Any) -> None:
    for checker in CHECKERS[:3]:
        with contextlib.suppress(InvalidToken):
            found = checker.verify(token(payload=json_encode(value)))
            assert isinstance(found, Claims)
            assert isinstance(value, dict)


@given(st.binary(max_size=64))
def test_any_signed_bytes_give_claims_or_an_error_of_the_family(payload: bytes) -> None:
    with contextlib.suppress(InvalidToken):
        CHECKERS[2].verify(token(payload=payload))
    with pytest.raises(MintmarkError):
        CHECKERS[0].verify(token(payload=payload))


# --- the short way says yes only where the checks find nothing ----------------------------------------------

TIMES = st.one_of(
    st.integers(int(NOW) - 700, int(NOW) + 700),
    st.sampled_from(
        [0, -1, 253402300799, 253402300800, 2**63, NOW + 0.5, True, None, "1800000600", float("1e300")]
    ),
)
NAMES = st.sampled_from(["alice", "", ISSUER, AUDIENCE, "billing", 5, None, True, ["alice"], {"a": 1}])
AUDIENCES = st.one_of(
    st.sampled_from([AUDIENCE, "billing", "", None, 5, {}, {"orders": 1}]),
    st.lists(st.sampled_from([AUDIENCE, "billing", 5, None, [AUDIENCE]]), max_size=3),
)
ISSUERS = st.sampled_from([ISSUER, ISSUER + "/", "", None, [ISSUER], 5])
LISTS = st.sampled_from([[], ["pwd"], ["pwd", 5], "pwd", None, {"pwd": 1}])
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "iss": ISSUERS,
        "aud": AUDIENCES,
        "exp": TIMES,
        "nbf": TIMES,
        "iat": TIMES,
        "auth_time": TIMES,
        "sub": NAMES,
        "jti": NAMES,
        "azp": NAMES,
        "client_id": NAMES,
        "scope": NAMES,
        "nonce": NAMES,
        "sid": NAMES,
        "amr": LISTS,
        "events": st.sampled_from([{}, {"http://schemas.openid.net/event/backchannel-logout": {}}, 5, None]),
        "seq": st.sampled_from([0, 7, -1, True, "7", None]),
        "entries": st.sampled_from([[], [{"kind": "sid", "value": "x", "exp": 1}], [5], {}, None]),
    },
)
# mostly acceptable, with a few changes: both answers occur often
CHANGED = st.builds(
    lambda changes, base: {**base, **changes}, MEMBERS, st.just(access_claims(nonce="n", seq=1))
)
POLICIES = st.builds(
    lambda **options: Policy.build(**options),
    issuer=st.sampled_from([ISSUER, UNCHECKED]),
    audience=st.sampled_from([AUDIENCE, [AUDIENCE, "stock"], UNCHECKED]),
    profile=st.sampled_from([None, ACCESS_TOKEN, ID_TOKEN, LOGOUT_TOKEN, CLIENT_ASSERTION, REVOCATIONS]),
    typ=st.just(UNCHECKED),
    leeway=st.sampled_from([0, 0.25, 30, 300]),
    expires=st.sampled_from([True, UNCHECKED]),
    max_age=st.sampled_from([None, 0, 60, 600.5]),
    required=st.sampled_from([(), ("scope",), ("sub", "tenant"), ("nonce",)]),
)
MOMENTS = st.one_of(st.just(NOW), st.floats(NOW - 1000, NOW + 1000), st.sampled_from([0.0, 30.0, 1e12]))


@given(POLICIES, st.one_of(MEMBERS, CHANGED, CHANGED), MOMENTS)
@settings(max_examples=600)
def test_the_short_way_refuses_exactly_what_the_checks_refuse(
    policy: Policy, members: Any, now: float
) -> None:
    payload = json_encode(members)
    members = json.loads(payload)  # as they come out of a token
    reader = Reader(policy)
    for _ in range(3):  # the third time its layout is known
        read, span = reader.read(payload, now)
        assert read == members
        if span is not None:
            assert list(problems(policy, {}, members, now)) == []
            start, until = span
            assert start <= now < until
            exact = validity(policy, members)
            assert start == pytest.approx(exact[0]) or exact[0] == float("-inf")
            assert until == exact[1]


@given(POLICIES, CHANGED, CHANGED, MOMENTS)
@settings(max_examples=600)
def test_what_one_token_taught_makes_no_difference_to_the_next(
    policy: Policy, first: Any, second: Any, now: float
) -> None:
    order = list(dict.fromkeys([*first, *second]))
    taught = Reader(policy)
    for _ in range(2):
        taught.read(json_encode(first), now)
    for members in (second, {name: {**first, **second}[name] for name in order}, {**second, **first}):
        payload = json_encode(members)
        # as texts, since 1 and True are equal
        assert repr(taught.read(payload, now)) == repr(Reader(policy).read(payload, now))


ODD = [None, True, 0, -1, 0.5, 2**53, MAX_TIME, MAX_TIME + 1, "", "x", ISSUER, [], ["x"], [5], {}, {"x": 1}]


@pytest.mark.parametrize(
    "profile", [None, ACCESS_TOKEN, ID_TOKEN, LOGOUT_TOKEN, CLIENT_ASSERTION, REVOCATIONS]
)
def test_the_short_way_agrees_about_every_single_odd_claim(profile: Profile | None) -> None:
    policies = [
        Policy.build(issuer=ISSUER, audience=AUDIENCE, profile=profile),
        Policy.build(
            issuer=UNCHECKED, audience=UNCHECKED, expires=UNCHECKED, profile=profile, required=("sub",)
        ),
    ]
    events = {BACKCHANNEL_LOGOUT_EVENT: {}}
    good = access_claims(
        events=events, seq=1, entries=[], amr=["pwd"], auth_time=5, acr="1", sid="s", azp=AUDIENCE
    )
    good["sub"] = good["iss"] if profile is CLIENT_ASSERTION else good["sub"]
    taken = 0
    for policy in policies:
        for name in [*good, "nbf", "nonce", "at_hash"]:
            known = Reader(policy)
            for _ in range(2):
                known.read(
                    json_encode(good | {name: good.get(name, int(NOW) if name == "nbf" else "x")}), NOW
                )
            for value in ODD:
                members = good | {name: value}
                for reader in (Reader(policy), known):
                    if reader.read(json_encode(members), NOW)[1] is not None:
                        taken += 1
                        found = problems(policy, {}, members, NOW)
                        assert [problem for problem in found if problem.claim != "typ"] == [], (name, value)
    assert taken


@given(POLICIES, CHANGED, MOMENTS)
@settings(max_examples=200)
def test_S41_the_span_that_is_remembered_is_the_span_in_which_it_passes(
    policy: Policy, members: Any, now: float
) -> None:
    members = json.loads(json_encode(members))
    if list(problems(policy, {}, members, now)):
        return
    start, until = validity(policy, members)
    assert start <= now < until
    for moment in (start, until):
        if abs(moment) != float("inf"):
            before = list(problems(policy, {}, members, moment - 0.001))
            after = list(problems(policy, {}, members, moment))
            assert bool(before) != bool(after)


def test_the_short_way_is_really_taken_for_ordinary_tokens() -> None:
    policy = Policy.build(issuer=ISSUER, audience=AUDIENCE, profile=ACCESS_TOKEN)
    for members in (
        access_claims(),
        access_claims(aud=["x", AUDIENCE]),
        access_claims(nbf=int(NOW), amr=["pwd"]),
    ):
        assert Reader(policy).read(json_encode(members), NOW)[1] is not None


@given(st.permutations([0, 1, 2, 3, 4, 5]), st.integers(0, 700))
def test_S41_whatever_the_order_of_calls_the_answer_is_that_of_a_fresh_verifier(
    order: list[int], age: int
) -> None:
    clock = Clock()
    texts = [
        token(claims()),
        token(claims(exp=int(NOW) + 300)),
        token(claims(aud="billing")),
        token(claims(nbf=int(NOW) + 100)),
        token(claims(), typ="at+jwt"),
        token(claims())[:-4] + "AAAA",
    ]
    checker = verifier(clock=clock, max_age=500, cache=2)

    def answer(one: Verifier[Claims], text: str) -> Any:
        try:
            return one.verify(text).to_dict()
        except InvalidToken as refusal:
            return refusal.code

    for moment in (NOW, NOW + age, NOW):
        clock.now = moment
        for index in order:
            fresh = verifier(clock=clock, max_age=500, cache=None)
            assert answer(checker, texts[index]) == answer(fresh, texts[index])
