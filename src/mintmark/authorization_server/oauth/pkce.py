"""Proof Key for Code Exchange, S256 only (RFC 7636; OAuth 2.1 "Authorization Code Grant")."""

from __future__ import annotations

import re

from mintmark.authorization_server.oauth.errors import InvalidRequest
from mintmark.authorization_server.oauth.parameters import Parameters

__all__ = ["challenge_of", "is_verifier"]

_S256 = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def challenge_of(parameters: Parameters) -> str:
    """Return the ``code_challenge`` of an authorization request.

    :raises InvalidRequest: absent, not by S256, or not the base64url text of a SHA-256 value.
    """
    challenge = parameters.get("code_challenge")
    if challenge is None:
        raise InvalidRequest("PKCE is required: send code_challenge and code_challenge_method=S256")
    # An absent method means plain (RFC 7636 4.3), which is not spoken here.
    if parameters.get("code_challenge_method") != "S256":
        raise InvalidRequest("code_challenge_method must be S256")
    if not _S256.fullmatch(challenge):
        raise InvalidRequest("code_challenge must be the 43 characters of a base64url SHA-256 value")
    return challenge


def is_verifier(text: str) -> bool:
    """Say whether ``text`` has the form of a ``code_verifier`` (RFC 7636 4.1)."""
    return _VERIFIER.fullmatch(text) is not None
