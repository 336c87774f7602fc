"""``grant_type=client_credentials`` (RFC 6749 4.4): a service speaks for itself."""

from __future__ import annotations

from starlette.responses import Response

from mintmark.authorization_server.oauth.errors import UnauthorizedClient
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.oauth.grants.answers import token_answer
from mintmark.authorization_server.oauth.status_lists import status_of
from mintmark.authorization_server.oauth.steps import allowed_scope, one_audience

__all__ = ["client_credentials"]


async def client_credentials(flow: Flow) -> Response:
    """No person, no session, no refresh token (RFC 6749 4.4.3); nothing is stored of the token."""
    service, client = flow.service, flow.client
    if client.is_public:
        raise UnauthorizedClient("client_credentials needs a client with a secret")
    audience = one_audience(flow, client.resources or (flow.catalogue.issuer,))
    scope = allowed_scope(flow, client, flow.catalogue.scopes_of(audience))
    access_token = service.mint.access_token(
        client=client,
        subject=client.client_id,
        audience=audience,
        scope=scope,
        grant=None,
        person=None,
        status=await status_of(flow, audience),
    )
    return token_answer(flow, access_token, audience=audience)
