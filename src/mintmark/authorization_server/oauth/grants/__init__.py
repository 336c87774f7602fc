"""The grants of the token endpoint, one file each (RFC 6749 4, RFC 8693)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from starlette.responses import Response

from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.oauth.grants.authorization_code import authorization_code
from mintmark.authorization_server.oauth.grants.client_credentials import client_credentials
from mintmark.authorization_server.oauth.grants.refresh_token import refresh_token
from mintmark.authorization_server.oauth.grants.token_exchange import token_exchange

__all__ = ["GRANTS"]

GRANTS: Mapping[str, Callable[[Flow], Awaitable[Response]]] = MappingProxyType(
    {
        "authorization_code": authorization_code,
        "refresh_token": refresh_token,
        "client_credentials": client_credentials,
        "urn:ietf:params:oauth:grant-type:token-exchange": token_exchange,
    }
)
