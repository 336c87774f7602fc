"""What the decorators and dependencies of all frameworks have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mintmark.errors import ConfigurationError
from mintmark.resource_server import Require, ResourceServer

__all__ = ["require_of", "resource_server_of"]


def resource_server_of(
    issuer: str | None,
    audience: str | Sequence[str] | None,
    resource_server: ResourceServer | None,
    options: Mapping[str, Any],
) -> ResourceServer:
    """Return the ready resource server, or make one of issuer, audience and further options.

    :raises ConfigurationError: neither issuer and audience nor a resource server, or both.
    """
    if resource_server is None:
        if issuer is None or audience is None:
            raise ConfigurationError("Protect needs issuer and audience, or a resource_server.")
        return ResourceServer(issuer, audience, **options)
    if issuer is not None or audience is not None or options:
        raise ConfigurationError("Protect takes a resource_server, or what to make one of; not both.")
    return resource_server


def require_of(scopes: str | Sequence[str] | Require, conditions: Mapping[str, Any]) -> Require:
    """Return a ready Require, or make one of scopes and further conditions.

    :raises ConfigurationError: a condition is unknown or cannot be, or a ready Require gets more of them.
    """
    if isinstance(scopes, Require):
        if conditions:
            raise ConfigurationError("Conditions belong into the Require, not beside it.")
        return scopes
    try:
        return Require(scopes, **conditions)
    except TypeError:
        raise ConfigurationError(
            f"There is no such condition: {', '.join(sorted(conditions))}.",
            hint="any_scope, acr, max_age and claims are; see Require.",
        ) from None
