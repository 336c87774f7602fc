"""Accounts: who can sign in, by what password, and how guessing is slowed down."""

from __future__ import annotations

from mintmark.authorization_server.people.accounts import NewPerson
from mintmark.authorization_server.people.hashing import HashingPolicy, PasswordHasher, PeopleBusy
from mintmark.authorization_server.people.people import (
    ADMINISTRATOR,
    Overtaken,
    People,
    Recognised,
    UsernameTaken,
)
from mintmark.authorization_server.people.rules import PasswordRefused, PasswordRules
from mintmark.authorization_server.people.slow_down import SlowDown, SlowDownPolicy

__all__ = [
    "ADMINISTRATOR",
    "HashingPolicy",
    "NewPerson",
    "Overtaken",
    "PasswordHasher",
    "PasswordRefused",
    "PasswordRules",
    "People",
    "PeopleBusy",
    "Recognised",
    "SlowDown",
    "SlowDownPolicy",
    "UsernameTaken",
]
