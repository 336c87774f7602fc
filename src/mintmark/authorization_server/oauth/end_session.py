"""``/end-session`` (OpenID Connect RP-Initiated Logout 1.0): an application sends the person here to sign
out.

With a good ``id_token_hint`` of the very session the person is signed out at once; otherwise a page asks
first, so that no stranger's link can sign anybody out. Nobody is ever redirected to an address that is not
registered for the client that the hint or ``client_id`` names.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from starlette.responses import Response

from mintmark.authorization_server.logs import log_event
from mintmark.authorization_server.oauth.errors import InvalidRequest, OAuthError
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.oauth.redirect_uris import matching
from mintmark.authorization_server.registrations import Client
from mintmark.authorization_server.web import asking, cookies
from mintmark.errors import InvalidToken, UnknownKey
from mintmark.jwt import Claims

__all__ = ["hint_of_ours", "refuse_as_page", "registered_return", "signed_out"]


async def hint_of_ours(flow: Flow) -> None:
    """``id_token_hint`` is one of our ID tokens, however old, of the client that asks."""
    hint = flow.parameters.get("id_token_hint")
    if hint is None:
        return
    try:
        flow.hint = await flow.service.mint.read_hint(hint)
    except UnknownKey:  # from before our oldest key: it proves nothing, so the person is asked
        return
    except InvalidToken as error:
        raise InvalidRequest("id_token_hint is not an ID token of this service", detail=str(error)) from None


async def registered_return(flow: Flow) -> None:
    """``post_logout_redirect_uri`` is registered for the client that hint or ``client_id`` names."""
    client = _client(flow, flow.hint)
    presented = flow.parameters.get("post_logout_redirect_uri")
    if client is not None:
        flow.client = client
    if presented is None:
        return
    if client is None:
        raise InvalidRequest("post_logout_redirect_uri needs id_token_hint or client_id")
    matched = matching(client.post_logout_redirect_uris, presented, native=client.is_native)
    if matched is None:
        raise InvalidRequest("post_logout_redirect_uri is not registered for this application")
    flow.redirect_uri = matched


def _client(flow: Flow, hint: Claims | None) -> Client | None:
    named = flow.parameters.get("client_id")
    hinted = hint.audience[0] if hint is not None and hint.audience else None
    if named is not None and hinted is not None and named != hinted:
        raise InvalidRequest("client_id differs from the audience of id_token_hint")
    client_id = named or hinted
    client = flow.catalogue.clients.get(client_id) if client_id else None
    if client_id is not None and client is None:
        raise InvalidRequest("no application is registered under this client_id")
    return client


async def signed_out(flow: Flow) -> Response:
    """Sign out, at once or after asking, and go back to the application."""
    sign_in = flow.sign_in
    if sign_in is not None:
        proven = flow.hint is not None and flow.hint.get("sid") == sign_in.sid
        if not proven and not flow.interacted:
            return asking.to_sign_out(flow)
        await flow.service.sessions.sign_out(sign_in.sid, flow.now)
        log_event("signed_out", sid=sign_in.sid)
    response = _after(flow)
    cookies.forget_sign_in(response, flow.service.settings)
    return response


def _after(flow: Flow) -> Response:
    if flow.redirect_uri is None:
        return flow.service.pages.signed_out(flow.request)
    uri, state = flow.redirect_uri, flow.parameters.get("state")
    if state is not None:
        uri += ("&" if "?" in uri else "?") + urlencode({"state": state}, quote_via=quote)
    return Response(status_code=303, headers={"Location": uri})


def refuse_as_page(flow: Flow, error: OAuthError) -> Response:
    """A page of ours; never a redirect."""
    return flow.service.pages.refusal(flow.request, error)
