"""From what is there to what is wanted: a list of changes. Pure; the same question has the same answer.

Only entries that differ are in the plan, member by member, as they stand in documents: no secret, and no
digest of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from mintmark.authorization_server.registrations import Client, Resource
from mintmark.authorization_server.registry.declaring import DeclaredPerson
from mintmark.authorization_server.registry.documents import OUR_SECRET, decoded, document_of
from mintmark.authorization_server.storage.records import ClientRecord, Person, ResourceRecord

__all__ = ["Action", "Change", "Member", "Present", "Secret", "Table", "Wanted", "plan"]

_NAMES = frozenset({"audience", "client_id", "username"})


class Table(StrEnum):
    """Where an entry stands in a file."""

    RESOURCES = "resources"
    CLIENTS = "clients"
    PEOPLE = "people"


class Action(StrEnum):
    """What happens to an entry."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    LEAVE = "leave"  # it is there and not wanted, and stays, because nobody said that it goes


class Secret(StrEnum):
    """What a plan says of a client's secret."""

    KEPT = "kept"
    MADE = "made"
    NAMED = "named"  # the file says which


class Member(Struct, frozen=True):
    """One member of an entry: as it is, and as it is to be; None where it is not said."""

    name: str
    before: Any
    after: Any


class Change(Struct, frozen=True):
    """One entry that differs."""

    table: Table
    name: str
    action: Action
    members: tuple[Member, ...] = ()

    @property
    def is_due(self) -> bool:
        """Whether there is anything to do."""
        return self.action is not Action.LEAVE

    @property
    def makes_secret(self) -> bool:
        """Whether a client gets a secret of ours, which somebody must be shown."""
        return any(member.name == "client_secret" and member.after == Secret.MADE for member in self.members)


class Present(Struct, frozen=True):
    """What the database has: registrations but for those that the settings shadow, and the people asked for.

    :param people: by the key of their names.
    """

    resources: Mapping[str, ResourceRecord] = field(default_factory=dict)
    clients: Mapping[str, ClientRecord] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)


class Wanted(Struct, frozen=True):
    """What is to be. A confidential client with ``OUR_SECRET`` keeps the secret that it has, or gets one.

    :param people: by the key of their names.
    :param removed_resources: audiences that go.
    :param removed_clients: clients that go.
    :param fresh_secrets: clients that get another secret.
    :param overlap: seconds for which their present secrets go on.
    :param is_whole: everything that should be there; what else is there is told.
    """

    resources: Mapping[str, Resource] = field(default_factory=dict)
    clients: Mapping[str, Client] = field(default_factory=dict)
    people: Mapping[str, DeclaredPerson] = field(default_factory=dict)
    removed_resources: frozenset[str] = frozenset()
    removed_clients: frozenset[str] = frozenset()
    fresh_secrets: frozenset[str] = frozenset()
    overlap: float = 0.0
    is_whole: bool = False


def plan(present: Present, wanted: Wanted) -> tuple[Change, ...]:
    """Return what differs, in the order in which it can be done."""
    return tuple(_changes(present, wanted))


def _changes(present: Present, wanted: Wanted) -> Iterator[Change]:
    for audience, resource in wanted.resources.items():
        row = present.resources.get(audience)
        before = decoded(row.document) if row is not None else {}
        members = _differences(before, document_of(resource))
        yield from _entry(Table.RESOURCES, audience, members, is_there=row is not None)
    for client_id, client in wanted.clients.items():
        record = present.clients.get(client_id)
        before = decoded(record.document) if record is not None else {}
        members = (*_differences(before, document_of(client)), *_secret(record, client))
        yield from _entry(Table.CLIENTS, client_id, members, is_there=record is not None)
    for client_id in sorted(wanted.fresh_secrets):
        member = Member("client_secret", Secret.KEPT, Secret.MADE)
        yield Change(Table.CLIENTS, client_id, Action.CHANGE, (member,))
    for key, person in wanted.people.items():
        account = present.people.get(key)
        members = _differences(_facts_of(account) if account is not None else {}, person.facts)
        yield from _entry(Table.PEOPLE, person.username, members, is_there=account is not None)
    for table, there, kept, removed in (
        (Table.CLIENTS, present.clients, wanted.clients, wanted.removed_clients),
        (Table.RESOURCES, present.resources, wanted.resources, wanted.removed_resources),
    ):
        for name in there:
            if name in removed:
                yield Change(table, name, Action.REMOVE)
            elif wanted.is_whole and name not in kept:
                yield Change(table, name, Action.LEAVE)


def _entry(table: Table, name: str, members: tuple[Member, ...], *, is_there: bool) -> Iterator[Change]:
    if not is_there:
        rest = tuple(member for member in members if member.name not in _NAMES)
        yield Change(table, name, Action.ADD, rest)
    elif members:
        yield Change(table, name, Action.CHANGE, members)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Member, ...]:
    names = (*after, *(name for name in before if name not in after))
    return tuple(
        Member(name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    )


def _secret(record: ClientRecord | None, client: Client) -> Iterator[Member]:
    kept = record.secret_sha256 if record is not None else None
    wanted = client.client_secret_sha256
    before = Secret.KEPT if kept is not None else None
    if wanted is None and kept is not None:
        yield Member("client_secret", before, None)
    elif wanted == OUR_SECRET and kept is None:
        yield Member("client_secret", before, Secret.MADE)
    elif wanted not in (None, OUR_SECRET, kept):
        yield Member("client_secret", before, Secret.NAMED)


def _facts_of(person: Person) -> dict[str, Any]:
    """Return what a file can say about somebody, without what is empty."""
    facts = {
        "username": person.username,
        "name": person.name,
        "email": person.email,
        "roles": list(person.roles),
        "groups": list(person.groups),
        "attributes": dict(person.attributes),
    }
    return {name: value for name, value in facts.items() if value}
