"""``/token``: which grant is asked for, and whether this client may ask for it (RFC 6749 3.2)."""

from __future__ import annotations

from starlette.responses import Response

from mintmark.authorization_server.oauth.errors import OAuthError, UnauthorizedClient, UnsupportedGrantType
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.oauth.grants import GRANTS
from mintmark.authorization_server.oauth.json_answer import JSONAnswer

__all__ = ["known_grant_type", "refuse_as_json", "registered_grant_type", "tokens_by_grant"]


async def known_grant_type(flow: Flow) -> None:
    """A grant that exists here; the password grant does not (RFC 9700 2.4)."""
    if flow.parameters.required("grant_type") not in GRANTS:
        raise UnsupportedGrantType("this grant_type is not supported")


async def registered_grant_type(flow: Flow) -> None:
    """A grant that this client is registered for."""
    if flow.parameters["grant_type"] not in flow.client.grants:
        raise UnauthorizedClient("this client is not registered for this grant_type")


async def tokens_by_grant(flow: Flow) -> Response:
    """The grant itself."""
    return await GRANTS[flow.parameters["grant_type"]](flow)


def refuse_as_json(flow: Flow, error: OAuthError) -> Response:
    """RFC 6749 5.2."""
    return JSONAnswer(error.body(), status_code=error.status)
