"""``/authorize``: from a request of a client to a code, or to a page for the person (RFC 6749 4.1, OpenID
Connect Core 3.1.2).

Until client and redirect URI are known to be right, every refusal is a page of ours and nobody is redirected
(RFC 6749 4.1.2.1).
"""

from __future__ import annotations

import functools
import re
from urllib.parse import quote

from starlette.responses import Response

from mintmark.authorization_server.oauth.errors import (
    AccessDenied,
    ConsentRequired,
    InvalidRequest,
    InvalidTarget,
    LoginRequired,
    OAuthError,
    RequestNotSupported,
    RequestUriNotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.oauth.pkce import challenge_of
from mintmark.authorization_server.oauth.redirect_uris import matching
from mintmark.authorization_server.oauth.steps import allowed_scope
from mintmark.authorization_server.registrations import IDENTITY_SCOPES
from mintmark.authorization_server.sessions import CodeRequest
from mintmark.authorization_server.storage import Conflict
from mintmark.authorization_server.web import asking
from mintmark.errors import InvalidToken, UnknownKey

__all__ = [
    "asked_for_code",
    "consented",
    "give_code",
    "known_client",
    "known_prompt",
    "no_request_object",
    "proof_key",
    "refuse_at_authorize",
    "registered_redirect_uri",
    "resources_of_the_client",
    "same_person_as_hinted",
    "scope_of_the_client",
    "signed_in",
    "told_of_misuse",
]

_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_LONGEST_NONCE = 512
_SECONDS = re.compile(r"[0-9]{1,10}")


async def known_client(flow: Flow) -> None:
    """A client that we know, or a page that says so."""
    client = flow.catalogue.clients.get(flow.parameters.required("client_id"))
    if client is None:
        raise InvalidRequest("no application is registered under this client_id")
    flow.client = client


async def registered_redirect_uri(flow: Flow) -> None:
    """A redirect URI that is registered for this very client (RFC 9700 4.1.3)."""
    presented = flow.parameters.get("redirect_uri")
    registered = flow.client.redirect_uris
    if presented is None:
        if len(registered) != 1:
            raise InvalidRequest("redirect_uri is missing")
        presented = registered[0]
    matched = matching(registered, presented, native=flow.client.is_native)
    if matched is None:
        raise InvalidRequest("redirect_uri is not registered for this application; it must match exactly")
    flow.redirect_uri = matched


async def asked_for_code(flow: Flow) -> None:
    """``response_type=code``, answered in the query, by a client that has the grant (OAuth 2.1)."""
    response_type = flow.parameters.required("response_type")
    if response_type != "code":
        raise UnsupportedResponseType("response_type must be code")
    if "authorization_code" not in flow.client.grants:
        raise UnauthorizedClient("this client is not registered for authorization_code")
    if flow.parameters.get("response_mode", "query") != "query":
        raise InvalidRequest("response_mode must be query")


async def no_request_object(flow: Flow) -> None:
    """Parameters come as parameters (OpenID Connect Core 6)."""
    if "request" in flow.parameters:
        raise RequestNotSupported("request is not supported")
    if "request_uri" in flow.parameters:
        raise RequestUriNotSupported("request_uri is not supported")


async def known_prompt(flow: Flow) -> None:
    """``prompt``, ``max_age`` and ``nonce`` make sense (OpenID Connect Core 3.1.2.1)."""
    if not _PROMPTS.issuperset(flow.prompt):
        raise InvalidRequest("unknown prompt; known are none, login, consent and select_account")
    if "none" in flow.prompt and len(flow.prompt) > 1:
        raise InvalidRequest("prompt=none goes with no other prompt")
    if "max_age" in flow.parameters and _max_age(flow) is None:
        raise InvalidRequest("max_age must be a number of seconds")
    if len(flow.parameters.get("nonce", "")) > _LONGEST_NONCE:
        raise InvalidRequest(f"nonce is longer than {_LONGEST_NONCE} characters")


async def proof_key(flow: Flow) -> None:
    """PKCE from everyone (RFC 9700 2.1.1)."""
    flow.code_challenge = challenge_of(flow.parameters)


async def resources_of_the_client(flow: Flow) -> None:
    """``resource`` names resources of this client (RFC 8707 2.1); its tokens default to the first."""
    client, asked = flow.client, tuple(dict.fromkeys(flow.parameters.every("resource")))
    permitted = client.resources or (flow.catalogue.issuer,)
    for audience in asked:
        if audience not in permitted:
            raise InvalidTarget("resource is not one that this client is registered for")
    flow.audiences = asked or permitted


async def scope_of_the_client(flow: Flow) -> None:
    """A scope that the client is registered for and that means something at the resources."""
    catalogue = flow.catalogue
    of_resources = (scope for audience in flow.audiences for scope in catalogue.scopes_of(audience))
    flow.scope = allowed_scope(flow, flow.client, (*IDENTITY_SCOPES, *of_resources))


async def signed_in(flow: Flow) -> Response | None:
    """A person who has signed in recently enough, or our page to do so.

    This comes before the checks that end in a redirect, so that nobody is sent away from here unseen: a
    link to us is not a link to wherever a broken request leads (RFC 9700 4.11.2).
    """
    sign_in = flow.sign_in
    if flow.beginning is not None:  # just recognised, and looked at once more when that is written
        return None
    if sign_in is not None:
        person = await flow.service.people.find(sign_in.person_id)
        if (
            person is not None
            and person.disabled_at is None
            and (flow.interacted or not _must_sign_in_again(flow))
        ):
            flow.person = person
            return None
    if "none" in flow.prompt:
        raise LoginRequired("the person is not signed in")
    return asking.to_sign_in(flow)


def _must_sign_in_again(flow: Flow) -> bool:
    if {"login", "select_account"} & set(flow.prompt) and "none" not in flow.prompt:  # both: refused later
        return True
    max_age = _max_age(flow)
    return max_age is not None and flow.sign_in is not None and flow.now - flow.sign_in.auth_time >= max_age


def _max_age(flow: Flow) -> int | None:
    """Return ``max_age``; one that is no number is refused later, by :func:`known_prompt`."""
    text = flow.parameters.get("max_age", "")
    return int(text) if _SECONDS.fullmatch(text) else None


async def same_person_as_hinted(flow: Flow) -> Response | None:
    """``id_token_hint`` names the person that the client expects (OpenID Connect Core 3.1.2.1)."""
    hint = flow.parameters.get("id_token_hint")
    if hint is None:
        return None
    try:
        subject = (await flow.service.mint.read_hint(hint)).subject
    except UnknownKey:  # older than our keys: nothing can be said
        subject = None
    except InvalidToken as error:
        raise InvalidRequest("id_token_hint is not an ID token of this service", detail=str(error)) from None
    if subject == flow.person.person_id:
        return None
    if flow.interacted or "none" in flow.prompt:
        raise LoginRequired("the person who is signed in is not the one of id_token_hint")
    return asking.to_sign_in(flow)


async def told_of_misuse(flow: Flow) -> Response | None:
    """Whoever lost a grant to a thief is told at the next sign-in; silent renewals go on."""
    if not flow.interacted:
        return None
    notices = await flow.service.sessions.notices(flow.person.person_id)
    stolen = [notice for notice in notices if notice.kind == "refresh_reuse"]
    return asking.to_take_notice(flow, stolen) if stolen else None


async def consented(flow: Flow) -> Response | None:
    """Applications of others get nothing before the person has said so."""
    if flow.consent is False:
        raise AccessDenied("the person denied the request")
    if flow.consent or ("consent" not in flow.prompt and await _need_not_be_asked(flow)):
        return None
    if "none" in flow.prompt:
        raise ConsentRequired("the person has to be asked")
    return asking.to_consent(flow)


async def _need_not_be_asked(flow: Flow) -> bool:
    """Our own applications, and those that hold as much already and cannot be somebody else in disguise.

    On a person's device anybody can listen on a loopback port or claim a scheme (RFC 8252 8.6; OAuth 2.1,
    "Client Impersonation"); a secret or an https address is proof enough.
    """
    client = flow.client
    if client.first_party:
        return True
    if client.is_public and not (flow.redirect_uri or "").startswith("https://"):
        return False
    held = await flow.service.sessions.live_grants(flow.person.person_id, flow.now)
    return any(
        grant.client_id == client.client_id
        and set(flow.scope) <= set(grant.scope)
        and set(flow.audiences) <= set(grant.resources)
        for grant in held
    )


async def give_code(flow: Flow) -> Response:
    """The code, on its way back to the client."""
    sign_in = flow.sign_in
    if sign_in is None or flow.redirect_uri is None:
        raise AssertionError("the table put give_code before its checks")
    request = CodeRequest(
        client_id=flow.client.client_id,
        person_id=sign_in.person_id,
        sid=sign_in.sid,
        redirect_uri=flow.redirect_uri,
        code_challenge=flow.code_challenge,
        scope=flow.scope,
        resources=flow.audiences,
        nonce=flow.parameters.get("nonce"),
        auth_time=sign_in.auth_time,
        acr=sign_in.acr,
        amr=sign_in.amr,
    )
    try:
        code = await flow.service.sessions.create_code(request, flow.now, beginning=flow.beginning)
    except Conflict:  # the account was removed since we looked
        raise LoginRequired("the person is not signed in") from None
    flow.beginning = None
    return _back_to_client(flow, {"code": code})


def refuse_at_authorize(flow: Flow, error: OAuthError) -> Response:
    """By redirect once the redirect URI is known to be right; before that, a page of ours."""
    if flow.redirect_uri is not None:
        return _back_to_client(flow, error.body())
    return flow.service.pages.refusal(flow.request, error)


def _back_to_client(flow: Flow, answer: dict[str, str]) -> Response:
    """Redirect with ``state`` as it came and ``iss`` (RFC 9207 2). 303, so that no form is sent on (RFC
    9700 4.12).
    """
    uri = flow.redirect_uri or ""
    state = flow.parameters.get("state")
    query = answer if state is None else {**answer, "state": state}
    separator = "" if uri.endswith(("?", "&")) else "&" if "?" in uri else "?"
    said = "&".join([f"{name}={quote(value, '')}" for name, value in query.items()])
    location = f"{uri}{separator}{said}&iss={_in_a_query(flow.service.settings.issuer)}"
    return Response(status_code=303, headers={"Location": location, "Cache-Control": "no-store"})


@functools.lru_cache(maxsize=8)
def _in_a_query(issuer: str) -> str:
    return quote(issuer, "")
