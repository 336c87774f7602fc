"""What the settings register and what the database registers, as one catalogue. Pure.

The settings win. A row that cannot be used is left out, never half-used: whoever it names is nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec import Struct

from mintmark.authorization_server.oauth.catalogue import Catalogue
from mintmark.authorization_server.registrations import Client, Resource
from mintmark.authorization_server.registry.documents import client_of, resource_of
from mintmark.authorization_server.settings import Settings, reference_problem, scopes_by_audience
from mintmark.authorization_server.storage.records import ClientRecord, ResourceRecord
from mintmark.errors import ConfigurationError

__all__ = ["SHADOWED", "LeftOut", "merged", "usable"]

R = TypeVar("R", ResourceRecord, ClientRecord)
E = TypeVar("E", Resource, Client)

SHADOWED = "the settings file registers it, and wins"


class LeftOut(Struct, frozen=True):
    """A row that nobody can use, and why."""

    table: str
    name: str
    reason: str


def merged(
    settings: Settings, resources: Iterable[ResourceRecord], clients: Iterable[ClientRecord]
) -> tuple[Catalogue, tuple[LeftOut, ...]]:
    """Return everything that is registered, and the rows that are not."""
    left_out: list[LeftOut] = []
    taken = {resource.audience for resource in settings.resources}
    found: list[Resource] = []
    for row in resources:
        resource, reason = (None, SHADOWED) if row.audience in taken else usable(resource_of, row)
        if resource is not None:
            found.append(resource)
        else:
            left_out.append(LeftOut("resources", row.audience, reason))
    every = (*settings.resources, *found)
    scopes_of = scopes_by_audience(every)
    taken = {client.client_id for client in settings.clients}
    known: list[Client] = []
    for record in clients:
        client, reason = (None, SHADOWED) if record.client_id in taken else usable(client_of, record)
        if client is not None:
            reason = reference_problem(client, scopes_of) or ""
        if client is not None and not reason:
            known.append(client)
        else:
            left_out.append(LeftOut("clients", record.client_id, reason))
    return Catalogue.of(settings.issuer, every, (*settings.clients, *known)), tuple(left_out)


def usable(read: Callable[[R], E], record: R) -> tuple[E | None, str]:
    """Return what a row says; or None, and why this version cannot use it."""
    try:
        return read(record), ""
    except ConfigurationError as error:
        return None, error.message
