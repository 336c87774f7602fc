"""JSON Web Tokens (RFC 7519): made by an Issuer, opened by a Verifier, under one policy."""

from __future__ import annotations

from mintmark._lazy import load_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    from mintmark.jwt.status_list import STATUS_LIST, Status, StatusList, StatusReference
    from mintmark.jwt.verifier import Verifier
    from mintmark.jwt.verifiers import Verifiers

__all__ = [
    "ACCESS_TOKEN",
    "CLIENT_ASSERTION",
    "ID_TOKEN",
    "LOGOUT_TOKEN",
    "REVOCATIONS",
    "STATUS_LIST",
    "UNCHECKED",
    "Claims",
    "Issuer",
    "JsonObject",
    "KeySource",
    "Profile",
    "Revocations",
    "SignIn",
    "Status",
    "StatusList",
    "StatusReference",
    "Unchecked",
    "Unverified",
    "Verifier",
    "Verifiers",
    "inspect",
    "left_half_hash",
]

_HOMES = {
    "ACCESS_TOKEN": "mintmark.jwt.profiles.access_token",
    "CLIENT_ASSERTION": "mintmark.jwt.profiles.client_assertion",
    "Claims": "mintmark.jwt.claims",
    "ID_TOKEN": "mintmark.jwt.profiles.id_token",
    "Issuer": "mintmark.jwt.issuer",
    "JsonObject": "mintmark.jwt.claims",
    "KeySource": "mintmark.jwt.sources",
    "LOGOUT_TOKEN": "mintmark.jwt.profiles.logout_token",
    "Profile": "mintmark.jwt.profile",
    "REVOCATIONS": "mintmark.jwt.profiles.revocations",
    "Revocations": "mintmark.jwt.sources",
    "STATUS_LIST": "mintmark.jwt.status_list",
    "SignIn": "mintmark.jwt.profiles.id_token",
    "Status": "mintmark.jwt.status_list",
    "StatusList": "mintmark.jwt.status_list",
    "StatusReference": "mintmark.jwt.status_list",
    "UNCHECKED": "mintmark.jwt.policy",
    "Unchecked": "mintmark.jwt.policy",
    "Unverified": "mintmark.jwt.inspection",
    "Verifier": "mintmark.jwt.verifier",
    "Verifiers": "mintmark.jwt.verifiers",
    "inspect": "mintmark.jwt.inspection",
    "left_half_hash": "mintmark.jwt.profiles.id_token",
}
if not TYPE_CHECKING:  # a type checker takes the imports above, and knows that there are no other names
    __getattr__ = load_on_use(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
