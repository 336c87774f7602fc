"""JSON Web Tokens (RFC 7519): made by an Issuer, opened by a Verifier, under one policy."""

from __future__ import annotations

from mintmark.jwt.claims import Claims, JsonObject
from mintmark.jwt.inspection import Unverified, inspect
from mintmark.jwt.issuer import Issuer
from mintmark.jwt.policy import UNCHECKED, Unchecked
from mintmark.jwt.profile import Profile
from mintmark.jwt.profiles import (
    ACCESS_TOKEN,
    CLIENT_ASSERTION,
    ID_TOKEN,
    LOGOUT_TOKEN,
    REVOCATIONS,
    SignIn,
    left_half_hash,
)
from mintmark.jwt.sources import KeySource, Revocations
from mintmark.jwt.verifier import Verifier
from mintmark.jwt.verifiers import Verifiers

__all__ = [
    "ACCESS_TOKEN",
    "CLIENT_ASSERTION",
    "ID_TOKEN",
    "LOGOUT_TOKEN",
    "REVOCATIONS",
    "UNCHECKED",
    "Claims",
    "Issuer",
    "JsonObject",
    "KeySource",
    "Profile",
    "Revocations",
    "SignIn",
    "Unchecked",
    "Unverified",
    "Verifier",
    "Verifiers",
    "inspect",
    "left_half_hash",
]
