"""``/introspect`` (RFC 7662): a service or a client asks what a token is worth now."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from mintmark.authorization_server.oauth.errors import InvalidClient
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.oauth.json_answer import JSONAnswer
from mintmark.authorization_server.sessions.refresh import end_of
from mintmark.errors import InvalidToken

__all__ = ["client_with_a_secret", "token_described"]

_INACTIVE = {"active": False}


async def client_with_a_secret(flow: Flow) -> None:
    """Whoever could call without proof of who it is could scan for tokens (RFC 7662 2.1, 4)."""
    if flow.client.is_public:
        raise InvalidClient(
            "introspection needs a client that authenticates",
            detail=f"{flow.client.client_id} is public",
            headers={"WWW-Authenticate": 'Basic realm="mintmark", charset="UTF-8"'},
        )


async def token_described(flow: Flow) -> Response:
    """Say what an active token says; of every other one only that it is not active.

    A resource server sees the access tokens that were sent to it, a client its own tokens. Another's token
    reads exactly like a made-up, expired or revoked one (RFC 7662 2.2). ``token_type_hint`` is not needed to
    tell ours apart.
    """
    token = flow.parameters.required("token")
    described = await _refresh_token(flow, token) or await _access_token(flow, token)
    return JSONAnswer(described or _INACTIVE)


async def _refresh_token(flow: Flow, token: str) -> dict[str, Any] | None:
    """Describe a refresh token of this client which the token endpoint would take now."""
    policy = flow.service.refresh_policy(flow.client)
    if policy is None:
        return None
    grant = await flow.service.sessions.would_renew(
        token, client_id=flow.client.client_id, now=flow.now, policy=policy
    )
    if grant is None:
        return None
    return {
        "active": True,
        "iss": flow.service.settings.issuer,
        "sub": grant.person_id,
        "client_id": grant.client_id,
        "scope": " ".join(grant.scope),
        "exp": int(end_of(grant)),
    }


async def _access_token(flow: Flow, token: str) -> dict[str, Any] | None:
    """Describe an access token by its own claims, which are the members of RFC 7662 2.2 and ours."""
    try:
        claims = await flow.service.mint.read_access_token(token)
    except InvalidToken:
        return None
    client = flow.client
    if claims["client_id"] != client.client_id and client.resource_server not in claims.audience:
        return None
    if claims.expires_at is None or claims.expires_at <= flow.now:
        return None  # verifying grants some leeway to clocks; this clock is ours
    return claims.to_dict() | {"active": True, "token_type": "Bearer"}
