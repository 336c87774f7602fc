"""What is kept, as values: one frozen record per kind of row. No SQL and no behaviour beyond plain facts.

Times are seconds since the epoch. Codes and cookies are kept as SHA-256 digests; keys and secrets sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from mintmark._discreet import Discreet
from mintmark.jwt.policy import MAX_LEEWAY

__all__ = [
    "STATUS_BLOCK_SIZE",
    "STATUS_LIST_SIZE",
    "ClientRecord",
    "CodeRecord",
    "DenyEntry",
    "DenyKind",
    "Event",
    "Grant",
    "KeyRecord",
    "KeyState",
    "Notice",
    "Person",
    "ResourceRecord",
    "SignIn",
]

STATUS_LIST_SIZE = 1 << 17
"""Status indexes are one space of numbers; so many of them are the places of one status list."""
STATUS_BLOCK_SIZE = 1 << 10
"""So many are taken at once by a process that gives them to tokens."""


class Person(Struct, frozen=True):
    """Somebody who can sign in. ``person_id`` is the ``sub`` of tokens: opaque, random, never used again."""

    person_id: str
    username: str
    name: str = ""
    email: str | None = None
    email_verified: bool = False
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    created_at: float = 0.0
    updated_at: float = 0.0
    password_changed_at: float | None = None
    disabled_at: float | None = None


class SignIn(Struct, frozen=True):
    """One sign-in of one person in one browser (``sid``)."""

    sid: str
    person_id: str
    auth_time: float
    amr: tuple[str, ...]
    acr: str | None
    created_at: float
    last_seen: float
    expires_at: float  # the idle end, never beyond absolute_end
    absolute_end: float


class Grant(Struct, frozen=True):
    """What one person gave one client, and the state of its refresh token.

    ``offline`` grants (scope ``offline_access``, OpenID Connect Core 11) survive the sign-out of their
    sign-in; their access tokens therefore carry no ``sid``: see :attr:`token_sid`.

    ``status_index`` is where a status list says how its access tokens stand, once one of them has needed it.
    """

    grant_id: str
    client_id: str
    person_id: str
    sid: str | None
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    offline: bool
    refreshable: bool
    auth_time: float
    acr: str | None
    amr: tuple[str, ...]
    nonce: str | None
    generation: int
    rotated_at: float | None
    created_at: float
    idle_end: float
    absolute_end: float
    ended_at: float | None = None
    end_reason: str | None = None
    status_index: int | None = None

    @property
    def token_sid(self) -> str | None:
        """The ``sid`` for tokens of this grant: absent when the grant outlives its sign-in."""
        return None if self.offline else self.sid


class CodeRecord(Struct, frozen=True):
    """An authorization code: everything that it is bound to (RFC 6749 4.1.2, RFC 7636, RFC 8707)."""

    code_hash: bytes
    client_id: str
    person_id: str
    sid: str
    redirect_uri: str
    code_challenge: str
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    nonce: str | None
    auth_time: float
    acr: str | None
    amr: tuple[str, ...]
    expires_at: float
    used_at: float | None = None
    grant_id: str | None = None


class DenyKind(StrEnum):
    """What a deny entry matches: the claim of that name, or the header's ``kid``."""

    JTI = "jti"
    SID = "sid"
    GRANT_ID = "grant_id"
    SUB = "sub"
    CLIENT_ID = "client_id"
    KID = "kid"


class DenyEntry(Struct, frozen=True):
    """One line of the deny log. It dies when no verifier takes the last token that it could match.

    ``exp`` is when that token expires; the most lenient verifier takes it for :data:`MAX_LEEWAY` more.

    ``before`` (kinds ``sub`` and ``client_id``) limits it to tokens issued before that time.
    """

    kind: DenyKind
    value: str
    iat: float
    exp: float
    before: float | None = None
    seq: int = 0  # given by the log

    @property
    def dies_at(self) -> float:
        """When the entry can match nothing any more that a verifier would take."""
        return self.exp + MAX_LEEWAY

    def to_wire(self) -> dict[str, Any]:
        """Return the object that feed and snapshot carry (without ``seq``, which is the event's id)."""
        wire: dict[str, Any] = {"kind": str(self.kind), "value": self.value, "exp": self.exp, "iat": self.iat}
        if self.before is not None:
            wire["before"] = self.before
        return wire


class KeyState(StrEnum):
    """Where a signing key stands on its timeline."""

    NEXT = "next"  # published, does not sign yet
    CURRENT = "current"  # signs
    PREVIOUS = "previous"  # signs no more; its public half verifies what it signed
    REVOKED = "revoked"  # denied; in no key set


class KeyRecord(Struct, frozen=True):
    """One signing key. The private half is not here: it is sealed in the store and opened in memory."""

    kid: str
    alg: str
    state: KeyState
    public_jwk: Mapping[str, Any]
    created_at: float
    activates_at: float  # when a NEXT key is due to sign; for others when it began to
    signing_since: float | None
    retired_at: float | None
    gone_at: float | None  # when the public half may go (PREVIOUS), or the record (REVOKED)
    token_lifetime: float  # the longest life of a token that this key may have signed
    reason: str | None = None


class Event(Struct, frozen=True):
    """One line of the audit trail: what happened, to whom, never a secret."""

    at: float
    kind: str
    person_id: str | None = None
    client_id: str | None = None
    sid: str | None = None
    grant_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    event_id: int = 0  # given by the store


class Notice(Struct, frozen=True):
    """Something that the person must be told on the next sign-in page."""

    notice_id: int
    person_id: str
    kind: str  # "refresh_reuse" | "code_replay"
    at: float
    client_id: str | None


class ResourceRecord(Struct, frozen=True):
    """A resource that a command has registered: its table of the settings file, as JSON."""

    audience: str
    document: str
    created_at: float
    updated_at: float


class ClientRecord(Discreet, frozen=True):
    """A client that a command has registered: its table of the settings file, as JSON, without its secret.

    The secret before the present one is accepted until ``previous_secret_until``.
    """

    client_id: str
    document: str
    created_at: float
    updated_at: float
    secret_sha256: str | None = None
    previous_secret_sha256: str | None = None
    previous_secret_until: float | None = None

    def __repr__(self) -> str:
        return f"ClientRecord({self.client_id})"
