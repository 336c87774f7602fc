"""What one connection does: follow its refresh token, or sign somebody in."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from load import Answer, expect, get, post
from ours import CALLBACK, PASSWORD, VERIFIER

from mintmark.authorization_server.sessions.tokens import b64url_sha256

__all__ = ["Refreshing", "SigningIn"]


class Refreshing:
    """One grant: each refresh presents the token that the last one gave."""

    def __init__(self, port: int, token: str, path: str = "/token") -> None:
        self._port = port
        self._path = path
        self.token = token

    def request(self) -> bytes:
        """See :class:`load.Caller`."""
        form = {"grant_type": "refresh_token", "refresh_token": self.token, "client_id": "app"}
        return post(self._port, self._path, form)

    def answered(self, answer: Answer) -> bool:
        """See :class:`load.Caller`."""
        expect(answer, 200)
        token = str(answer.json()["refresh_token"])
        if token == self.token:
            raise RuntimeError("a refresh did not rotate")
        self.token = token
        return True


_TOKEN = re.compile(rb'name="token" value="([^"]*)"')
_REQUEST = re.compile(rb'name="request" value="([^"]*)"')
_QUERY = urlencode(
    {
        "client_id": "app",
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid offline_access orders:read",
        "code_challenge": b64url_sha256(VERIFIER),
        "code_challenge_method": "S256",
        "state": "a-state-of-the-application",
    },
    quote_via=quote,
)


class SigningIn:
    """A new browser each time: the page, the password, and if asked the code for its tokens."""

    def __init__(self, port: int, username: str, *, redeeming: bool = False) -> None:
        self._port = port
        self._username = username
        self._redeeming = redeeming
        self._next: Callable[[], bytes] = self._page
        self._cookie = self._form_token = self._form_request = self._code = ""

    def request(self) -> bytes:
        """See :class:`load.Caller`."""
        return self._next()

    def answered(self, answer: Answer) -> bool:
        """See :class:`load.Caller`."""
        if self._next == self._page:
            self._read_page(answer)
            self._next = self._password
            return False
        if self._next == self._password:
            expect(answer, 303)
            location = answer.header("location") or ""
            self._code = parse_qs(urlsplit(location).query)["code"][0]
            self._next = self._redemption if self._redeeming else self._page
            return not self._redeeming
        expect(answer, 200)
        self._next = self._page
        return True

    def _read_page(self, answer: Answer) -> None:
        expect(answer, 200)
        self._cookie = (answer.header("set-cookie") or "").partition(";")[0]
        token, request = _TOKEN.search(answer.body), _REQUEST.search(answer.body)
        if token is None or request is None:
            raise RuntimeError("this is not the page for signing in")
        self._form_token, self._form_request = token[1].decode(), unescape(request[1].decode())

    def _page(self) -> bytes:
        return get(self._port, f"/authorize?{_QUERY}")

    def _password(self) -> bytes:
        form = {
            "request": self._form_request,
            "token": self._form_token,
            "username": self._username,
            "password": PASSWORD,
        }
        return post(self._port, "/sign-in", form, Cookie=self._cookie)

    def _redemption(self) -> bytes:
        form = {
            "grant_type": "authorization_code",
            "code": self._code,
            "code_verifier": VERIFIER,
            "redirect_uri": CALLBACK,
            "client_id": "app",
        }
        return post(self._port, "/token", form)
