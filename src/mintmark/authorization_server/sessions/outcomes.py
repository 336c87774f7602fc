"""What :class:`~.sessions.Sessions` is asked and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from mintmark._discreet import Discreet
from mintmark.authorization_server.storage import Connection
from mintmark.authorization_server.storage.records import Grant, Person, SignIn
from mintmark.errors import ConfigurationError

__all__ = [
    "Beginning",
    "CodeRequest",
    "Granted",
    "Refreshed",
    "RefusalReason",
    "Refused",
    "SessionPolicy",
]


class SessionPolicy(Struct, frozen=True):
    """Durations in seconds.

    :param access_token_lifetime: the longest life of an access token: deny entries live as long.
    :param code_lifetime: at most 60 (FAPI 2.0 asks for that; RFC 6749 4.1.2 allows 600).
    :param sign_in_idle: a sign-in that nobody uses for so long ends.
    :param sign_in_absolute: a sign-in ends after so long in any case.
    :param skew: by how much clocks may differ.
    """

    access_token_lifetime: float = 600.0
    code_lifetime: float = 60.0
    sign_in_idle: float = 14 * 86400.0
    sign_in_absolute: float = 90 * 86400.0
    skew: float = 30.0

    def __post_init__(self) -> None:
        if not 0 < self.code_lifetime <= 60:
            raise ConfigurationError("tokens: code_lifetime must be greater than 0 and at most 60 seconds.")
        if min(self.access_token_lifetime, self.sign_in_idle, self.sign_in_absolute) <= 0:
            raise ConfigurationError("tokens: every lifetime must be greater than 0.")


class Beginning(Discreet, frozen=True):
    """A sign-in that has not been written yet.

    :param sign_in: how it will stand.
    :param cookie: the value that stands for it, which is stored nowhere.
    :param write: the unit of work that writes it. It belongs to the transaction of what the sign-in is for,
        and returns the sign-in as it was written.
    :param replaces: a cookie was presented. Its sign-in goes on if it is of the same person, so that the
        ``sid`` is known once it has been written.
    """

    sign_in: SignIn
    cookie: str
    write: Callable[[Connection], SignIn]
    replaces: bool

    def __repr__(self) -> str:
        return f"Beginning({self.sign_in})"


class CodeRequest(Struct, frozen=True):
    """What an authorization code is to be bound to."""

    client_id: str
    person_id: str
    sid: str
    redirect_uri: str
    code_challenge: str  # S256
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    auth_time: float
    nonce: str | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()


class Granted(Discreet, frozen=True):
    """A code was redeemed. ``refresh_token`` is None for clients without the refresh grant."""

    grant: Grant
    person: Person
    refresh_token: str | None

    def __repr__(self) -> str:
        return f"Granted({self.grant})"


class Refreshed(Discreet, frozen=True):
    """A refresh token was accepted. ``scope`` and ``resources`` are for this answer only (RFC 6749 6)."""

    grant: Grant
    person: Person
    refresh_token: str
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    rotated: bool

    def __repr__(self) -> str:
        return f"Refreshed({self.grant}, rotated={self.rotated})"


class RefusalReason(StrEnum):
    """Why a code or refresh token was refused, for the log; clients hear ``invalid_grant`` unless stated."""

    UNKNOWN = "unknown"
    WRONG_CLIENT = "wrong_client"
    REDIRECT_URI_MISMATCH = "redirect_uri_mismatch"
    VERIFIER_MISMATCH = "verifier_mismatch"
    CODE_EXPIRED = "code_expired"
    CODE_REPLAYED = "code_replayed"
    SIGNED_OUT = "signed_out"
    PERSON_DISABLED = "person_disabled"
    REUSE = "reuse"
    ENDED = "ended"
    EXPIRED = "expired"
    SCOPE_TOO_WIDE = "scope_too_wide"  # invalid_scope
    RESOURCE_TOO_WIDE = "resource_too_wide"  # invalid_target (RFC 8707 2)


class Refused(Struct, frozen=True):
    """No token. ``grant`` is the grant concerned, if one is known."""

    reason: RefusalReason
    grant: Grant | None = None
