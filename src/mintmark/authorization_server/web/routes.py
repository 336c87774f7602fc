"""The pages that people post to: sign in, consent, notice, sign out, home."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mintmark.authorization_server.logs import log_event
from mintmark.authorization_server.oauth.endpoint import read_form, walk
from mintmark.authorization_server.oauth.errors import OAuthError
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.oauth.parameters import Parameters
from mintmark.authorization_server.oauth.service import service_of
from mintmark.authorization_server.oauth.steps import recall_sign_in
from mintmark.authorization_server.oauth.table import AUTHORIZE, END_SESSION
from mintmark.authorization_server.people import PeopleBusy
from mintmark.authorization_server.storage import StorageUnavailable
from mintmark.authorization_server.web import asking, forms
from mintmark.authorization_server.web.pages import STATIC
from mintmark.authorization_server.web.sign_in import show_sign_in, sign_in

__all__ = ["page_routes"]

Handler = Callable[[Request], Awaitable[Response]]


def _friendly(handler: Handler) -> Handler:
    """Turn what can go wrong with a post into a page in plain words."""

    async def handled(request: Request) -> Response:
        pages = service_of(request).pages
        try:
            return await handler(request)
        except forms.ForgedForm as error:
            log_event("form_refused", route=request.url.path, detail=str(error))
            return pages.problem(
                403,
                "Please start again",
                "This page was not sent by the form we showed you. Go back to the application and try once "
                "more. If it happens again, check that your browser accepts cookies.",
            )
        except OAuthError as error:
            return pages.refusal(request, error)
        except (PeopleBusy, StorageUnavailable) as error:
            log_event("busy", route=request.url.path, detail=str(error))
            return pages.problem(
                503, "Busy just now", "Many people are signing in. Try again in a few seconds.", retry_after=2
            )

    return handled


async def _posted(request: Request) -> tuple[Parameters, Flow]:
    """Read a form of ours and the endpoint's request that it carries."""
    form = Parameters.parse(await read_form(request))
    flow = Flow.of(request, Parameters.parse(form.get("request", "").encode("utf-8")))
    await recall_sign_in(flow)
    return form, flow


def _check(flow: Flow, form: Parameters, purpose: str, *more: str) -> None:
    sid = flow.sign_in.sid if flow.sign_in else ""
    content = (flow.parameters.text, sid, *more)
    forms.check(flow.request, flow.service.settings, form.get("token", ""), purpose, *content)
    flow.interacted = True


async def _consent(request: Request) -> Response:
    """The person allows or denies."""
    form, flow = await _posted(request)
    _check(flow, form, asking.CONSENT)
    flow.consent = form.get("decision") == "allow"
    log_event("consent", client_id=flow.parameters.get("client_id"), allowed=flow.consent)
    return await walk(AUTHORIZE, flow)


async def _notice(request: Request) -> Response:
    """The person has read what we had to tell."""
    form, flow = await _posted(request)
    up_to = form.get("up_to", "0")
    _check(flow, form, asking.NOTICE, up_to)
    if flow.sign_in is not None:
        await flow.service.sessions.mark_seen(flow.sign_in.person_id, up_to=int(up_to))
    return await walk(AUTHORIZE, flow)


async def _sign_out(request: Request) -> Response:
    """The person wants to sign out; with a form of ours it is done."""
    if request.method != "POST":
        flow = Flow.of(request, Parameters())
        await recall_sign_in(flow)
        return asking.to_sign_out(flow) if flow.sign_in else RedirectResponse("/", status_code=303)
    form, flow = await _posted(request)
    if flow.sign_in is not None:
        _check(flow, form, asking.SIGN_OUT)
    return await walk(END_SESSION, flow)


async def _home(request: Request) -> Response:
    """Who is signed in here, and what they have not been told yet."""
    flow = Flow.of(request, Parameters())
    await recall_sign_in(flow)
    service, sign_in = flow.service, flow.sign_in
    person = await service.people.find(sign_in.person_id) if sign_in else None
    if sign_in is None or person is None:
        return service.pages.page("home.html", person=None)
    notices = await service.sessions.notices(person.person_id)
    if notices:
        await service.sessions.mark_seen(person.person_id, up_to=max(notice.notice_id for notice in notices))
    told = asking.lines(flow, notices)
    return service.pages.page("home.html", person=person, sign_in=sign_in, notices=told)


async def _static(request: Request) -> Response:
    content, media_type = STATIC[request.url.path.rpartition("/")[2]]
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=media_type, headers=headers)


def page_routes() -> list[Route]:
    """Return the routes of all pages."""
    return [
        Route("/", _friendly(_home), methods=["GET"]),
        Route("/sign-in", _friendly(show_sign_in), methods=["GET"]),
        Route("/sign-in", _friendly(sign_in), methods=["POST"]),
        Route("/consent", _friendly(_consent), methods=["POST"]),
        Route("/notice", _friendly(_notice), methods=["POST"]),
        Route("/sign-out", _friendly(_sign_out), methods=["GET", "POST"]),
        *(Route(f"/static/{name}", _static, methods=["GET"]) for name in STATIC),
    ]
