"""The kinds of tokens that specifications define: one file each, handed on here."""

from __future__ import annotations

from mintmark.jwt.profiles.access_token import ACCESS_TOKEN
from mintmark.jwt.profiles.client_assertion import CLIENT_ASSERTION
from mintmark.jwt.profiles.id_token import ID_TOKEN, SignIn, left_half_hash
from mintmark.jwt.profiles.logout_token import BACKCHANNEL_LOGOUT_EVENT, LOGOUT_TOKEN
from mintmark.jwt.profiles.revocations import REVOCATIONS

__all__ = [
    "ACCESS_TOKEN",
    "BACKCHANNEL_LOGOUT_EVENT",
    "CLIENT_ASSERTION",
    "ID_TOKEN",
    "LOGOUT_TOKEN",
    "REVOCATIONS",
    "SignIn",
    "left_half_hash",
]
