"""``grant_type=urn:ietf:params:oauth:grant-type:token-exchange`` (RFC 8693): a service acts for its caller.

The subject token is an access token of ours that was sent to the calling service; the new one says the same
person, the same session and grant, and who acts. So whatever ends the first ends the second.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from mintmark.authorization_server.oauth.errors import InvalidGrant, InvalidRequest, InvalidTarget
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.oauth.grants.answers import token_answer
from mintmark.authorization_server.oauth.status_lists import status_of
from mintmark.authorization_server.oauth.steps import allowed_scope, living_person
from mintmark.authorization_server.storage.records import Grant
from mintmark.errors import InvalidToken
from mintmark.jwt import Claims

__all__ = ["token_exchange"]

_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 — a type, not a token
_JWT = "urn:ietf:params:oauth:token-type:jwt"
_DEEPEST_ACT = 8


async def token_exchange(flow: Flow) -> Response:
    """Answer a token for another audience that stands for the caller's."""
    service, client = flow.service, flow.client
    subject = await _subject(flow)
    audience = _target(flow)
    scope = allowed_scope(flow, client, flow.catalogue.scopes_of(audience))
    grant = await _living_grant(flow, subject)
    person = await living_person(flow, grant.person_id) if grant else None
    access_token = service.mint.access_token(
        client=client,
        audience=audience,
        scope=scope,
        subject=subject.subject or "",
        person=person,
        grant=grant,
        act=_actor_chain(client.client_id, subject),
        at_most=_left(subject, flow),
        status=await status_of(flow, audience, grant),
    )
    return token_answer(flow, access_token, audience=audience, grant=grant, issued_token_type=_ACCESS_TOKEN)


async def _subject(flow: Flow) -> Claims:
    """Verify the subject token: ours, living, not revoked, and sent to this very service."""
    kind = flow.parameters.required("subject_token_type")
    text = flow.parameters.required("subject_token")
    if kind not in (_ACCESS_TOKEN, _JWT):
        raise InvalidRequest("subject_token_type must be an access token of this service")
    if "actor_token" in flow.parameters or "actor_token_type" in flow.parameters:
        raise InvalidRequest("actor_token is not supported; the authenticated client is the actor")
    if flow.parameters.get("requested_token_type", _ACCESS_TOKEN) not in (_ACCESS_TOKEN, _JWT):
        raise InvalidRequest("only access tokens are given in exchange")
    try:
        claims = await flow.service.mint.read_access_token(text)
    except InvalidToken as error:
        # RFC 8693 2.2.2 asks for invalid_request here
        raise InvalidRequest("the subject_token is not valid, or no longer", detail=str(error)) from None
    if _left(claims, flow) < 1.0:  # verifying grants some leeway to clocks, in which nothing new can live
        raise InvalidRequest("the subject_token is not valid, or no longer", detail="it has just expired")
    if flow.client.resource_server not in claims.audience:
        raise InvalidRequest(
            "the subject_token was not sent to this service",
            detail=f"audience {claims.audience}, client is {flow.client.resource_server}",
        )
    return claims


def _left(subject: Claims, flow: Flow) -> float:
    """Return for how many seconds the subject token still lives."""
    return (subject.expires_at or 0.0) - flow.now


def _target(flow: Flow) -> str:
    """Return the one audience that is asked for, by ``audience`` or ``resource``, when policy allows it."""
    asked = {*flow.parameters.every("audience"), *flow.parameters.every("resource")}
    permitted = flow.client.exchange_to
    if not asked and len(permitted) == 1:
        return permitted[0]
    if len(asked) != 1:
        raise (
            InvalidRequest("say for whom: send one audience")
            if not asked
            else InvalidTarget("ask for one audience at a time; a token is for one audience")
        )
    audience = asked.pop()
    if audience not in permitted:
        raise InvalidTarget("this service may not exchange tokens for that audience")
    return audience


async def _living_grant(flow: Flow, subject: Claims) -> Grant | None:
    """Return the grant behind the subject token; tokens of client credentials have none."""
    grant_id = subject.get("grant_id")
    if grant_id is None:
        return None
    grant = await flow.service.sessions.grant(grant_id)
    if grant is None or grant.ended_at is not None:
        raise InvalidGrant("the grant behind the subject_token has ended")
    return grant


def _actor_chain(client_id: str, subject: Claims) -> dict[str, Any]:
    """Return who acts now, with those who acted before inside (RFC 8693 4.1)."""
    earlier, depth = subject.get("act"), 0
    link = earlier
    while isinstance(link, dict):
        link, depth = link.get("act"), depth + 1
    if depth >= _DEEPEST_ACT:
        raise InvalidRequest(f"the subject_token has been exchanged {depth} times; that is a loop")
    return {"sub": client_id, "act": earlier} if earlier is not None else {"sub": client_id}
