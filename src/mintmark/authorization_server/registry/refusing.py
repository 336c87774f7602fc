"""What must not be done, however it is asked for. Pure: one line names the entry and the fix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mintmark.authorization_server.people.rules import username_key
from mintmark.authorization_server.registrations import Client, Resource
from mintmark.authorization_server.registry.documents import client_of, resource_of
from mintmark.authorization_server.registry.merging import usable
from mintmark.authorization_server.registry.planning import Present, Wanted
from mintmark.authorization_server.settings import Settings, reference_problem, scopes_by_audience
from mintmark.errors import ConfigurationError

__all__ = ["refuse", "refuse_owned"]


def refuse(settings: Settings, present: Present, wanted: Wanted) -> None:
    """Refuse what the settings file decides, and what would leave a name that leads nowhere.

    :raises ConfigurationError: one line.
    """
    refuse_owned(settings, "resources", [*wanted.resources, *wanted.removed_resources])
    refuse_owned(settings, "clients", [*wanted.clients, *wanted.removed_clients, *wanted.fresh_secrets])
    refuse_owned(settings, "people", wanted.people)
    before = (*settings.resources, *_resources(present))
    staying = (resource for resource in before if resource.audience not in wanted.removed_resources)
    scopes_before = scopes_by_audience(before)
    scopes_after = scopes_by_audience((*staying, *wanted.resources.values()))
    for client in wanted.clients.values():
        if reason := reference_problem(client, scopes_after):
            raise ConfigurationError(f'clients: "{client.client_id}" {reason}')
    for client in _others(present, wanted):
        reason = reference_problem(client, scopes_after)
        if reason and not reference_problem(client, scopes_before):
            raise ConfigurationError(_left_behind(client, wanted, reason))


def refuse_owned(settings: Settings, table: str, names: Iterable[str]) -> None:
    """Refuse to touch what the settings file registers: it would win at the next start, and before.

    :param names: of people, the keys of their names.
    :raises ConfigurationError: one line.
    """
    owned: dict[str, set[str | None]] = {
        "resources": {resource.audience for resource in settings.resources},
        "clients": {client.client_id for client in settings.clients},
        "people": {username_key(person.username) for person in settings.people},
    }
    for name in names:
        if name in owned[table]:
            raise ConfigurationError(
                f'{table}: "{name}" is registered by the settings file; change it there, and restart'
            )


def _resources(present: Present) -> Iterator[Resource]:
    for row in present.resources.values():
        resource, _ = usable(resource_of, row)
        if resource is not None:
            yield resource


def _others(present: Present, wanted: Wanted) -> Iterator[Client]:
    """The clients that stay as they are."""
    for client_id, record in present.clients.items():
        if client_id not in wanted.clients and client_id not in wanted.removed_clients:
            client, _ = usable(client_of, record)
            if client is not None:
                yield client


def _left_behind(client: Client, wanted: Wanted, reason: str) -> str:
    named: Mapping[str, Sequence[str]] = {
        "resources": client.resources,
        "exchange_to": client.exchange_to,
        "resource_server": [client.resource_server or ""],
    }
    for member, audiences in named.items():
        for audience in audiences:
            if audience in wanted.removed_resources:
                return (
                    f'resources: "{audience}" is named by the client "{client.client_id}" ({member}); change '
                    "or remove that client first, or in the same file"
                )
    return f'clients: "{client.client_id}" would be left behind: {reason}'
