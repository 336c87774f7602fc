"""What a hostile reading of the code found: each was broken once, and stays mended."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from tokens import AUDIENCE, Source, claims, issuer, token, verifier

from mintmark import ACCESS_TOKEN, UNCHECKED, Key, KeySet
from mintmark.errors import ConfigurationError, InvalidToken, KeysUnavailable
from mintmark.jose.encoding import b64url_encode
from mintmark.jwt.profiles.dpop import verify_proof
from mintmark.resource_server import Refusal, ResourceServer, SimpleRequest
from mintmark.resource_server.dpop import NonceNeeded


def _proof_with(jwk: dict[str, Any]) -> str:
    header = {"typ": "dpop+jwt", "alg": "RS256", "jwk": jwk}
    return ".".join(map(b64url_encode, (json.dumps(header).encode(), b"{}", bytes(256))))


@pytest.mark.parametrize("name", ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"])
def test_O9_nothing_is_computed_with_the_private_members_of_a_strangers_key(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proof comes from anybody: checking a private RSA exponent of 16384 bits took eight seconds."""
    jwk = Key.generate("RS256").public.to_jwk() | {name: b64url_encode(b"\1" * 256)}
    monkeypatch.setattr(Key, "from_jwk", lambda *_, **__: pytest.fail("the key was looked at"))
    with pytest.raises(InvalidToken, match="private"):
        verify_proof(
            _proof_with(jwk),
            method="GET",
            url="https://api.example.com/",
            now=0.0,
            access_token=UNCHECKED,
            bound_to=UNCHECKED,
            nonce=UNCHECKED,
        )


def test_S41_what_a_caller_does_to_a_result_never_changes_a_later_one() -> None:
    check = verifier()
    text = token(claims(roles=["reader"], deep={"a": {"b": [1]}}))
    first = check.verify(text)
    for name in dir(first):  # everything that can be reached without an underscore
        value = getattr(first, name) if not name.startswith("_") else None
        if isinstance(value, dict):
            value["sub"] = "mallory"
    first["roles"].append("admin")
    first["deep"]["a"]["b"].append(2)
    for members in (first.to_dict(), dict(first.items())):
        members["deep"]["a"]["b"] = members["sub"] = "mallory"
    again = check.verify(text)
    assert again.subject == "alice"
    assert again["roles"] == ["reader"]
    assert again["deep"] == {"a": {"b": [1]}}


def test_claims_are_copied_as_what_cannot_change_is_copied() -> None:
    """``dataclasses.asdict`` and structured loggers copy deeply what they are given."""
    found = verifier().verify(token())
    assert copy.copy(found) is found
    assert copy.deepcopy({"who": found})["who"] is found


def test_C3_numbers_beyond_all_measure_are_the_callers_mistake_and_ours_to_say() -> None:
    mint = issuer()
    with pytest.raises(ConfigurationError):
        mint.issue(lifetime=10**400)
    with pytest.raises(ConfigurationError):
        mint.issue(
            lifetime=60,
            subject="alice",
            audience=AUDIENCE,
            profile=ACCESS_TOKEN,
            claims={"client_id": "app", "auth_time": 10**400},
        )


def test_a_key_source_without_keys_after_all_is_unavailable() -> None:
    class Empty(Source):
        def refresh(self, kid: str | None) -> KeySet:
            return None  # type: ignore[return-value]

    with pytest.raises(KeysUnavailable):
        verifier(keys=Empty(None)).verify(token())


def test_errors_cross_processes_whole() -> None:
    """An exception that cannot be unpickled breaks the process pool that it came out of."""
    server = ResourceServer("https://auth.example.com", "orders", keys=KeySet([]))
    with pytest.raises(Refusal) as refused:
        server.check(SimpleRequest({"authorization": "Bearer x.y.z"}))
    nonce = NonceNeeded("The proof lacks a nonce.", nonce="n-1")
    for error in (refused.value, nonce, InvalidToken("no", claim="aud", expected=["a"], actual="b")):
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            assert type(again) is type(error)
            assert (again.args, vars(again), str(again)) == (error.args, vars(error), str(error))
