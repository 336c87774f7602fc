"""What the frameworks share: making the core, and reading a request into plain values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mintmark.client.sign_in import SignIn, Visit
from mintmark.errors import ConfigurationError
from mintmark.resource_server import RemoteKeys

__all__ = ["core_of", "visit_of"]

_SHARED = ("allow_http", "ca_file", "clock", "limits")


def core_of(
    issuer: str | None,
    client_id: str | None,
    redirect_uri: str | None,
    core: SignIn | None,
    options: dict[str, Any],
) -> SignIn:
    """Return the core that was given, or make one whose keys are the issuer's, found and kept fresh.

    :raises ConfigurationError: neither issuer, client_id and redirect_uri nor a core, or both.
    """
    stated = (issuer, client_id, redirect_uri)
    if core is not None:
        if stated != (None, None, None) or options:
            raise ConfigurationError("A ready core says all alone: give either it or the rest.")
        return core
    if issuer is None or client_id is None or redirect_uri is None:
        raise ConfigurationError("SignIn needs issuer, client_id and redirect_uri.")
    if "keys" not in options:
        shared = {name: options[name] for name in _SHARED if name in options}
        options = {**options, "keys": RemoteKeys(issuer, **shared)}
    return SignIn(issuer, client_id, redirect_uri, **options)


def visit_of(method: str, url: str, headers: Iterable[tuple[str, str]], form: bytes = b"") -> Visit:
    """Return a request as plain values; repeated headers are joined as HTTP says (RFC 9110 5.3, 9113 8.2.3).

    :param url: path and query as they came.
    """
    joined: dict[str, str] = {}
    for name, value in headers:
        known = name.lower()
        glue = "; " if known == "cookie" else ", "
        joined[known] = f"{joined[known]}{glue}{value}" if known in joined else value
    path, _, query = url.partition("?")
    return Visit(method, path, query, joined, form)
