"""Sign-in for applications whose pages are made on the server: tokens stay on this side of the browser."""

from __future__ import annotations

from mintmark.client.sign_in.refusals import SessionEnded, SignInRefused, SignInUnavailable
from mintmark.client.sign_in.sessions import Session, Tokens
from mintmark.client.sign_in.sign_in import Current, SignIn
from mintmark.client.sign_in.stores import MemorySessionStore, Record, SessionStore, SQLiteSessionStore
from mintmark.client.sign_in.visit import Cookie, Reply, Visit

__all__ = [
    "Cookie",
    "Current",
    "MemorySessionStore",
    "Record",
    "Reply",
    "SQLiteSessionStore",
    "Session",
    "SessionEnded",
    "SessionStore",
    "SignIn",
    "SignInRefused",
    "SignInUnavailable",
    "Tokens",
    "Visit",
]
