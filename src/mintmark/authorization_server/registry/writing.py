"""Doing what a plan says, within one transaction: rows, what a removal ends, a line of the audit trail."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from msgspec.structs import replace

from mintmark._discreet import Discreet
from mintmark.authorization_server.assembly import session_policy
from mintmark.authorization_server.people.accounts import NewPerson, new_person
from mintmark.authorization_server.people.rules import username_key
from mintmark.authorization_server.registrations import Client
from mintmark.authorization_server.registry.declaring import DeclaredPerson
from mintmark.authorization_server.registry.documents import OUR_SECRET, encoded
from mintmark.authorization_server.registry.planning import Action, Change, Present, Table, Wanted
from mintmark.authorization_server.sessions.ending import end_client
from mintmark.authorization_server.settings import Settings
from mintmark.authorization_server.storage import Connection
from mintmark.authorization_server.storage.records import ClientRecord, Event, Person, ResourceRecord
from mintmark.authorization_server.storage.repositories import events, people, registrations

__all__ = ["OvertakenError", "Work", "present_in"]

_BY = "command line"
_NAMED = {Action.ADD: "added", Action.CHANGE: "changed", Action.REMOVE: "removed"}


class OvertakenError(Exception):
    """Somebody else has written between the look and the transaction."""


class Work(Discreet, frozen=True):
    """One transaction: what was planned, if the database still has what the plan started from.

    It may run twice, so whatever is random or slow was made before.

    :param person_keys: the people who were looked at.
    :param digests: of new client secrets, by client.
    :param password_hashes: of new people, by the key of their names.
    """

    settings: Settings
    person_keys: Collection[str]
    present: Present
    wanted: Wanted
    changes: tuple[Change, ...]
    digests: Mapping[str, str]
    password_hashes: Mapping[str, str]
    now: float

    def __repr__(self) -> str:
        return f"Work({len(self.changes)} changes)"

    def __call__(self, connection: Connection) -> dict[str, int]:
        """Do it; return how many grants ended of each client that went.

        :raises OvertakenError: plan again.
        :raises Conflict: likewise: somebody of that name was made meanwhile.
        """
        if present_in(connection, self.settings, self.person_keys) != self.present:
            raise OvertakenError
        ended: dict[str, int] = {}
        for change in self.changes:
            if change.table is Table.PEOPLE:
                self._put_person(connection, change)
            elif change.is_due:
                events.record(connection, _event(change, self.now))
                if change.action is Action.REMOVE:
                    ended.update(self._remove(connection, change))
                elif change.table is Table.RESOURCES:
                    registrations.put_resource(connection, self._resource(change.name))
                else:
                    registrations.put_client(connection, self._client(change.name))
        return ended

    def _remove(self, connection: Connection, change: Change) -> dict[str, int]:
        if change.table is Table.RESOURCES:
            registrations.remove_resource(connection, change.name)
            return {}
        registrations.remove_client(connection, change.name)
        policy = session_policy(self.settings, connection)
        return {change.name: end_client(connection, change.name, self.now, policy, reason="client_ended")}

    def _resource(self, audience: str) -> ResourceRecord:
        row = self.present.resources.get(audience)
        created = row.created_at if row is not None else self.now
        return ResourceRecord(audience, encoded(self.wanted.resources[audience]), created, self.now)

    def _client(self, client_id: str) -> ClientRecord:
        record, client = self.present.clients.get(client_id), self.wanted.clients.get(client_id)
        made = self.digests.get(client_id)
        if client is None:  # another secret, and nothing else
            return _with_fresh_secret(self.present.clients[client_id], made, self.wanted.overlap, self.now)
        if record is not None and _keeps_secret(client, record):
            return replace(record, document=encoded(client), updated_at=self.now)
        created = record.created_at if record is not None else self.now
        secret = made or client.client_secret_sha256
        return ClientRecord(client_id, encoded(client), created, self.now, secret_sha256=secret)

    def _put_person(self, connection: Connection, change: Change) -> None:
        key = username_key(change.name) or ""
        said, person = self.wanted.people[key], self.present.people.get(key)
        if person is None:
            stored = self.password_hashes.get(key)
            person = new_person(_new(said), self.now, has_password=stored is not None)
            people.insert(connection, person, username_key=key, password_hash=stored)
            kind = "person_created"
        else:
            people.update(connection, person.person_id, _values(said, person, self.now))
            kind = "person_changed"
        details = {"by": _BY, "members": [member.name for member in change.members]}
        events.record(connection, Event(self.now, kind, person.person_id, details=details))


def present_in(connection: Connection, settings: Settings, person_keys: Collection[str]) -> Present:
    """Read what a plan starts from."""
    resources, clients = registrations.every(connection)
    owned_resources = {resource.audience for resource in settings.resources}
    owned_clients = {client.client_id for client in settings.clients}
    found = {key: people.by_username_key(connection, key) for key in person_keys}
    return Present(
        resources={row.audience: row for row in resources if row.audience not in owned_resources},
        clients={row.client_id: row for row in clients if row.client_id not in owned_clients},
        people={key: known[0] for key, known in found.items() if known is not None},
    )


def _keeps_secret(client: Client, record: ClientRecord) -> bool:
    wanted = client.client_secret_sha256
    return record.secret_sha256 is not None and wanted in (OUR_SECRET, record.secret_sha256)


def _with_fresh_secret(record: ClientRecord, made: str | None, overlap: float, now: float) -> ClientRecord:
    return replace(
        record,
        secret_sha256=made,
        previous_secret_sha256=record.secret_sha256 if overlap else None,
        previous_secret_until=now + overlap if overlap else None,
        updated_at=now,
    )


def _new(said: DeclaredPerson) -> NewPerson:
    return NewPerson(
        username=said.username,
        name=said.name or "",
        email=said.email,
        roles=said.roles,
        groups=said.groups,
        attributes=said.attributes,
    )


def _values(said: DeclaredPerson, person: Person, now: float) -> dict[str, Any]:
    is_same = said.email == person.email  # another address has not been verified
    return {
        "username": said.username,
        "name": said.name or "",
        "email": said.email,
        "email_verified": person.email_verified and is_same,
        "roles": said.roles,
        "groups": said.groups,
        "attributes": dict(said.attributes),
        "updated_at": now,
    }


def _event(change: Change, now: float) -> Event:
    """What was done, with values: an address that was added is what one looks for afterwards."""
    one = change.table.value.removesuffix("s")
    secret_alone = [member.name for member in change.members] == ["client_secret"]
    kind = "client_secret_changed" if secret_alone else f"{one}_{_NAMED[change.action]}"
    details: dict[str, Any] = {
        "by": _BY,
        "members": {member.name: [member.before, member.after] for member in change.members},
    }
    if change.table is Table.CLIENTS:
        return Event(now, kind, client_id=change.name, details=details)
    return Event(now, kind, details={**details, "audience": change.name})
