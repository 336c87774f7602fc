"""Where a request may bring its token: the Authorization header, and three other places by choice. Pure."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl

from mintmark.errors import ConfigurationError, ErrorCode, MintmarkError
from mintmark.resource_server.credentials import (
    B64TOKEN,
    Credentials,
    MalformedCredentials,
    Request,
    from_authorization,
)

__all__ = [
    "AuthorizationHeader",
    "CsrfSuspected",
    "HostCookie",
    "Location",
    "QueryParameter",
    "WebSocketProtocol",
    "find_credentials",
]

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110 9.2.1
_ORIGIN = re.compile(r"https?://[a-z0-9.\-:\[\]]+")


class CsrfSuspected(MintmarkError):
    """A cookie came along with a request that another site may have caused."""

    default_code = ErrorCode.CSRF_SUSPECTED


class Location(Protocol):
    """A place to look for the token."""

    @property
    def bearer_method(self) -> str | None:
        """The place's name in the resource's metadata (RFC 9728 2), if it has one."""
        ...

    def find(self, request: Request, schemes: Sequence[str]) -> Credentials | None:
        """Return the token that is there, or None.

        :raises MalformedCredentials: it is there twice, or garbled. :raises CsrfSuspected: see its class.
        """
        ...


@dataclass(frozen=True, slots=True)
class AuthorizationHeader:
    """``Authorization: Bearer …`` (RFC 6750 2.1): the default, and the only place for DPoP."""

    bearer_method = "header"

    def find(self, request: Request, schemes: Sequence[str]) -> Credentials | None:
        """Return the token of the header."""
        return from_authorization(request, schemes)


@dataclass(frozen=True, slots=True)
class HostCookie:
    """A ``__Host-`` cookie, for browser apps of the same origin; guarded against cross-site requests.

    A browser adds cookies to whatever any site makes it send. So a request that can change something must
    come from this origin by its Fetch Metadata (where the browser sends them) and repeat in a header the
    value of a second cookie, which only this origin can read. A WebSocket, which can carry no such header,
    must name an allowed origin.

    :param name: the cookie with the token; set it ``HttpOnly; Secure; SameSite=Lax; Path=/``.
    :param csrf_name: the cookie with a random value that the page's script repeats in ``csrf_header``.
    :param origins: the origins whose pages may open WebSockets: ``("https://app.example.com",)``.
    :raises ConfigurationError: a cookie without the prefix, which a neighbouring host could set.
    """

    name: str = "__Host-access"
    csrf_name: str = "__Host-csrf"
    csrf_header: str = "x-csrf-token"
    origins: tuple[str, ...] = ()

    bearer_method = None

    def __post_init__(self) -> None:
        if not (self.name.startswith("__Host-") and self.csrf_name.startswith("__Host-")):
            raise ConfigurationError(
                "Both cookies need the prefix __Host-: without it other hosts can set them."
            )
        if not all(_ORIGIN.fullmatch(origin) for origin in self.origins):
            raise ConfigurationError(
                "origins are scheme and host, in lower case, without a slash at the end."
            )

    def find(self, request: Request, schemes: Sequence[str]) -> Credentials | None:
        """Return the token of the cookie, if the request is one of this origin's own."""
        token = _cookie(request, self.name)
        if token is None:
            return None
        if "websocket" in (value.lower() for value in request.values("upgrade")):
            self._check_origin(request)
        elif request.method not in _SAFE_METHODS:
            self._check_site(request)
        return Credentials("bearer", _plain(token))

    def _check_origin(self, request: Request) -> None:
        origins = request.values("origin")
        if len(origins) != 1 or origins[0] not in self.origins:
            raise CsrfSuspected(
                "The WebSocket was opened by a page of another origin.",
                claim="origin",
                expected=list(self.origins),
                actual=list(origins)[:2],
                hint="HostCookie(origins=…) names the origins whose pages may.",
            )

    def _check_site(self, request: Request) -> None:
        sites = request.values("sec-fetch-site")
        if sites and list(sites) != ["same-origin"]:
            raise CsrfSuspected(
                "The request was caused by another site.", claim="sec-fetch-site", expected="same-origin"
            )
        cookie, headers = _cookie(request, self.csrf_name), request.values(self.csrf_header)
        if not cookie or len(headers) != 1 or not hmac.compare_digest(_octets(cookie), _octets(headers[0])):
            raise CsrfSuspected(
                "The request does not repeat the value of the CSRF cookie.",
                claim=self.csrf_header,
                hint=f"The page copies the cookie {self.csrf_name} into the header {self.csrf_header}.",
            )


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """``?access_token=…`` (RFC 6750 2.3): for players that can send no header, and for nothing else.

    URLs end up in logs, histories and Referer headers, and the token with them: give such tokens a life of
    seconds, and answer with ``Cache-Control: private``. A ResourceServer warns when it is told to look here.
    """

    name: str = "access_token"

    bearer_method = "query"

    def find(self, request: Request, schemes: Sequence[str]) -> Credentials | None:
        """Return the token of the query."""
        query = request.url.partition("?")[2]
        if self.name not in query:
            return None
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=1000)
        except ValueError:
            raise MalformedCredentials("The query cannot be read.") from None
        found = [value for name, value in pairs if name == self.name]
        if len(found) > 1:
            raise MalformedCredentials("The query holds two tokens.", expected=1, actual=len(found))
        return Credentials("bearer", _plain(found[0])) if found else None


@dataclass(frozen=True, slots=True)
class WebSocketProtocol:
    """A WebSocket subprotocol ``bearer.<token>``: a browser's WebSocket can send no other header.

    The page offers two, ``new WebSocket(url, ["chat", "bearer." + token])``; accept the first of them.
    """

    prefix: str = "bearer."

    bearer_method = None

    def find(self, request: Request, schemes: Sequence[str]) -> Credentials | None:
        """Return the token among the offered subprotocols."""
        offered = [
            name.strip() for value in request.values("sec-websocket-protocol") for name in value.split(",")
        ]
        found = [name.removeprefix(self.prefix) for name in offered if name.startswith(self.prefix)]
        if len(found) > 1:
            raise MalformedCredentials("The subprotocols hold two tokens.", expected=1, actual=len(found))
        return Credentials("bearer", _plain(found[0])) if found else None


def find_credentials(
    request: Request, locations: Sequence[Location], schemes: Sequence[str]
) -> Credentials | None:
    """Return the request's one token, or None.

    :raises MalformedCredentials: it brings tokens in two places (RFC 6750 2).
    :raises CsrfSuspected: it brings a cookie that another site may have sent along.
    """
    found = [credentials for place in locations if (credentials := place.find(request, schemes)) is not None]
    if len(found) > 1:
        raise MalformedCredentials("The request brings tokens in two places.", expected=1, actual=len(found))
    return found[0] if found else None


def _cookie(request: Request, name: str) -> str | None:
    """Return a cookie's value (RFC 6265 4.2.1)."""
    pairs = [pair.strip().partition("=") for value in request.values("cookie") for pair in value.split(";")]
    found = [value for known, _, value in pairs if known == name]
    if len(found) > 1:
        raise MalformedCredentials(f"The request has two cookies {name}.", expected=1, actual=len(found))
    return found[0] if found else None


def _plain(token: str) -> str:
    if not B64TOKEN.fullmatch(token):
        raise MalformedCredentials("What stands in the token's place is no token.")
    return token


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
