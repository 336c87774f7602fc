"""Tokens that no honest signer makes, and what both ways of verifying say to them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mintmark.errors import (
    InvalidToken,
)
from mintmark.jose import jws
from mintmark.jose.encoding import b64url_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

PAYLOAD = b'{"sub":"alice"}'


def forge(
    header: Any, key: Key | None = None, *, payload: bytes = PAYLOAD, signature: bytes | None = None
) -> str:
    """Return a token with any header, signed all the same when a key is given."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    signing_input = f"{b64url_encode(text)}.{b64url_encode(payload)}"
    if signature is None:
        signature = key.sign_bytes(signing_input.encode()) if key and key.sign_bytes else b""
    return f"{signing_input}.{b64url_encode(signature)}"


def refused(token: Any, keys: Key | KeySet, kind: type[InvalidToken] = InvalidToken) -> InvalidToken:
    with pytest.raises(kind) as caught:
        jws.verify(token, keys)
    with pytest.raises(kind):
        jws.verifier_for(keys)(token)
    return caught.value
