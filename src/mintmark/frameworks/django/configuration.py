"""The ``MINTMARK`` setting, and the resource server that is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.conf import settings

from mintmark.errors import ConfigurationError
from mintmark.resource_server import ResourceServer

__all__ = ["LABEL", "build", "public_paths", "resource_server"]

LABEL = "mintmark"
_OPTIONS = {
    "ISSUER": "issuer",
    "AUDIENCE": "audience",
    "EXTERNAL_URL": "external_url",
    "SCOPES_SUPPORTED": "scopes_supported",
    "NAME": "name",
    "REALM": "realm",
    "TYP": "typ",
    "LEEWAY": "leeway",
    "KEYS": "keys",
    "REVOCATIONS": "revocations",
    "ALLOW_HTTP": "allow_http",
    "CA_FILE": "ca_file",
}
_OTHERS = frozenset({"PUBLIC", "RESOURCE_SERVER"})


def resource_server() -> ResourceServer:
    """Return the site's resource server.

    :raises ConfigurationError: the app is not installed, or its setting is wrong (see ``manage.py check``).
    """
    if not apps.is_installed("mintmark.frameworks.django"):
        raise ConfigurationError(
            "mintmark is not installed in this site.",
            hint="Add 'mintmark.frameworks.django' to INSTALLED_APPS.",
        )
    server: ResourceServer = apps.get_app_config(LABEL).resource_server()
    return server


def build() -> ResourceServer:
    """Make a resource server of the setting, or take the ready one that it names.

    :raises MintmarkError: the setting is wrong.
    """
    stated = _stated()
    ready = stated.get("RESOURCE_SERVER")
    if ready is not None:
        if not isinstance(ready, ResourceServer) or stated.keys() & _OPTIONS.keys():
            raise ConfigurationError("MINTMARK['RESOURCE_SERVER'] is a ResourceServer, and says all alone.")
        return ready
    missing = [name for name in ("ISSUER", "AUDIENCE") if not stated.get(name)]
    if missing:
        raise ConfigurationError(f"MINTMARK lacks {' and '.join(missing)}.")
    options = {_OPTIONS[name]: value for name, value in stated.items() if name in _OPTIONS}
    return ResourceServer(**options)


def public_paths() -> frozenset[str]:
    """Return the paths that the middleware lets pass without a token."""
    return frozenset(_stated().get("PUBLIC", ()))


def _stated() -> Mapping[str, Any]:
    stated = getattr(settings, "MINTMARK", None)
    if not isinstance(stated, Mapping):
        raise ConfigurationError(
            "The setting MINTMARK is missing.", hint='MINTMARK = {"ISSUER": "https://…", "AUDIENCE": "…"}'
        )
    unknown = sorted(stated.keys() - _OPTIONS.keys() - _OTHERS)
    if unknown:
        raise ConfigurationError(f"MINTMARK knows no {', '.join(unknown)}.")
    return stated
