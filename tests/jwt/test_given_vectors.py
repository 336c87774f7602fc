"""The given vectors for whole tokens (op ``jwt``): what a specification decides is answered right."""

from __future__ import annotations

from typing import Any

import pytest

from mintmark import UNCHECKED, Key, Verifier
from mintmark.errors import InvalidKey, InvalidToken
from vectors import Case, cases, needs_vectors

pytestmark = needs_vectors

NOW = 1_800_000_000.0


def build(case: Case) -> Verifier[Any]:
    policy, fields = case.fields.get("policy", {}), case.fields
    allowed = fields.get("algs") or [case.alg]
    return Verifier(
        issuer=policy.get("iss", UNCHECKED),
        audience=policy.get("aud", UNCHECKED),
        keys=Key.from_jwk(fields["key"]["value"], alg=allowed[0]),
        typ=policy.get("typ"),
        expires=True if "exp" in policy.get("require", ()) else UNCHECKED,
        clock=lambda: NOW,
    )


@pytest.mark.parametrize("case", cases(["jwt"]))
def test_a_whole_token_is_answered_right(case: Case) -> None:
    if case.is_valid:
        assert build(case).verify(case.input).expires_at
        return
    with pytest.raises((InvalidToken, InvalidKey)):
        build(case).verify(case.input)


def test_the_policies_of_the_vectors_are_all_understood() -> None:
    known = {"iss", "aud", "require", "typ"}
    used = {name for parameter in cases(["jwt"]) for name in parameter.values[0].fields.get("policy", {})}
    assert used <= known, "a vector asks for something that this test does not pass on"
