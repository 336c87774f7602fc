"""What goes into tokens: pure functions from grants, people and rules to claims."""

from __future__ import annotations

from mintmark.authorization_server.claims.building import (
    REGISTERED,
    build_access_claims,
    build_id_claims,
    build_userinfo,
)
from mintmark.authorization_server.claims.rules import ClaimHook, ClaimRule, TokenKind, Wanted, extra_claims

__all__ = [
    "REGISTERED",
    "ClaimHook",
    "ClaimRule",
    "TokenKind",
    "Wanted",
    "build_access_claims",
    "build_id_claims",
    "build_userinfo",
    "extra_claims",
]
