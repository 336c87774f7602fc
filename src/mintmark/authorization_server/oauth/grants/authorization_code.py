"""``grant_type=authorization_code`` (RFC 6749 4.1.3, RFC 7636 4.5, OpenID Connect Core 3.1.3)."""

from __future__ import annotations

from starlette.responses import Response

from mintmark.authorization_server.oauth.errors import InvalidGrant, InvalidTarget
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.oauth.grants.answers import answer_of_grant, refusal
from mintmark.authorization_server.oauth.pkce import is_verifier
from mintmark.authorization_server.sessions import Refused

__all__ = ["authorization_code"]


async def authorization_code(flow: Flow) -> Response:
    """Redeem a code; everything that can be checked without it is checked first, so that no code is spent
    in vain.
    """
    service, client = flow.service, flow.client
    code = flow.parameters.required("code")
    verifier = flow.parameters.get("code_verifier", "")
    if not is_verifier(verifier):
        # every code here has a challenge, so a request without its verifier holds a stolen code
        raise InvalidGrant("code_verifier is missing or malformed")
    registered = client.resources or (flow.catalogue.issuer,)
    if any(audience not in registered for audience in flow.parameters.every("resource")):
        raise InvalidTarget("the resource is not one that this client is registered for")
    granted = await service.sessions.redeem_code(
        code,
        client_id=client.client_id,
        redirect_uri=flow.parameters.get("redirect_uri"),
        code_verifier=verifier,
        now=flow.now,
        refresh=service.refresh_policy(client),
    )
    if isinstance(granted, Refused):
        raise refusal(granted.reason)
    return await answer_of_grant(
        flow,
        granted.grant,
        granted.person,
        scope=granted.grant.scope,
        refresh_token=granted.refresh_token,
    )
