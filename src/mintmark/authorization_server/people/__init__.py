"""Accounts: who can sign in, by what password, and how guessing is slowed down."""

from __future__ import annotations

from .hashing import HashingPolicy, PasswordHasher, PeopleBusy
from .people import ADMINISTRATOR, NewPerson, People, UsernameTaken
from .rules import PasswordRefused, PasswordRules
from .slow_down import SlowDown, SlowDownPolicy

__all__ = [
    "ADMINISTRATOR",
    "HashingPolicy",
    "NewPerson",
    "PasswordHasher",
    "PasswordRefused",
    "PasswordRules",
    "People",
    "PeopleBusy",
    "SlowDown",
    "SlowDownPolicy",
    "UsernameTaken",
]
