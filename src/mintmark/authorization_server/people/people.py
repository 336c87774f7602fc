"""The people who can sign in: accounts, and the check of a password that tells a stranger nothing."""

from __future__ import annotations

import functools
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from mintmark.authorization_server.keys.secrets import MacKey, ServerSecrets, random_text
from mintmark.authorization_server.people.accounts import NewPerson, new_person
from mintmark.authorization_server.people.attempts import Attempt, Attempts
from mintmark.authorization_server.people.hashing import PasswordHasher
from mintmark.authorization_server.people.rules import PasswordRules, normal_password, username_key
from mintmark.authorization_server.people.slow_down import SlowDown, SlowDownPolicy
from mintmark.authorization_server.storage import Conflict, Connection, Database
from mintmark.authorization_server.storage.records import Event, Person
from mintmark.authorization_server.storage.repositories import events
from mintmark.authorization_server.storage.repositories import people as rows
from mintmark.errors import ConfigurationError
from mintmark.jose.encoding import b64url_encode

__all__ = ["ADMINISTRATOR", "Overtaken", "People", "Recognised", "UsernameTaken"]

Unit = Callable[[Connection], Person]
"""What happens to an account within a transaction, and how it stands then."""

ADMINISTRATOR = "administrator"  # the role that the first person has

_CHANGEABLE = frozenset({"name", "email", "email_verified", "roles", "groups", "attributes"})


class UsernameTaken(ConfigurationError):
    """Somebody else has that name, or one that looks the same."""


class Overtaken(Exception):
    """The password fitted, but account or password have changed since."""


class Recognised(Struct, frozen=True):
    """Somebody whose password was right.

    ``settle`` is to run in the transaction that begins their sign-in. It forgets their tries, and looks once
    more: whoever ended all their sign-ins meanwhile did not know of this one. It raises :class:`Overtaken`.
    """

    person: Person
    settle: Callable[[Connection], None]


class People:
    """The accounts of one database. Close it: it has threads."""

    def __init__(
        self,
        db: Database,
        secrets: ServerSecrets,
        *,
        hasher: PasswordHasher | None = None,
        rules: PasswordRules | None = None,
        slow_down: SlowDownPolicy | None = None,
    ) -> None:
        self._db = db
        self._hasher = hasher or PasswordHasher()
        self._rules = rules or PasswordRules()
        self._attempts = Attempts(db, secrets.key("sign-in failures"), slow_down or SlowDownPolicy())
        self._device_key = MacKey(secrets.key("known device"))

    def close(self) -> None:
        """Let go of the threads."""
        self._hasher.close()

    # Sign-in

    async def check_password(
        self, username: str, password: str, *, network: str, now: float, device: str | None = None
    ) -> Recognised | SlowDown | None:
        """Return who it is; None if name and password do not fit; or how long to wait before trying again.

        An unknown name, a wrong password, an account without a password and a disabled one get the same
        answer after the same work.

        :param network: the address that the request came from.
        :param device: what :meth:`device_token` once gave this browser.
        :raises PeopleBusy: too many are signing in; the try was not counted.
        """
        key, plain = username_key(username), normal_password(password)
        if key is None or plain is None:
            return None
        self._hasher.admit()
        found = await self._db.look_up(lambda connection: rows.by_username_key(connection, key))
        person, stored = found if found is not None else (None, None)
        known = self._known_device(person, device)
        attempt = await self._attempts.begin(key, network, known, now)
        if isinstance(attempt, SlowDown):
            return attempt
        try:
            fits = await self._hasher.verify(stored, plain)
        except BaseException:
            await self._attempts.withdraw(attempt)
            raise
        if person is None or not fits or person.disabled_at is not None:
            return None
        if stored is not None and self._hasher.outdated(stored):
            await self._renew_hash(key, stored, await self._hasher.hash(plain))
        return Recognised(person, functools.partial(self._settle, person=person, attempt=attempt))

    def _settle(self, connection: Connection, *, person: Person, attempt: Attempt) -> None:
        now = rows.by_id(connection, person.person_id)
        if (
            now is None
            or now.disabled_at is not None
            or now.password_changed_at != person.password_changed_at
        ):
            raise Overtaken("The account was changed while its password was looked at.")
        self._attempts.succeeded(connection, attempt)

    def device_token(self, person_id: str) -> str:
        """A value for a long-lived cookie of the browser in which this person has just signed in.

        It lets nobody in. It says that strangers' failures are not this browser's.
        """
        device = random_text(16)
        return f"{device}.{self._device_mac(person_id, device)}"

    def _known_device(self, person: Person | None, token: str | None) -> str | None:
        """The device's identifier, if the token was made for this person."""
        if person is None or token is None or not token.isascii():
            return None
        device, _, mac = token.partition(".")
        return device if hmac.compare_digest(mac, self._device_mac(person.person_id, device)) else None

    def _device_mac(self, person_id: str, device: str) -> str:
        said = f"{person_id}.{device}".encode()
        return b64url_encode(self._device_key.mac(hashlib.sha256(said).digest()))

    # Accounts

    async def find(self, person_id: str) -> Person | None:
        """Return the person of that ``sub``."""
        return await self._db.look_up(lambda connection: rows.by_id(connection, person_id))

    async def find_by_username(self, username: str) -> Person | None:
        """Return the person of that name, however it is spelled."""
        key = username_key(username)
        found = await self._db.look_up(lambda c: rows.by_username_key(c, key)) if key is not None else None
        return None if found is None else found[0]

    async def every(self) -> tuple[Person, ...]:
        """All people, by name."""
        return await self._db.read(lambda connection: tuple(rows.every(connection)))

    async def create(self, new: NewPerson, now: float) -> Person:
        """Make an account.

        :raises UsernameTaken: the name belongs to somebody.
        :raises PasswordRefused: see :class:`.rules.PasswordRules`.
        :raises ConfigurationError: the name cannot be one.
        """
        key = _key_or_refuse(new.username)
        stored = await self._hash_new(new.password, new.username)
        person = new_person(new, now, has_password=stored is not None)

        def work(connection: Connection) -> None:
            rows.insert(connection, person, username_key=key, password_hash=stored)
            events.record(connection, Event(now, "person_created", person.person_id))

        try:
            await self._db.write(work)
        except Conflict:
            raise UsernameTaken(f"The name {new.username!r} is taken.") from None
        return person

    async def update(self, person_id: str, now: float, **changes: Any) -> Person:
        """Change name, email, email_verified, roles, groups or attributes.

        :raises ConfigurationError: there is no such person, or that cannot be changed here.
        """
        if unknown := changes.keys() - _CHANGEABLE:
            raise ConfigurationError(f"A person's {', '.join(sorted(unknown))} cannot be changed this way.")
        values = {**changes, "updated_at": now}
        return await self._db.write(_changing(person_id, values, Event(now, "person_changed")))

    async def set_password(self, person_id: str, password: str, now: float) -> Person:
        """Give a person a new password. Sign-ins made with the old one go on: see :meth:`changing_password`.

        :raises PasswordRefused: see :class:`.rules.PasswordRules`.
        """
        return await self._db.write(await self.changing_password(person_id, password, now))

    async def enable(self, person_id: str, now: float) -> Person:
        """Open the account again."""
        values = {"disabled_at": None, "updated_at": now}
        return await self._db.write(_changing(person_id, values, Event(now, "person_enabled")))

    # Units of work for :meth:`.sessions.Sessions.end_person`, which ends everything in the same transaction

    async def changing_password(self, person_id: str, password: str, now: float) -> Unit:
        """Hash a new password; return the unit that gives it to the person.

        :raises PasswordRefused: see :class:`.rules.PasswordRules`.
        """
        person = await self.find(person_id)
        stored = await self._hash_new(password, person.username if person is not None else "")
        values = {"password_hash": stored, "password_changed_at": now, "updated_at": now}
        return _changing(person_id, values, Event(now, "password_changed"))

    def disabling(self, person_id: str, now: float) -> Unit:
        """Return the unit that closes the account: no sign-in, no refresh."""
        values = {"disabled_at": now, "updated_at": now}
        return _changing(person_id, values, Event(now, "person_disabled"))

    def removing(self, person_id: str, now: float) -> Unit:
        """Return the unit that erases the account. The audit trail keeps its ``sub``, which says nothing."""

        def work(connection: Connection) -> Person:
            person = _or_nobody(rows.by_id(connection, person_id))
            rows.remove(connection, person_id)
            events.record(connection, Event(now, "person_removed", person_id))
            return person

        return work

    async def ensure_administrator(self, now: float) -> tuple[Person, str] | None:
        """On the first start, make ``admin`` with a random password; None if there is anybody already."""
        if await self._db.read(rows.any_exist):
            return None
        password = random_text(18)
        new = NewPerson("admin", password, name="Administrator", roles=(ADMINISTRATOR,))
        try:
            return await self.create(new, now), password
        except UsernameTaken:  # another process started at the same moment
            return None

    async def ensure(self, new: NewPerson, now: float) -> Person:
        """Make the account, or bring it to what is said here, password included: for demos, first set-ups."""
        person = await self.find_by_username(new.username)
        if person is None:
            try:
                return await self.create(new, now)
            except UsernameTaken:  # another process was first
                return await self.ensure(new, now)
        if new.password is not None:
            await self.set_password(person.person_id, new.password, now)
        return await self.update(
            person.person_id,
            now,
            name=new.name,
            email=new.email,
            email_verified=new.email_verified,
            roles=new.roles,
            groups=new.groups,
            attributes=new.attributes,
        )

    async def _renew_hash(self, key: str, before: str, after: str) -> None:
        """Put a newer hash of the same password in place, unless there is another password by now."""

        def work(connection: Connection) -> None:
            found = rows.by_username_key(connection, key)
            if found is not None and found[1] == before:
                rows.update(connection, found[0].person_id, {"password_hash": after})

        await self._db.write(work)

    async def _hash_new(self, password: str | None, username: str) -> str | None:
        if password is None:
            return None
        return await self._hasher.hash(self._rules.check(password, username=username))


def _changing(person_id: str, values: dict[str, Any], event: Event) -> Unit:
    def work(connection: Connection) -> Person:
        rows.update(connection, person_id, values)
        changed = _or_nobody(rows.by_id(connection, person_id))
        events.record(connection, Event(event.at, event.kind, person_id))
        return changed

    return work


def _or_nobody(person: Person | None) -> Person:
    if person is None:
        raise ConfigurationError("There is no such person.")
    return person


def _key_or_refuse(username: str) -> str:
    key = username_key(username)
    if key is None:
        raise ConfigurationError("A name has 1 to 255 printable characters.")
    return key
