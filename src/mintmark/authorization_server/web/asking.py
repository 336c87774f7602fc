"""The pages on which an endpoint asks the person something; each form brings the endpoint's request back
with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import Response

from mintmark.authorization_server.oauth.redirect_uris import form_action_source

if TYPE_CHECKING:
    from mintmark.authorization_server.oauth.flow import Flow
    from mintmark.authorization_server.storage.records import Notice

__all__ = [
    "CONSENT",
    "NOTICE",
    "SIGN_IN",
    "SIGN_OUT",
    "lines",
    "to_consent",
    "to_sign_in",
    "to_sign_out",
    "to_take_notice",
]

SIGN_IN, CONSENT, NOTICE, SIGN_OUT = "sign-in", "consent", "notice", "sign-out"

_IN_WORDS = {
    "openid": "Recognise you when you come back",
    "profile": "See your name and username",
    "email": "See your email address",
    "offline_access": "Stay connected while you are away, until you or it ends that",
}


def to_sign_in(flow: Flow, *, status: int = 200, username: str | None = None, **problem: object) -> Response:
    """Ask for username and password, for the application that sent the person here."""
    client = flow.known_client
    return flow.service.pages.form(
        flow.request,
        "sign_in.html",
        status=status,
        form_action=_targets(flow),
        purpose=SIGN_IN,
        content=(flow.parameters.text,),
        request_text=flow.parameters.text,
        application=client.display_name if client else None,
        username=username if username is not None else flow.parameters.get("login_hint", ""),
        problem=problem or None,
    )


def to_consent(flow: Flow) -> Response:
    """Ask whether an application may have what it asks for."""
    return flow.service.pages.form(
        flow.request,
        "consent.html",
        form_action=_targets(flow),
        purpose=CONSENT,
        content=(flow.parameters.text, _sid(flow)),
        request_text=flow.parameters.text,
        application=flow.client.display_name,
        destination=_destination(flow.redirect_uri or ""),
        person=flow.person,
        permissions=_in_words(flow),
    )


def to_take_notice(flow: Flow, notices: Iterable[Notice]) -> Response:
    """Tell the person that somebody used a copy of a token of theirs."""
    seen = tuple(notices)
    last = str(max(notice.notice_id for notice in seen))
    return flow.service.pages.form(
        flow.request,
        "notice.html",
        form_action=_targets(flow),
        purpose=NOTICE,
        content=(flow.parameters.text, _sid(flow), last),
        request_text=flow.parameters.text,
        up_to=last,
        notices=lines(flow, seen),
    )


def lines(flow: Flow, notices: Iterable[Notice]) -> list[tuple[str, float]]:
    """Return which application each notice is about, and when it was."""
    clients = flow.catalogue.clients
    known = [(clients.get(notice.client_id or ""), notice.at) for notice in notices]
    return [(client.display_name if client else "An application", at) for client, at in known]


def to_sign_out(flow: Flow) -> Response:
    """Ask whether the person wants to sign out: a link alone does not do it."""
    client = flow.known_client
    return flow.service.pages.form(
        flow.request,
        "sign_out.html",
        form_action=_targets(flow),
        purpose=SIGN_OUT,
        content=(flow.parameters.text, _sid(flow)),
        request_text=flow.parameters.text,
        application=client.display_name if client else None,
    )


def _sid(flow: Flow) -> str:
    return flow.sign_in.sid if flow.sign_in else ""


def _targets(flow: Flow) -> tuple[str, ...]:
    """Return where the answer to a form may lead: to the application, wherever it is registered.

    Every hop counts in Chromium, also those on which the application then sends the person from its callback.
    """
    client = flow.known_client
    if flow.redirect_uri is None or client is None:
        return ()
    addresses = (
        flow.redirect_uri,
        *client.redirect_uris,
        *client.post_logout_redirect_uris,
        *client.origins,
    )
    return tuple(dict.fromkeys(map(form_action_source, addresses)))


def _destination(uri: str) -> str:
    """Return where the person goes next, as they would recognise it."""
    parts = urlsplit(uri)
    return parts.netloc or f"an application on this device ({parts.scheme})"


def _in_words(flow: Flow) -> list[str]:
    """Return what the scope allows, one sentence each; a scope without a description is shown as it is."""
    sentences = [_IN_WORDS[scope] for scope in flow.scope if scope in _IN_WORDS]
    for audience in flow.audiences:
        resource = flow.catalogue.resources.get(audience)
        for scope in resource.scopes if resource else ():
            if resource is not None and scope in flow.scope:
                said = resource.descriptions.get(scope)
                sentences.append(said or f"Use “{scope}” at {resource.display_name}")
    return sentences
