"""A table that accuses nobody is worthless: each careless verifier is caught, by the rows meant for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import ECKey

import jwt as pyjwt
from hostile import careless
from hostile.careless import GIVEN
from hostile.samples import ISSUER, NOW
from mintmark.hostile import ATTACKS, Outcome

Verify = Callable[[str], Any]


def accepted_by(verify: Verify) -> set[str]:
    """The evil tokens that a verifier takes; whatever it raises is a refusal here."""
    sample, found = GIVEN.sample(), set()
    for attack in ATTACKS:
        text = attack.build(sample)
        if text is None or attack.outcome is Outcome.INFORM:
            continue
        try:
            verify(text)
        except Exception:
            continue
        found.add(attack.id)
    return found


def rows_of(ids: set[str]) -> set[str]:
    return {id_.partition(".")[0] for id_ in ids}


CAUGHT_BY = [
    (careless.accepts_none, {"S1", "S30"}, "S1.none.empty"),
    (careless.forbids_none_in_one_spelling, {"S2"}, "S2.none.mixed-end"),
    (careless.falls_back_when_alg_is_no_name, {"S3", "S33", "S32"}, "S3.alg.missing"),
    (careless.takes_alg_from_the_token, {"S4"}, "S4.confusion.hs256"),
    (careless.recognises_keys_by_their_looks, {"S5"}, "S5.confusion.der"),
    (careless.psychic, {"S10", "S16"}, "S10.psychic.0-0"),
    (careless.skips_empty_signatures, {"S16"}, "S16.signature.empty"),
    (careless.trusts_embedded_keys, {"S19"}, "S19.jwk.our-kid"),
    (careless.trusts_certificates, {"S20"}, "S20.x5c.no-kid"),
    (careless.fetches_keys, {"S21"}, "S21.jku.data"),
    (careless.reads_the_file_kid_names, {"S22"}, "S22.kid.dev-null"),
    (careless.ignores_what_is_critical, {"S27", "S28", "S38"}, "S27.crit.unknown"),
    (careless.counts_no_signatures, {"S32"}, "S32.json.no-signatures"),
    (careless.reads_json_as_well, {"S33"}, "S33.json.flattened"),
    (careless.decrypts_what_it_should_verify, {"S34", "S42"}, "S34.jwe.claims"),
    (careless.decodes_base64_loosely, {"S35", "S36"}, "S35.signature.junk"),
    (careless.knows_no_time, {"C1", "C3", "C5"}, "C1.exp.past"),
    (careless.looks_for_the_audience_within, {"C6"}, "C6.aud.within"),
    (careless.compares_the_beginning_of_the_issuer, {"C7"}, "C7.iss.longer"),
    (careless.knows_no_kinds, {"C9"}, "C9.typ.id-token"),
]


def test_a_sound_verifier_is_not_accused() -> None:
    assert accepted_by(careless.sound) == set()


@pytest.mark.parametrize(("verify", "rows", "example"), CAUGHT_BY, ids=lambda x: getattr(x, "__name__", None))
def test_a_careless_verifier_is_caught_by_the_rows_meant_for_it(
    verify: Verify, rows: set[str], example: str
) -> None:
    assert verify(GIVEN.token)
    found = accepted_by(verify)
    assert example in found
    assert rows_of(found) <= rows


def test_C9_S30_pyjwt_is_told_what_its_documentation_does_not_say() -> None:
    pem = GIVEN.public.to_pem()

    def verify(token: str) -> Any:
        return pyjwt.decode(
            token,
            pem,
            algorithms=["ES256"],
            audience="orders",
            issuer=ISSUER,
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )

    assert verify(GIVEN.token)["sub"] == "alice"
    found = accepted_by(verify)
    assert {"C9.typ.logout", "S30.claims.sub-last", "S35.signature.padding"} <= found
    assert rows_of(found).isdisjoint({"S1", "S2", "S4", "S5", "S10", "S17", "S19", "C6", "C7"})


def test_C9_S30_joserfc_is_told_apart_as_well() -> None:
    key = ECKey.import_key(GIVEN.public.to_jwk())
    registry = joserfc_jwt.JWTClaimsRegistry(
        now=int(NOW), iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": "orders"}
    )

    def verify(token: str) -> Any:
        decoded = joserfc_jwt.decode(token, key, algorithms=["ES256"])
        registry.validate(decoded.claims)
        return decoded.claims

    assert verify(GIVEN.token)["sub"] == "alice"
    found = accepted_by(verify)
    assert {"C9.typ.logout", "S30.claims.sub-last", "C1.exp.missing"} <= found
    assert rows_of(found).isdisjoint({"S1", "S2", "S4", "S5", "S10", "S17", "S19"})
