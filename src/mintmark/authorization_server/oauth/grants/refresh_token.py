"""``grant_type=refresh_token`` (RFC 6749 6, RFC 9700 4.14.2, OpenID Connect Core 12)."""

from __future__ import annotations

from starlette.responses import Response

from mintmark.authorization_server.oauth.errors import InvalidTarget, UnauthorizedClient
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.oauth.grants.answers import answer_of_grant, refusal
from mintmark.authorization_server.oauth.steps import requested_scope
from mintmark.authorization_server.sessions import Refused

__all__ = ["refresh_token"]


async def refresh_token(flow: Flow) -> Response:
    """Renew; a narrower scope or one resource holds for this token only, never for the grant."""
    service, client = flow.service, flow.client
    policy = service.refresh_policy(client)
    if policy is None:
        raise UnauthorizedClient("this client is not registered for refresh_token")
    token = flow.parameters.required("refresh_token")
    asked = flow.parameters.every("resource")
    if len(set(asked)) > 1:
        raise InvalidTarget("ask for one resource at a time; a token is for one audience")
    refreshed = await service.sessions.refresh(
        token,
        client_id=client.client_id,
        now=flow.now,
        policy=policy,
        scope=requested_scope(flow),
        resources=asked or None,
    )
    if isinstance(refreshed, Refused):
        raise refusal(refreshed.reason)
    try:
        return await answer_of_grant(
            flow,
            refreshed.grant,
            refreshed.person,
            scope=refreshed.scope,
            refresh_token=refreshed.refresh_token,
        )
    except Exception:  # the operator's hook, say; the client will come again with the token that it has
        await service.sessions.take_back(refreshed)
        raise
