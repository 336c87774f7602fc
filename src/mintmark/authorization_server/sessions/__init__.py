"""Sign-ins, grants and codes: who is signed in where, and what each client was given."""

from __future__ import annotations

from .outcomes import (
    CodeRequest,
    Granted,
    NewSignIn,
    Refreshed,
    RefusalReason,
    Refused,
    SessionPolicy,
)
from .refresh import RefreshPolicy
from .sessions import Sessions
from .tokens import CODE_PREFIX, REFRESH_PREFIX

__all__ = [
    "CODE_PREFIX",
    "REFRESH_PREFIX",
    "CodeRequest",
    "Granted",
    "NewSignIn",
    "RefreshPolicy",
    "Refreshed",
    "RefusalReason",
    "Refused",
    "SessionPolicy",
    "Sessions",
]
