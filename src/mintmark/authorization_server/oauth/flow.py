"""What is known of one request so far: each step of an endpoint reads it and adds to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from mintmark.authorization_server.oauth.catalogue import Catalogue
from mintmark.authorization_server.oauth.parameters import Parameters
from mintmark.authorization_server.oauth.service import Service, service_of
from mintmark.authorization_server.people import slow_down
from mintmark.authorization_server.registrations import Client
from mintmark.authorization_server.sessions import Beginning
from mintmark.authorization_server.storage.records import Person, SignIn
from mintmark.jwt import Claims

__all__ = ["Flow", "Step", "network_of"]


@dataclass(slots=True)
class Flow:
    """One request on its way through the steps of an endpoint.

    A field without a default does not exist until its step has run, so that a step which was forgotten in the
    table is an error and never a wrong answer.

    :param catalogue: who is registered; a change takes effect with the next request.
    :param interacted: the person has just answered our page for this very request, so ``prompt`` and
        ``max_age`` are satisfied.
    :param consent: what the person answered on the consent page, if asked.
    :param beginning: the sign-in, as long as it has not been written: it is written with the code.
    """

    request: Request
    service: Service
    catalogue: Catalogue
    now: float
    parameters: Parameters
    interacted: bool = False
    consent: bool | None = None
    redirect_uri: str | None = None
    sign_in: SignIn | None = None
    beginning: Beginning | None = None
    hint: Claims | None = None
    client: Client = field(init=False)
    code_challenge: str = field(init=False)
    scope: tuple[str, ...] = field(init=False)
    audiences: tuple[str, ...] = field(init=False)
    person: Person = field(init=False)
    claims: Claims = field(init=False)

    @classmethod
    def of(cls, request: Request, parameters: Parameters) -> Flow:
        """Begin with a request and its parameters."""
        service = service_of(request)
        return cls(request, service, service.registry.catalogue, service.clock(), parameters)

    @property
    def prompt(self) -> tuple[str, ...]:
        """The values of ``prompt`` (OpenID Connect Core 3.1.2.1)."""
        return self.parameters.words("prompt")

    @property
    def known_client(self) -> Client | None:
        """The client, when the request has come that far: for logs and error pages."""
        return getattr(self, "client", None)


Step = Callable[[Flow], Awaitable[Response | None]]
"""One named check or deed; the first that returns a response ends the walk."""


def network_of(request: Request) -> str:
    """Return the network of the caller."""
    client = request.scope.get("client")
    return slow_down.network_of(client[0] if client else "")
