"""drf-spectacular: the security scheme of :class:`TokenAuthentication` in the OpenAPI document.

Import this module once, in an ``AppConfig.ready()`` or beside the views, and the Authorize button is there.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from mintmark.frameworks.django import resource_server
from mintmark.net.discovery import metadata_addresses

__all__ = ["TokenScheme"]


class TokenScheme(OpenApiAuthenticationExtension):
    """Describes the token as OpenID Connect of the site's issuer."""

    target_class = "mintmark.frameworks.drf.TokenAuthentication"
    match_subclasses = True
    name = "OpenID Connect"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the security scheme object."""
        url = metadata_addresses(resource_server().issuer)[0]
        return {"type": "openIdConnect", "openIdConnectUrl": url}

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        """Return the requirement of one operation: the scopes that its permissions ask for."""
        asked = [getattr(permission, "require", None) for permission in auto_schema.view.get_permissions()]
        scopes = [scope for require in asked if require for scope in (*require.scopes, *require.any_scope)]
        return {self.name: list(dict.fromkeys(scopes))}
