"""``/userinfo`` (OpenID Connect Core 5.3): who the person is, for whoever holds an access token with
``openid``.

The token may be for any audience: clients use the one token they have both here and at their service.
"""

from __future__ import annotations

from starlette.responses import Response

from mintmark.authorization_server.claims import TokenKind, Wanted, build_userinfo
from mintmark.authorization_server.oauth import errors
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.oauth.json_answer import JSONAnswer
from mintmark.errors import InvalidToken

__all__ = ["bearer_token", "claims_of_the_person", "living_owner", "refuse_as_bearer", "scope_openid"]


class _NoToken(errors.InvalidToken):
    """No token at all: a challenge without an error code (RFC 6750 3.1)."""


async def bearer_token(flow: Flow) -> None:
    """One access token of ours, in the Authorization header (RFC 6750 2.1), valid and not revoked."""
    headers = flow.request.headers.getlist("authorization")
    if not headers:
        raise _NoToken("send the access token in the Authorization header")
    if len(headers) > 1:
        raise errors.InvalidRequest("there are several Authorization headers")
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != "bearer":
        raise _NoToken("the Authorization header is not Bearer")
    try:
        flow.claims = await flow.service.mint.read_access_token(token.strip(" "))
    except InvalidToken as error:
        raise errors.InvalidToken("the access token is not valid, or no longer", detail=str(error)) from None


async def scope_openid(flow: Flow) -> None:
    """The token was given for knowing the person."""
    if "openid" not in str(flow.claims.get("scope", "")).split():
        raise errors.InsufficientScope("this needs the scope openid")


async def living_owner(flow: Flow) -> None:
    """The person is still there."""
    person = await flow.service.people.find(flow.claims.subject or "")
    if person is None or person.disabled_at is not None:
        raise errors.InvalidToken("the access token is not valid, or no longer", detail="the person is gone")
    flow.person = person


async def claims_of_the_person(flow: Flow) -> Response:
    """The claims that the scope opens, and ``sub`` as in the ID token."""
    scope = tuple(str(flow.claims["scope"]).split())
    wanted = Wanted(TokenKind.USERINFO, str(flow.claims["client_id"]), None, scope, flow.person)
    return JSONAnswer(build_userinfo(flow.person, scope, extra=flow.service.extra_claims(wanted)))


def refuse_as_bearer(flow: Flow, error: errors.OAuthError) -> Response:
    """RFC 6750 3."""
    challenge = 'Bearer realm="mintmark"'
    if not isinstance(error, _NoToken):
        challenge += f', error="{error.code}", error_description="{error.description}"'
    if isinstance(error, errors.InsufficientScope):
        challenge += ', scope="openid"'
    headers = {"WWW-Authenticate": challenge} if error.status in (400, 401, 403) else {}
    body = {} if isinstance(error, _NoToken) else error.body()
    return JSONAnswer(body, status_code=error.status, headers=headers)
