"""Who is registered: clients, resources, scopes and origins, looked up by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec import Struct

from mintmark.authorization_server.claims import ClaimRule, Wanted
from mintmark.authorization_server.registrations import IDENTITY_SCOPES, Client, Resource

__all__ = ["Catalogue"]


class Catalogue(Struct, frozen=True):
    """Everything that is registered, ready to be asked. Make one with :meth:`of`.

    :param issuer: the audience of tokens for the service itself, when a client has no resource.
    :param origins: where browsers may read our answers from.
    :param scopes: every scope, in order: the keys.
    :param own_scopes: see :meth:`scopes_of`.
    :param resource_rules: what tokens for a resource say besides.
    :param client_rules: what tokens of a client say besides.
    """

    issuer: str
    clients: Mapping[str, Client]
    resources: Mapping[str, Resource]
    origins: frozenset[str]
    scopes: Mapping[str, None]
    own_scopes: Mapping[str, tuple[str, ...]]
    resource_rules: Mapping[str, tuple[ClaimRule, ...]]
    client_rules: Mapping[str, tuple[ClaimRule, ...]]

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
            scopes=MappingProxyType(dict.fromkeys((*IDENTITY_SCOPES, *of_resources))),
            own_scopes=MappingProxyType(
                {
                    each.audience: tuple(name for name in each.scopes if name not in IDENTITY_SCOPES)
                    for each in resources
                }
            ),
            resource_rules=MappingProxyType(
                {
                    each.audience: tuple(claim.rule(resources=(each.audience,)) for claim in each.claims)
                    for each in resources
                    if each.claims
                }
            ),
            client_rules=MappingProxyType(
                {
                    each.client_id: tuple(claim.rule(clients=(each.client_id,)) for claim in each.claims)
                    for each in clients
                    if each.claims
                }
            ),
        )

    def rules_for(self, wanted: Wanted) -> tuple[ClaimRule, ...]:
        """Return the claim rules that may concern a token, the client's last: its own rule wins."""
        of_resource = self.resource_rules.get(wanted.audience or "", ())
        return of_resource + self.client_rules.get(wanted.client_id, ())

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
        own = self.scopes_of(audience)
        return tuple(scope for scope in scopes if scope in IDENTITY_SCOPES or scope in own)

    def scopes_of(self, audience: str) -> tuple[str, ...]:
        """Return the scopes of ``audience`` itself, without those of identity, which are the service's."""
        return self.own_scopes.get(audience, ())
