"""Everything an endpoint may use, in one value that the start of the application assembles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field
from starlette.requests import Request

from mintmark.authorization_server.claims import Wanted
from mintmark.authorization_server.keys import SigningKeys
from mintmark.authorization_server.oauth.attempts import Attempts
from mintmark.authorization_server.oauth.catalogue import Catalogue
from mintmark.authorization_server.oauth.documents import Documents
from mintmark.authorization_server.oauth.tokens import TokenMint
from mintmark.authorization_server.people import People
from mintmark.authorization_server.registrations import Client
from mintmark.authorization_server.registry import Registry
from mintmark.authorization_server.revocation import DenyLog, StatusIndexes, StatusLists
from mintmark.authorization_server.sessions import RefreshPolicy, Sessions
from mintmark.authorization_server.settings import Settings
from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.web.pages import Pages

__all__ = ["Service", "service_of"]


class Service(Struct, frozen=True):
    """The running service.

    :param extra_claims: what the operator's rules and hook add to a token or an answer.
    :param stopping: set when the process is asked to stop, so that open feeds end by themselves.
    :param heartbeat: seconds between two signs of life on a quiet feed.
    """

    settings: Settings
    registry: Registry
    database: Database
    keys: SigningKeys
    deny_log: DenyLog
    status_indexes: StatusIndexes
    status_lists: StatusLists
    sessions: Sessions
    people: People
    mint: TokenMint
    pages: Pages
    clock: Callable[[], float]
    extra_claims: Callable[[Wanted], Mapping[str, Any]]
    heartbeat: float = 15.0
    attempts: Attempts = field(default_factory=Attempts)
    documents: Documents = field(default_factory=Documents)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def catalogue(self) -> Catalogue:
        """Who is registered now."""
        return self.registry.catalogue

    def refresh_policy(self, client: Client) -> RefreshPolicy | None:
        """Return the rules for a client's refresh tokens, or ``None`` when it gets none."""
        if "refresh_token" not in client.grants:
            return None
        tokens = self.settings.tokens
        return RefreshPolicy(
            idle=tokens.refresh_idle,
            absolute=tokens.refresh_absolute,
            grace=tokens.refresh_grace,
            rotate=client.rotate_refresh_tokens,
        )


def service_of(request: Request) -> Service:
    """Return the service that a request came to."""
    service: Service = request.scope["app"].service
    return service
