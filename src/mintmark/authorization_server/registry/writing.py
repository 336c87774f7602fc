"""Doing what a plan says, within one transaction: rows, what a removal ends, a line of the audit trail."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mintmark.authorization_server.people.accounts import NewPerson, new_person
from mintmark.authorization_server.people.rules import username_key
from mintmark.authorization_server.registrations import Client
from mintmark.authorization_server.registry.declaring import DeclaredPerson
from mintmark.authorization_server.registry.documents import OUR_SECRET, encoded
from mintmark.authorization_server.registry.planning import Action, Change, Present, Table, Wanted
from mintmark.authorization_server.sessions.ending import end_client
from mintmark.authorization_server.sessions.outcomes import SessionPolicy
from mintmark.authorization_server.settings import Settings
from mintmark.authorization_server.storage import Connection
from mintmark.authorization_server.storage.records import ClientRecord, Event, ResourceRecord
from mintmark.authorization_server.storage.repositories import events, people, registrations

__all__ = ["Prepared", "present_in", "write"]

_BY = "command line"
_NAMED = {Action.ADD: "added", Action.CHANGE: "changed", Action.REMOVE: "removed"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was made before the transaction, which may run twice.

    :param digests: of new client secrets, by client.
    :param password_hashes: of new people, by the key of their names.
    """

    digests: Mapping[str, str]
    password_hashes: Mapping[str, str]


def present_in(connection: Connection, settings: Settings, person_keys: Collection[str]) -> Present:
    """Read what a plan starts from."""
    resources, clients = registrations.every(connection)
    shadowing = {resource.audience for resource in settings.resources}
    shadowing_clients = {client.client_id for client in settings.clients}
    found = {key: people.by_username_key(connection, key) for key in person_keys}
    return Present(
        resources={row.audience: row for row in resources if row.audience not in shadowing},
        clients={row.client_id: row for row in clients if row.client_id not in shadowing_clients},
        people={key: known[0] for key, known in found.items() if known is not None},
    )


def write(
    connection: Connection,
    changes: Iterable[Change],
    present: Present,
    wanted: Wanted,
    prepared: Prepared,
    policy: SessionPolicy,
    now: float,
) -> dict[str, int]:
    """Do it; return how many grants ended of each client that went.

    :raises Conflict: somebody of that name was made meanwhile.
    """
    ended: dict[str, int] = {}
    for change in changes:
        name = change.name
        if not change.is_due:
            continue
        if change.table is Table.PEOPLE:
            _put_person(connection, change, present, wanted, prepared, now)
            continue
        events.record(connection, _event(change, now))
        if change.table is Table.RESOURCES:
            if change.action is Action.REMOVE:
                registrations.remove_resource(connection, name)
            else:
                registrations.put_resource(connection, _resource_row(name, present, wanted, now))
        elif change.action is Action.REMOVE:
            registrations.remove_client(connection, name)
            ended[name] = end_client(connection, name, now, policy, reason="client_ended")
        else:
            record = _client_row(name, present, wanted, prepared.digests.get(name), now)
            registrations.put_client(connection, record)
    return ended


def _resource_row(audience: str, present: Present, wanted: Wanted, now: float) -> ResourceRecord:
    row = present.resources.get(audience)
    created = row.created_at if row is not None else now
    return ResourceRecord(audience, encoded(wanted.resources[audience]), created, now)


def _client_row(
    client_id: str, present: Present, wanted: Wanted, made: str | None, now: float
) -> ClientRecord:
    record = present.clients.get(client_id)
    client = wanted.clients.get(client_id)
    if client is None:  # another secret, and nothing else
        return _with_fresh_secret(present.clients[client_id], made, wanted.overlap, now)
    created = record.created_at if record is not None else now
    row = ClientRecord(client_id, encoded(client), created, now)
    if record is not None and _keeps_secret(client, record):
        return replace(
            row,
            secret_sha256=record.secret_sha256,
            previous_secret_sha256=record.previous_secret_sha256,
            previous_secret_until=record.previous_secret_until,
        )
    return replace(row, secret_sha256=made or client.client_secret_sha256)


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


def _put_person(
    connection: Connection, change: Change, present: Present, wanted: Wanted, prepared: Prepared, now: float
) -> None:
    key = username_key(change.name) or ""
    said = wanted.people[key]
    known = present.people.get(key)
    if known is None:
        stored = prepared.password_hashes.get(key)
        known = new_person(_new(said), now, has_password=stored is not None)
        people.insert(connection, known, username_key=key, password_hash=stored)
        kind = "person_created"
    else:
        people.update(connection, known.person_id, _values(said, known.email, known.email_verified, now))
        kind = "person_changed"
    details = {"by": _BY, "members": [member.name for member in change.members]}
    events.record(connection, Event(now, kind, known.person_id, details=details))


def _new(said: DeclaredPerson) -> NewPerson:
    return NewPerson(
        username=said.username,
        name=said.name or "",
        email=said.email,
        roles=said.roles,
        groups=said.groups,
        attributes=said.attributes,
    )


def _values(said: DeclaredPerson, email: str | None, verified: bool, now: float) -> dict[str, Any]:
    return {
        "username": said.username,
        "name": said.name or "",
        "email": said.email,
        "email_verified": verified and said.email == email,  # it was the other address that was verified
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
