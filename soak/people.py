"""The load: people with browsers, their clients, and services that speak for themselves.

Everybody does what a well-behaved client does: after a cut connection or a 503 it asks again, presents its
newest token, and lets nothing overtake. So whatever is refused, the service got wrong.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from ledger import Grant, Ledger

from mintmark.jwt import inspect

__all__ = ["CALLBACK", "Job", "NoAnswerError", "Person", "Tokens"]

CALLBACK = "http://127.0.0.1:9/callback"
_PATIENCE = 25.0  # seconds; below the grace of 30 within which a lost answer can be asked for again
_PAUSE = 0.25
_TIMEOUT = 20.0

Issued = Callable[[str, str], None]  # the kind of a token, and the token: whoever verifies takes it from here


class NoAnswerError(Exception):
    """The service did not answer in time: the ledger knows."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    id_token: str = field(repr=False)


class Line:
    """A connection to the service, and the watch on what comes back over it."""

    def __init__(self, url: str, ledger: Ledger, chance: random.Random) -> None:
        self.url, self.ledger, self.chance = url, ledger, chance
        limits = httpx.Limits(max_keepalive_connections=2, keepalive_expiry=1.0)
        self.http = httpx.AsyncClient(base_url=url, timeout=_TIMEOUT, limits=limits)

    async def once(self, kind: str, method: str, path: str, **more: Any) -> httpx.Response | None:
        """One request; None when the connection was cut, so that nobody knows what was done."""
        begun = time.monotonic()
        try:
            response = await self.http.request(method, path, **more)
        except httpx.TransportError:
            self.ledger.counts["answers lost"] += 1
            if time.monotonic() - begun >= _TIMEOUT:
                self.ledger.unanswered(kind, _TIMEOUT)
            return None
        self.ledger.counts[kind] += 1
        self.ledger.answered(
            kind,
            response.status_code,
            seconds=time.monotonic() - begun,
            retry_after="retry-after" in response.headers,
        )
        return response

    async def until_answered(self, kind: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask until there is an answer that is no «come back later»."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            response = await self.once(kind, method, path, **more)
            if response is not None and not _come_back_later(response):
                return response
            await asyncio.sleep(_PAUSE * self.chance.uniform(0.5, 1.5))
        self.ledger.unanswered(kind, _PATIENCE)
        raise NoAnswerError(kind)


class Person:
    """Somebody with a browser, who signs in, uses applications and signs out, again and again."""

    def __init__(
        self, name: str, password: str, line: Line, issued: Issued, resource: tuple[str, str]
    ) -> None:
        self._who = {"username": name, "password": password}
        self._line, self._ledger, self._chance = line, line.ledger, line.chance
        self._issued = issued
        self._resource = resource  # the credentials of the service that introspects
        self._sid: str | None = None
        self._verifier = ""
        self._left_open: list[tuple[str, httpx.Cookies]] = []  # browsers that nobody signed out in

    async def live(self, over: asyncio.Event) -> None:
        """Go on until it is over."""
        while not over.is_set():
            self._line.http.cookies.clear()
            self._sid = None
            held: list[tuple[Grant, Tokens]] = []
            for _ in range(self._chance.randint(1, 3)):
                if (grant := await self._use_application()) is not None:
                    held.append(grant)
            for _ in range(self._chance.randint(1, 6)):
                if held and not over.is_set():
                    await self._renew(self._chance.choice(held))
            await self._leave(held)

    # Signing in

    async def _use_application(self) -> tuple[Grant, Tokens] | None:
        redeeming = self._redeeming(await self._code())
        response = await self._line.once("code", "POST", "/token", data=redeeming)
        if response is not None and response.status_code == 400:
            self._ledger.code_refused()
        if response is None or _come_back_later(response):
            # Nobody knows whether the code was used: asking again may end what it gave.
            response = await self._line.until_answered("code", "POST", "/token", data=redeeming)
        if response.status_code != 200:
            return None
        tokens = self._take(response)
        said, claims = inspect(tokens.id_token).claims or {}, inspect(tokens.access_token).claims or {}
        self._sid = said["sid"]
        self._ledger.signed_in(said["sid"])
        return self._ledger.granted(claims["grant_id"], said["sid"], tokens.refresh_token), tokens

    async def _code(self) -> str:
        """Go through /authorize, and the sign-in page where it is shown."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            page = await self._line.once("authorize", "GET", f"/authorize?{self._request()}")
            if page is not None and page.status_code == 200:
                if self._sid is not None:
                    self._ledger.asked_to_sign_in(self._sid)
                page = await self._submit("sign-in", page, self._who)
            answer = _answer_of(page)
            if "code" in answer:
                return answer["code"]
            await asyncio.sleep(_PAUSE * self._chance.uniform(0.5, 1.5))
        self._ledger.unanswered("authorize", _PATIENCE)
        raise NoAnswerError("authorize")

    def _request(self) -> str:
        self._verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(self._verifier.encode()).digest()
        return urlencode(
            {
                "response_type": "code",
                "client_id": "app",
                "redirect_uri": CALLBACK,
                "scope": "openid orders:read",
                "state": "s",
                "nonce": "n",
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            }
        )

    def _redeeming(self, code: str) -> dict[str, str]:
        return {
            "grant_type": "authorization_code",
            "client_id": "app",
            "redirect_uri": CALLBACK,
            "code": code,
            "code_verifier": self._verifier,
        }

    async def _submit(self, kind: str, page: httpx.Response, values: dict[str, str]) -> httpx.Response | None:
        form = _Form()
        form.feed(page.text)
        data, headers = {**form.fields, **values}, {"Origin": self._line.url}
        return await self._line.once(kind, "POST", form.action, data=data, headers=headers)

    def _take(self, response: httpx.Response) -> Tokens:
        body = response.json()
        self._issued("access token", body["access_token"])
        self._issued("ID token", body["id_token"])
        return Tokens(body["access_token"], body["refresh_token"], body["id_token"])

    # Using what was given

    async def _renew(self, held: tuple[Grant, Tokens]) -> None:
        """Renew, at times from several tabs at once, at times again because the answer is taken for lost."""
        grant, _ = held
        presented = grant.newest
        copies = self._chance.choice((1, 1, 2, 4))
        await asyncio.gather(*(self._present(grant, presented) for _ in range(copies)))
        if self._chance.random() < 0.3:
            self._ledger.counts["asked again"] += 1
            await self._present(grant, presented)
        self._ledger.counts["duplicates"] += copies - 1

    async def _present(self, grant: Grant, token: str) -> Tokens | None:
        data = {"grant_type": "refresh_token", "client_id": "app", "refresh_token": token}
        asked_at = time.monotonic()
        response = await self._line.until_answered("refresh", "POST", "/token", data=data)
        if response.status_code != 200:
            self._ledger.refused(grant)
            return None
        tokens = self._take(response)
        self._ledger.renewed(grant, token, tokens.refresh_token, asked_at=asked_at)
        return tokens

    async def settle(self, grant: Grant) -> None:
        """After the load: what lives can be renewed twice, what has ended cannot."""
        await self._present(grant, grant.newest)
        if grant.ending_since is None:
            await self._present(grant, grant.newest)

    async def settle_browsers(self) -> None:
        """Whoever did not sign out is still signed in."""
        for sid, cookies in self._left_open:
            self._sid, self._line.http.cookies = sid, cookies
            await self._code()

    # Leaving

    async def _leave(self, held: list[tuple[Grant, Tokens]]) -> None:
        """Sign out, revoke, or just go away: then everything lives on and must be there at the end."""
        way = self._chance.choice(("sign out", "revoke", "stay"))
        if way == "sign out" and self._sid is not None:
            await self._sign_out(self._sid)
        elif self._sid is not None:
            self._left_open.append((self._sid, httpx.Cookies(self._line.http.cookies)))
        if way == "revoke":
            for grant, _ in held:
                self._ledger.ending([grant], now=time.monotonic())
                data = {"token": grant.newest, "client_id": "app"}
                await self._line.until_answered("revoke", "POST", "/revoke", data=data)
                self._ledger.ended([grant], now=time.monotonic())
        for grant, tokens in held:
            if grant.ended_at is not None:
                self._issued("ended", tokens.access_token)
                await self._present(grant, grant.newest)
                await self._until_inactive(tokens.access_token)

    async def _sign_out(self, sid: str) -> None:
        within = self._ledger.within(sid)
        self._ledger.signed_out(sid)
        self._ledger.ending(within, now=time.monotonic())
        while True:
            page = await self._line.until_answered("sign-out page", "GET", "/sign-out")
            if page.status_code == 303:  # nobody is signed in any more
                break
            answer = await self._submit("sign-out", page, {})
            if answer is not None and answer.status_code < 400:
                break
        self._ledger.ended(within, now=time.monotonic())

    async def _until_inactive(self, token: str) -> None:
        """Introspection at whatever replica says so within moments (RFC 7662)."""
        begun = time.monotonic()
        while time.monotonic() - begun < _PATIENCE:
            response = await self._line.until_answered(
                "introspect", "POST", "/introspect", data={"token": token}, auth=self._resource
            )
            if response.json().get("active") is False:
                self._ledger.latencies["introspected as ended"].append(time.monotonic() - begun)
                return
            await asyncio.sleep(0.02)
        self._ledger.never_heard_of_end(_PATIENCE)


class Job:
    """A service that speaks for itself, and looks at its own token."""

    def __init__(self, line: Line, issued: Issued, credentials: tuple[str, str], pause: float) -> None:
        self._line, self._issued, self._auth, self._pause = line, issued, credentials, pause

    async def live(self, over: asyncio.Event) -> None:
        """Go on until it is over."""
        while not over.is_set():
            response = await self._line.until_answered(
                "client credentials",
                "POST",
                "/token",
                data={"grant_type": "client_credentials"},
                auth=self._auth,
            )
            if response.status_code == 200:
                self._issued("client's token", response.json()["access_token"])
            else:
                self._line.ledger.violations.append("client credentials that are right were refused")
            await asyncio.sleep(self._pause)


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = said.get("action", "")
        elif tag == "input" and "name" in said:
            self.fields[said["name"]] = said.get("value", "")


def _answer_of(response: httpx.Response | None) -> dict[str, str]:
    if response is None or response.status_code != 303:
        return {}
    query = parse_qs(urlsplit(response.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}


def _come_back_later(response: httpx.Response) -> bool:
    return response.status_code == 503 or _answer_of(response).get("error") == "temporarily_unavailable"
