"""Tokens in cookies, queries and WebSocket subprotocols, and what guards them."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from mintmark.errors import ConfigurationError, ErrorCode
from mintmark.resource_server import (
    AuthorizationHeader,
    HostCookie,
    Location,
    QueryParameter,
    Refusal,
    ResourceServer,
    SimpleRequest,
    WebSocketProtocol,
)
from resource_server.test_binding import server, token

T = token()
COOKIE = HostCookie(origins=("https://app.example.com",))
EVERYWHERE: tuple[Location, ...] = (AuthorizationHeader(), COOKIE, QueryParameter(), WebSocketProtocol())
ACCESS = f"theme=dark; __Host-access={T}"
SAME = f"{ACCESS}; __Host-csrf=r4nd0m"
SOCKET = [("Upgrade", "websocket")]


def ask(*headers: tuple[str, str], locations: Any = EVERYWHERE, **request: Any) -> str | int:
    """Return 200 or the reason of the refusal."""
    try:
        orders(locations).check(SimpleRequest(headers, **request))
    except Refusal as refused:
        return str(refused.code)
    return 200


def orders(locations: Any) -> ResourceServer:
    return server(locations=locations)


GOOD = [
    ([("Cookie", ACCESS)], {}),
    ([("Cookie", ACCESS), ("Sec-Fetch-Site", "cross-site")], {"method": "HEAD"}),
    ([("Cookie", SAME), ("X-CSRF-Token", "r4nd0m")], {"method": "POST"}),
    ([("Cookie", SAME), ("X-CSRF-Token", "r4nd0m"), ("Sec-Fetch-Site", "same-origin")], {"method": "DELETE"}),
    ([("Cookie", ACCESS), *SOCKET, ("Origin", "https://app.example.com")], {}),
    ([], {"url": f"/file?a=b&access_token={T}"}),
    ([("Sec-WebSocket-Protocol", f"chat, bearer.{T}")], {}),
    ([("Sec-WebSocket-Protocol", "chat"), ("Sec-WebSocket-Protocol", f"bearer.{T}")], {}),
]


@pytest.mark.parametrize(("headers", "request_"), GOOD)
def test_a_token_is_found_where_it_was_chosen_to_be(headers: Any, request_: Any) -> None:
    assert ask(*headers, **request_) == 200
    assert ask(*headers, **request_, locations=(AuthorizationHeader(),)) == "credentials_missing"


SUSPECTED = [
    ([("Cookie", ACCESS)], {"method": "POST"}),
    ([("Cookie", SAME)], {"method": "POST"}),
    ([("Cookie", ACCESS), ("X-CSRF-Token", "r4nd0m")], {"method": "POST"}),
    ([("Cookie", f"{ACCESS}; __Host-csrf="), ("X-CSRF-Token", "")], {"method": "POST"}),
    ([("Cookie", SAME), ("X-CSRF-Token", "r4nd0")], {"method": "PUT"}),
    ([("Cookie", SAME), ("X-CSRF-Token", "r4nd0m"), ("X-CSRF-Token", "x")], {"method": "PATCH"}),
    ([("Cookie", SAME), ("X-CSRF-Token", "r4nd0m"), ("Sec-Fetch-Site", "cross-site")], {"method": "POST"}),
    ([("Cookie", SAME), ("X-CSRF-Token", "r4nd0m"), ("Sec-Fetch-Site", "same-site")], {"method": "POST"}),
    ([("Cookie", SAME), ("X-CSRF-Token", "r4nd0m"), ("Sec-Fetch-Site", "none")], {"method": "POST"}),
    ([("Cookie", ACCESS), *SOCKET], {}),
    ([("Cookie", ACCESS), *SOCKET, ("Origin", "https://evil.example")], {}),
    ([("Cookie", ACCESS), *SOCKET, ("Origin", "https://app.example.com.evil.example")], {}),
    ([("Cookie", ACCESS), *SOCKET, ("Origin", "null")], {}),
]


@pytest.mark.parametrize(("headers", "request_"), SUSPECTED)
def test_a_cookie_alone_changes_nothing(headers: Any, request_: Any) -> None:
    assert ask(*headers, **request_) == "csrf_suspected"


def test_a_suspected_request_is_a_403_without_challenge() -> None:
    with pytest.raises(Refusal) as caught:
        orders(EVERYWHERE).check(SimpleRequest({"Cookie": ACCESS}, method="POST"))
    assert (caught.value.status, caught.value.challenge) == (403, None)
    assert json.loads(caught.value.body)["error"] == "access_denied"
    assert caught.value.code is ErrorCode.CSRF_SUSPECTED


MALFORMED = [
    ([("Cookie", f"{ACCESS}; __Host-access=x")], {}),
    ([("Cookie", ACCESS), ("Cookie", "__Host-access=x")], {}),
    ([("Cookie", "__Host-access=")], {}),
    ([("Cookie", '__Host-access="x"')], {}),
    ([], {"url": f"/?access_token={T}&access_token={T}"}),
    ([], {"url": "/?access_token="}),
    ([], {"url": "/?access_token=a%20b"}),
    ([], {"url": "/?access_token=" + "&a=b" * 2000}),
    ([("Sec-WebSocket-Protocol", f"bearer.{T}, bearer.{T}")], {}),
    ([("Sec-WebSocket-Protocol", "bearer.")], {}),
    ([("Cookie", ACCESS), ("Authorization", f"Bearer {T}")], {}),
    ([("Cookie", ACCESS)], {"url": f"/?access_token={T}"}),
]


@pytest.mark.parametrize(("headers", "request_"), MALFORMED)
def test_two_tokens_or_none_where_one_should_be_are_refused(headers: Any, request_: Any) -> None:
    assert ask(*headers, **request_) == "credentials_malformed"


@pytest.mark.parametrize(
    "options", [{"name": "access"}, {"csrf_name": "csrf"}, {"origins": ("https://a.example/",)}]
)
def test_a_cookie_that_others_could_set_is_refused_at_once(options: Any) -> None:
    with pytest.raises(ConfigurationError):
        HostCookie(**options)


def test_P2_the_query_is_a_choice_with_a_warning_and_in_the_metadata(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        chosen = orders((AuthorizationHeader(), QueryParameter()))
    assert "logs and histories" in caplog.text
    assert chosen.metadata is not None
    assert json.loads(chosen.metadata.document())["bearer_methods_supported"] == ["header", "query"]


def test_an_optional_token_must_be_good_and_unsuspected() -> None:
    site = orders((COOKIE,))
    assert site.check_optional(SimpleRequest()) is None
    assert site.check_optional(SimpleRequest({"Cookie": ACCESS})) is not None
    with pytest.raises(Refusal):
        site.check_optional(SimpleRequest({"Cookie": ACCESS}, method="POST"))
