"""What a hostile reading of the code found: each was broken once, and stays mended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mintmark import UNCHECKED, Key
from mintmark.errors import InvalidToken
from mintmark.jose.encoding import b64url_encode
from mintmark.jwt.profiles.dpop import verify_proof


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
