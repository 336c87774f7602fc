"""The checks that several endpoints and grants share, one function each."""

from __future__ import annotations

import re
from collections.abc import Collection

from mintmark.authorization_server.oauth import client_auth
from mintmark.authorization_server.oauth.errors import (
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
)
from mintmark.authorization_server.oauth.flow import Flow, network_of
from mintmark.authorization_server.registrations import Client
from mintmark.authorization_server.storage.records import Person
from mintmark.authorization_server.web import cookies

__all__ = [
    "allowed_scope",
    "authenticate_client",
    "authenticate_resource_server",
    "living_person",
    "one_audience",
    "recall_sign_in",
    "requested_scope",
]

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 3.3


async def authenticate_client(flow: Flow) -> None:
    """Find out which client is calling (RFC 6749 2.3)."""
    headers = [value for name, value in flow.request.scope["headers"] if name == b"authorization"]
    if len(headers) > 1:
        raise InvalidRequest("there are several Authorization headers")
    said = headers[0].decode("latin-1") if headers else None
    credentials = client_auth.presented(said, flow.parameters)
    flow.client = client_auth.authenticate(
        credentials,
        flow.catalogue.clients,
        flow.service.attempts,
        network=network_of(flow.request),
        now=flow.now,
    )


async def authenticate_resource_server(flow: Flow) -> None:
    """Admit registered resource servers only, by the credentials that they exchange tokens with."""
    await authenticate_client(flow)
    if flow.client.resource_server is None:
        raise InvalidClient(
            "this is for resource servers",
            detail=f"{flow.client.client_id} has no resource_server setting",
            headers={"WWW-Authenticate": 'Basic realm="mintmark", charset="UTF-8"'},
        )


def requested_scope(flow: Flow) -> tuple[str, ...] | None:
    """Return the scope of the request, or ``None`` when it names none.

    :raises InvalidScope: a scope token holds a character that it cannot have.
    """
    words = flow.parameters.words("scope")
    if not all(map(_SCOPE_TOKEN.fullmatch, words)):
        raise InvalidScope("the scope is malformed")
    return words or None


def allowed_scope(flow: Flow, client: Client, known: Collection[str]) -> tuple[str, ...]:
    """Return what a client gets of the scope it asks for; all it is registered for when it asks for nothing.

    A scope that nobody here knows is ignored (OpenID Connect Core 3.1.2.1); a known one that is not the
    client's is refused, because somebody made a mistake that silence would hide.

    :raises InvalidScope: not the client's, or nothing is left.
    """
    registered, granted = client.scopes, []
    for scope in requested_scope(flow) or registered:
        if scope in registered:
            if scope in known:
                granted.append(scope)
        elif scope in flow.catalogue.scopes:
            raise InvalidScope(f"this client is not registered for the scope {scope}")
    if not granted:
        raise InvalidScope("nothing of the scope is left; ask for a scope that this client is registered for")
    return tuple(granted)


def one_audience(flow: Flow, permitted: tuple[str, ...]) -> str:
    """Return the audience of the token that is asked for: ``resource`` (RFC 8707 2), else the first
    permitted.

    :raises InvalidTarget: not permitted, or several at once: a token is for one resource server (RFC 9700
        2.3).
    """
    asked = flow.parameters.every("resource")
    if len(set(asked)) > 1:
        raise InvalidTarget("ask for one resource at a time; a token is for one audience")
    audience = asked[0] if asked else permitted[0]
    if audience not in permitted:
        raise InvalidTarget("the resource is not one of this grant")
    return audience


async def living_person(flow: Flow, person_id: str) -> Person:
    """Return the person of a grant.

    :raises InvalidGrant: gone or disabled.
    """
    person = await flow.service.people.find(person_id)
    if person is None or person.disabled_at is not None:
        raise InvalidGrant("the grant has ended", detail="the person is gone or disabled")
    return person


async def recall_sign_in(flow: Flow) -> None:
    """Find the sign-in of this browser by its cookie, unless the person has just signed in."""
    if flow.sign_in is None:
        cookie = cookies.sign_in_of(flow.request, flow.service.settings)
        if cookie is not None:
            flow.sign_in = await flow.service.sessions.find_sign_in(cookie, flow.now)
