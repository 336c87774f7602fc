"""From a wish to a committed change: look, plan, prepare, and write if nobody else has written meanwhile.

All or nothing, in one transaction. Of two that work at once one goes first, and the other plans again from
what it then finds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager

from msgspec import field

from mintmark._discreet import Discreet
from mintmark.authorization_server.people import PasswordHasher, PasswordRules
from mintmark.authorization_server.registry.client_secrets import new_secret, secret_digest
from mintmark.authorization_server.registry.planning import Action, Change, Present, Table, Wanted, plan
from mintmark.authorization_server.registry.refusing import refuse
from mintmark.authorization_server.registry.writing import OvertakenError, Work, present_in
from mintmark.authorization_server.settings import Settings
from mintmark.authorization_server.storage import Conflict, Database, StorageUnavailable

__all__ = ["Done", "Hold", "Passwords", "Want", "carry_out", "look"]

Want = Callable[[Present], Wanted]
"""What is to be, given what is there. Asked again when somebody else was first."""

Hold = Callable[[Mapping[str, str]], AbstractContextManager[None]]
"""Puts new client secrets where their owners find them, before they are valid; undoes that on an error."""

Passwords = Callable[[str], str | None]
"""The first password of whoever is to be made, by the key of the name."""

_TRIES = 20


class Done(Discreet, frozen=True):
    """What was planned, and what came of it.

    :param secrets: of clients, which are kept nowhere.
    :param ended: how many grants ended of each client that was removed.
    """

    changes: tuple[Change, ...]
    secrets: Mapping[str, str] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Done({self.changes})"


def look(db: Database, settings: Settings, want: Want, person_keys: Collection[str] = ()) -> Done:
    """Plan, and change nothing. Blocks.

    :raises ConfigurationError: see :func:`.refusing.refuse`.
    """
    present = db.read_now(lambda connection: present_in(connection, settings, person_keys))
    wanted = want(present)
    refuse(settings, present, wanted)
    return Done(plan(present, wanted))


def carry_out(
    db: Database,
    settings: Settings,
    want: Want,
    now: float,
    *,
    person_keys: Collection[str] = (),
    passwords: Passwords = lambda key: None,
    hold: Hold | None = None,
) -> Done:
    """Plan and do it. Blocks.

    :param person_keys: the people whom ``want`` asks for.
    :raises ConfigurationError: see :func:`.refusing.refuse`; a password that is not acceptable; a place for
        secrets that cannot be used. Nothing was changed.
    :raises StorageUnavailable: the database stood in the way, or others wrote all the time.
    """
    hashes: dict[str, str] = {}
    for _ in range(_TRIES):
        present = db.read_now(lambda connection: present_in(connection, settings, person_keys))
        wanted = want(present)
        refuse(settings, present, wanted)
        changes = plan(present, wanted)
        if not any(change.is_due for change in changes):
            return Done(changes)
        _hash_passwords(hashes, changes, wanted, passwords)
        secrets = {change.name: new_secret() for change in changes if change.makes_secret}
        digests = {name: secret_digest(secret) for name, secret in secrets.items()}
        work = Work(settings, person_keys, present, wanted, changes, digests, hashes, now)
        try:
            with hold(secrets) if hold is not None else contextlib.nullcontext():
                ended = db.write_now(work)
        except (OvertakenError, Conflict):
            continue
        return Done(changes, secrets, ended)
    raise StorageUnavailable("Others change the registrations all the time; try again later.")


def _hash_passwords(
    hashes: dict[str, str], changes: Collection[Change], wanted: Wanted, passwords: Passwords
) -> None:
    """Hash what new people need; a password that was hashed for an earlier try is not hashed again."""
    new = {change.name for change in changes if change.table is Table.PEOPLE and change.action is Action.ADD}
    needed = {
        key: password
        for key, person in wanted.people.items()
        if person.username in new and key not in hashes and (password := passwords(key)) is not None
    }
    if not needed:
        return
    rules = PasswordRules()
    checked = {
        key: rules.check(password, username=wanted.people[key].username) for key, password in needed.items()
    }
    hashes.update(asyncio.run(_hashed(checked)))


async def _hashed(passwords: Mapping[str, str]) -> dict[str, str]:
    hasher = PasswordHasher()
    try:
        return {key: await hasher.hash(password) for key, password in passwords.items()}
    finally:
        hasher.close()
