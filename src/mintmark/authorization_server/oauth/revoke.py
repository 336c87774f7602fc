"""``/revoke`` (RFC 7009): a client gives a token back."""

from __future__ import annotations

from starlette.responses import Response

from mintmark.authorization_server.logs import log_event
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.storage.records import DenyEntry, DenyKind
from mintmark.errors import InvalidToken

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
    entry = DenyEntry(DenyKind.JTI, claims.jwt_id, iat=flow.now, exp=claims.expires_at)
    await flow.service.deny_log.add([entry], flow.now)
    log_event("access_token_revoked", client_id=flow.client.client_id)
