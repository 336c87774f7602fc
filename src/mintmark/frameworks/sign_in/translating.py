"""What the frameworks share: how one is made, and reading a request into plain values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mintmark.client.sign_in import SignIn, Visit
from mintmark.errors import ConfigurationError
from mintmark.resource_server import RemoteKeys

__all__ = ["Adapter", "visit_of"]

_SHARED = ("allow_http", "ca_file", "clock", "limits")


class Adapter:
    """What the ``SignIn`` of every framework is made from, and ``core``: all that it does.

    :param issuer: where people sign in, ``client_id``: this application there, and ``redirect_uri``: the full
        address of its callback. Further ``options`` go to :class:`mintmark.client.sign_in.SignIn`; the keys
        are the issuer's, found and kept fresh, unless they are given.
    :param core: a ready core instead of all of these.
    :raises ConfigurationError: neither or both, or something that is not safe.
    """

    def __init__(
        self,
        issuer: str | None = None,
        client_id: str | None = None,
        redirect_uri: str | None = None,
        *,
        core: SignIn | None = None,
        **options: Any,
    ) -> None:
        stated = (issuer, client_id, redirect_uri)
        if core is not None:
            if stated != (None, None, None) or options:
                raise ConfigurationError("A ready core says all alone: give either it or the rest.")
            self.core = core
            return
        if issuer is None or client_id is None or redirect_uri is None:
            raise ConfigurationError("SignIn needs issuer, client_id and redirect_uri.")
        if "keys" not in options:
            shared = {name: options[name] for name in _SHARED if name in options}
            options = {**options, "keys": RemoteKeys(issuer, **shared)}
        self.core = SignIn(issuer, client_id, redirect_uri, **options)


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
