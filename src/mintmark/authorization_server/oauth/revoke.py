"""``/revoke`` (RFC 7009): a client gives a token back."""

from __future__ import annotations

from starlette.responses import Response

from mintmark.authorization_server.logs import log_event
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.errors import InvalidToken
from mintmark.jwt import StatusReference

__all__ = ["token_taken_back"]


async def token_taken_back(flow: Flow) -> Response:
    """End the grant of a refresh token, or deny one access token.

    The answer is 200 for every token, also a made-up one or another client's, which stays (RFC 7009 2.1,
    2.2): the caller learns nothing about tokens that are not its own. ``token_type_hint`` is not needed to
    tell ours apart.
    """
    token = flow.parameters.required("token")
    client_id = flow.client.client_id
    if await flow.service.sessions.revoke_refresh_token(token, client_id=client_id, now=flow.now):
        log_event("refresh_token_revoked", client_id=client_id)
    else:
        await _deny_access_token(flow, token)
    return Response(status_code=200)


async def _deny_access_token(flow: Flow, token: str) -> None:
    try:
        claims = await flow.service.mint.read_access_token(token)
    except InvalidToken:
        return
    if claims.get("client_id") != flow.client.client_id or claims.jwt_id is None or claims.expires_at is None:
        return
    status = StatusReference.of(claims)
    await flow.service.sessions.end_access_token(
        claims.jwt_id,
        claims.expires_at,
        flow.now,
        grant_id=claims.get("grant_id"),
        status_index=None if status is None else flow.service.status_lists.index_of(status),
    )
    log_event("access_token_revoked", client_id=flow.client.client_id)
