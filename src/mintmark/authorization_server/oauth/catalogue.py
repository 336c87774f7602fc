"""Who is registered: clients, resources, scopes and origins, looked up by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mintmark.authorization_server.claims import ClaimRule
from mintmark.authorization_server.registrations import IDENTITY_SCOPES, Client, Resource

__all__ = ["Catalogue"]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that is registered, ready to be asked. Make one with :meth:`of`.

    :param issuer: the audience of tokens for the service itself, when a client has no resource.
    :param claim_rules: what tokens say besides, of resources first: a client's own rule wins.
    :param origins: where browsers may read our answers from.
    """

    issuer: str
    clients: Mapping[str, Client]
    resources: Mapping[str, Resource]
    origins: frozenset[str]
    scopes: tuple[str, ...]
    claim_rules: tuple[ClaimRule, ...] = ()

    @classmethod
    def of(cls, issuer: str, resources: Iterable[Resource], clients: Iterable[Client]) -> Catalogue:
        """Index what is registered."""
        resources, clients = tuple(resources), tuple(clients)
        of_resources = (scope for resource in resources for scope in resource.scopes)
        return cls(
            issuer=issuer,
            clients=MappingProxyType({client.client_id: client for client in clients}),
            resources=MappingProxyType({resource.audience: resource for resource in resources}),
            origins=frozenset(origin for client in clients for origin in client.origins),
            scopes=tuple(dict.fromkeys((*IDENTITY_SCOPES, *of_resources))),
            claim_rules=tuple(_claim_rules(resources, clients)),
        )

    def default_audience(self, client: Client) -> str:
        """Return the audience of a client's tokens when it names none: its first resource, else ourselves."""
        return client.resources[0] if client.resources else self.issuer

    def wants_status(self, audience: str) -> bool:
        """Say whether access tokens for ``audience`` name their place in a status list."""
        resource = self.resources.get(audience)
        return resource is not None and resource.status_list

    def scopes_at(self, audience: str, scopes: Iterable[str]) -> tuple[str, ...]:
        """Keep of ``scopes`` what means something at ``audience`` (RFC 8707 2.2), in order.

        ``openid`` and its companions stay, because the same token opens userinfo.
        """
        resource = self.resources.get(audience)
        known = {*IDENTITY_SCOPES, *(resource.scopes if resource else ())}
        return tuple(scope for scope in scopes if scope in known)


def _claim_rules(resources: Iterable[Resource], clients: Iterable[Client]) -> Iterator[ClaimRule]:
    for resource in resources:
        yield from (setting.rule(resources=(resource.audience,)) for setting in resource.claims)
    for client in clients:
        yield from (setting.rule(clients=(client.client_id,)) for setting in client.claims)
