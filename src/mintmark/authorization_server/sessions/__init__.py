"""Sign-ins, grants and codes: who is signed in where, and what each client was given."""

from __future__ import annotations

from mintmark.authorization_server.sessions.outcomes import (
    Beginning,
    CodeRequest,
    Granted,
    Refreshed,
    RefusalReason,
    Refused,
    SessionPolicy,
)
from mintmark.authorization_server.sessions.refresh import RefreshPolicy
from mintmark.authorization_server.sessions.sessions import Sessions
from mintmark.authorization_server.sessions.tokens import CODE_PREFIX, REFRESH_PREFIX

__all__ = [
    "CODE_PREFIX",
    "REFRESH_PREFIX",
    "Beginning",
    "CodeRequest",
    "Granted",
    "RefreshPolicy",
    "Refreshed",
    "RefusalReason",
    "Refused",
    "SessionPolicy",
    "Sessions",
]
