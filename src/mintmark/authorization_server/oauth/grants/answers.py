"""The answer of the token endpoint (RFC 6749 5.1), and how a session's refusal reads on the wire."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from mintmark.authorization_server.access_log import tell
from mintmark.authorization_server.oauth.errors import InvalidGrant, InvalidScope, InvalidTarget, OAuthError
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.oauth.json_answer import JSONAnswer
from mintmark.authorization_server.oauth.status_lists import status_of
from mintmark.authorization_server.oauth.steps import one_audience
from mintmark.authorization_server.oauth.tokens import AccessToken
from mintmark.authorization_server.sessions import RefusalReason
from mintmark.authorization_server.storage.records import Grant, Person

__all__ = ["answer_of_grant", "refusal", "token_answer"]


async def answer_of_grant(
    flow: Flow, grant: Grant, person: Person, *, scope: tuple[str, ...], refresh_token: str | None
) -> Response:
    """Return what a person's grant gives: an access token for one audience, and with ``openid`` an ID token.

    It never gives more than its client is registered for now, whatever it gave before.

    :param scope: what is asked of the grant now; the access token gets the part that means something there.
    :raises InvalidGrant: nothing is left.
    """
    service, client = flow.service, flow.client
    registered = client.resources or (flow.catalogue.issuer,)
    permitted = tuple(audience for audience in grant.resources if audience in registered)
    scope = tuple(each for each in scope if each in client.scopes)
    if not permitted or not scope:
        raise InvalidGrant("this client is no longer registered for what was granted")
    audience = one_audience(flow, permitted)
    access_token = service.mint.access_token(
        client=client,
        subject=person.person_id,
        audience=audience,
        scope=flow.catalogue.scopes_at(audience, scope),
        grant=grant,
        person=person,
        status=await status_of(flow, audience, grant),
    )
    id_token = None
    if "openid" in scope:
        id_token = service.mint.id_token(
            client=client, grant=grant, person=person, access_token=access_token.text
        )
    return token_answer(
        flow, access_token, audience=audience, grant=grant, refresh_token=refresh_token, id_token=id_token
    )


def token_answer(
    flow: Flow,
    access_token: AccessToken,
    *,
    audience: str,
    grant: Grant | None = None,
    **more: str | None,
) -> Response:
    """Return the tokens and write the fact, not the tokens, down. ``scope`` is always said (OAuth 2.1)."""
    body: dict[str, Any] = {
        "access_token": access_token.text,
        "token_type": "Bearer",
        "expires_in": int(access_token.lifetime),
        "scope": " ".join(access_token.scope),
    }
    for name, value in more.items():
        if value is not None:
            body[name] = value
    told = {
        "grant_type": flow.parameters["grant_type"],
        "client_id": flow.client.client_id,
        "audience": audience,
        "scope": body["scope"],
    }
    if grant is not None:
        told["grant_id"] = grant.grant_id
    tell(flow.request.scope, "tokens_issued", told)
    return JSONAnswer(body)


def refusal(reason: RefusalReason) -> OAuthError:
    """Return the protocol's name for why a session refused; which of the reasons it was is for the log."""
    if reason is RefusalReason.SCOPE_TOO_WIDE:
        return InvalidScope("the scope is wider than what was granted")
    if reason is RefusalReason.RESOURCE_TOO_WIDE:
        return InvalidTarget("the resource is not one of this grant")
    return InvalidGrant("the code or refresh token is not valid, or no longer", detail=str(reason))
