"""``/status-lists`` (draft-ietf-oauth-status-list): how access tokens stand, for verifiers that are not ours.

The lists say nothing about whom a token is of, so everybody may read them, from every page (8.1).
"""

from __future__ import annotations

from starlette.responses import Response

from mintmark.authorization_server.oauth.documents import Document
from mintmark.authorization_server.oauth.errors import InvalidGrant, InvalidRequest
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.revocation import STATUS_LIST_TTL, list_number
from mintmark.authorization_server.storage.records import Grant
from mintmark.jwt import StatusReference

__all__ = ["as_of_now", "list_of_lists", "signed_list", "status_of"]

_FOR_ALL = {"Access-Control-Allow-Origin": "*"}


class _NoSuchList(InvalidRequest):
    """No token points there."""

    status = 404


class _NoHistory(InvalidRequest):
    """Who asks how a token stood once could follow a person (12.7)."""

    status = 501  # 8.4


async def status_of(flow: Flow, audience: str, grant: Grant | None = None) -> StatusReference | None:
    """Return where the status of a new access token will stand; None where its audience wants no such thing.

    All tokens of a grant share one place, given with the first of them; every other token has its own.

    :raises InvalidGrant: the grant has ended meanwhile.
    """
    service = flow.service
    if not flow.catalogue.wants_status(audience):
        return None
    index = grant.status_index if grant is not None else None
    if index is None:
        index = await service.status_indexes.take(flow.now)
        if grant is not None:
            index = await service.sessions.give_status_index(grant, index)
        if index is None:
            raise InvalidGrant("the grant has ended")
    return service.status_lists.reference(index)


async def as_of_now(flow: Flow) -> None:
    """A list is told as it is now, and never as it was."""
    if "time" in flow.parameters:
        raise _NoHistory("the parameter time is not supported")


async def list_of_lists(flow: Flow) -> Response:
    """The addresses of all lists that a token may point to (9.3)."""
    addresses = await flow.service.status_lists.in_use()
    document = flow.service.documents.of(
        list_of_lists, (addresses,), lambda: Document.of({"status_lists": addresses}, STATUS_LIST_TTL)
    )
    response = document.answer(flow.request)
    response.headers.update(_FOR_ALL)
    return response


async def signed_list(flow: Flow) -> Response:
    """One list (8.2). There is no ETag: when it may be asked for again, it has been signed again."""
    number = list_number(flow.request.path_params.get("number", ""))
    token = None if number is None else await flow.service.status_lists.signed(number, flow.now)
    if token is None:
        raise _NoSuchList("there is no such status list")
    return Response(
        token,
        media_type="application/statuslist+jwt",
        headers={**_FOR_ALL, "Cache-Control": f"public, max-age={STATUS_LIST_TTL}"},
    )
