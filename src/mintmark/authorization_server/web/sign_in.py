"""Signing in with username and password.

The same answer for a wrong password and an unknown name. What was typed as a username is never logged,
since people type passwords there too.
"""

from __future__ import annotations

import math

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mintmark.authorization_server.access_log import tell
from mintmark.authorization_server.logs import log_event
from mintmark.authorization_server.oauth.authorize import known_client, registered_redirect_uri
from mintmark.authorization_server.oauth.endpoint import read_form, walk
from mintmark.authorization_server.oauth.flow import Flow, network_of
from mintmark.authorization_server.oauth.parameters import Parameters
from mintmark.authorization_server.oauth.steps import recall_sign_in
from mintmark.authorization_server.oauth.table import AUTHORIZE
from mintmark.authorization_server.people import Overtaken, PeopleBusy, Recognised, SlowDown
from mintmark.authorization_server.sessions import Beginning
from mintmark.authorization_server.storage.records import Person
from mintmark.authorization_server.web import asking, cookies, forms

__all__ = ["show_sign_in", "sign_in"]


async def show_sign_in(request: Request) -> Response:
    """Show the page by itself, for whoever comes without an application."""
    flow = Flow.of(request, Parameters())
    await recall_sign_in(flow)
    if flow.sign_in is not None:
        return RedirectResponse("/", status_code=303)
    return asking.to_sign_in(flow)


async def sign_in(request: Request) -> Response:
    """Check what the form says; then go on with the request that it carries."""
    form = Parameters.parse(await read_form(request))
    flow = Flow.of(request, Parameters.parse(form.get("request", "").encode("utf-8")))
    if flow.parameters.text:
        await known_client(flow)
        await registered_redirect_uri(flow)
    settings = flow.service.settings
    try:
        forms.check(request, settings, form.get("token", ""), asking.SIGN_IN, flow.parameters.text)
    except forms.ForgedForm as error:
        log_event("form_refused", route="/sign-in", detail=str(error))
        return asking.to_sign_in(flow, status=403, username=form.get("username"), kind="stale")
    username, password = form.get("username"), form.get("password")
    if username is None or password is None:
        kind = "no_username" if username is None else "no_password"
        return asking.to_sign_in(flow, status=422, username=username or "", kind=kind)
    device = cookies.device_of(request, settings)
    try:
        outcome = await flow.service.people.check_password(
            username, password, network=network_of(request), now=flow.now, device=device
        )
    except PeopleBusy as busy:
        return _later(flow, username, 503, "busy", busy.retry_after)
    if isinstance(outcome, SlowDown):
        log_event("sign_in_slowed_down", network=network_of(request))
        return _later(flow, username, 429, "slow_down", outcome.retry_after)
    if outcome is None:
        log_event("sign_in_refused", network=network_of(request))
        return asking.to_sign_in(flow, status=422, username=username, kind="wrong")
    return await _welcome(flow, outcome)


async def _welcome(flow: Flow, recognised: Recognised) -> Response:
    """Begin the session, renew the cookie, and answer the request that was waiting."""
    settings, person = flow.service.settings, recognised.person
    beginning = flow.service.sessions.beginning(
        person.person_id,
        flow.now,
        amr=("pwd",),
        replacing=cookies.sign_in_of(flow.request, settings),
        also=recognised.settle,
    )
    try:
        response = await _go_on(flow, person, beginning)
    except Overtaken:
        log_event("sign_in_overtaken", person_id=person.person_id)
        return asking.to_sign_in(flow, status=422, username=person.username, kind="wrong")
    cookies.keep_sign_in(response, settings, beginning.cookie)
    cookies.keep_device(response, settings, flow.service.people.device_token(person.person_id))
    return response


async def _go_on(flow: Flow, person: Person, beginning: Beginning) -> Response:
    """Answer the request that was waiting. By then the sign-in is on disk: with its code, if it led to one.

    :raises Overtaken: see :class:`.people.Recognised`.
    """
    sessions, sign_in = flow.service.sessions, beginning.sign_in
    flow.interacted, flow.person, flow.beginning = True, person, beginning
    if beginning.replaces:
        sign_in, flow.beginning = await sessions.sign_in(beginning), None
    flow.sign_in = sign_in
    response = await walk(AUTHORIZE, flow) if flow.parameters.text else RedirectResponse("/", status_code=303)
    if flow.beginning is not None:  # the request did not lead to a code
        await sessions.sign_in(beginning)
    tell(flow.request.scope, "signed_in", {"person_id": person.person_id, "sid": sign_in.sid})
    return response


def _later(flow: Flow, username: str, status: int, kind: str, seconds: float) -> Response:
    response = asking.to_sign_in(flow, status=status, username=username, kind=kind, seconds=seconds)
    response.headers["Retry-After"] = str(max(1, math.ceil(seconds)))
    return response
