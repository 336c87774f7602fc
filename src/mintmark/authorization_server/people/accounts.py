"""What an account is made from, and the record that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import field

from mintmark._discreet import Discreet
from mintmark.authorization_server.keys.secrets import random_text
from mintmark.authorization_server.storage.records import Person

__all__ = ["NewPerson", "new_person"]


class NewPerson(Discreet, frozen=True):
    """What a new account is made from. Without a password, nobody can sign in to it by password."""

    username: str
    password: str | None = None
    name: str = ""
    email: str | None = None
    email_verified: bool = False
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"NewPerson({self.username})"


def new_person(new: NewPerson, now: float, *, has_password: bool) -> Person:
    """Return the record of a new account, with a ``sub`` of its own."""
    return Person(
        person_id=f"p_{random_text(16)}",  # no client can have this as its client_id by chance
        username=new.username,
        name=new.name,
        email=new.email,
        email_verified=new.email_verified,
        roles=tuple(new.roles),
        groups=tuple(new.groups),
        attributes=dict(new.attributes),
        created_at=now,
        updated_at=now,
        password_changed_at=now if has_password else None,
    )
