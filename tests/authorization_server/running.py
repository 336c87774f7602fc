"""A real server on a real socket with a clock of its own, and a browser without JavaScript."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import uvicorn

from mintmark.authorization_server.app import create_app
from mintmark.authorization_server.claims import ClaimHook
from mintmark.authorization_server.oauth.service import Service
from mintmark.authorization_server.settings import Settings
from mintmark.authorization_server.settings_file import load_settings

START = 1_800_000_000.0
ALICE = ("alice", "correct horse battery staple")
BOB = ("bob", "a fine and private password")
CALLBACK = "http://127.0.0.1:9/callback"
ORIGIN = "http://127.0.0.1:9"
ORDERS_SECRET = "orders secret: 100% + more, äöü"
LEDGER_SECRET = "ledger-secret-0123456789abcdefghij"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"


class Clock:
    """Time as the test says."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def sha256_hex(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def settings_data(issuer: str, **more: Any) -> dict[str, Any]:
    """Settings with one client of each kind."""
    app = {
        "kind": "public",
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [f"{ORIGIN}/"],
        "origins": [ORIGIN],
        "grants": ["authorization_code", "refresh_token"],
        "scopes": ["openid", "profile", "email", "orders:read", "orders:write", "billing:read"],
        "resources": ["orders", "billing"],
        "first_party": True,
    }
    clients = [
        {"client_id": "app", "name": "Shop <b>&amp;</b>", **app},
        {"client_id": "other-app", **app, "origins": [], "scopes": ["openid", "orders:read"]},
        {
            "client_id": "two-callbacks",
            **app,
            "redirect_uris": [f"{CALLBACK}?tenant=1&x=%20y", f"{CALLBACK}/two"],
        },
        {
            "client_id": "native",
            **app,
            "origins": [],
            "application_type": "native",
            "redirect_uris": ["http://127.0.0.1/done", "http://[::1]:1234/done", "com.example.app:/done"],
        },
        {"client_id": "partner", "name": "Partner", **app, "first_party": False, "origins": []},
        {
            **app,
            "client_id": "partner-web",
            "name": "Partner on the web",
            "first_party": False,
            "redirect_uris": ["https://partner.example/callback"],
            "origins": [],
        },
        {
            "client_id": "web",
            **app,
            "kind": "confidential",
            "client_secret_sha256": sha256_hex("web-secret-0123456789abcdef"),
            "token_endpoint_auth_method": "client_secret_post",
            "rotate_refresh_tokens": False,
            "id_token_signed_response_alg": "ES256",
            "origins": [],
        },
        {
            "client_id": "orders",
            "kind": "confidential",
            "client_secret_sha256": sha256_hex(ORDERS_SECRET),
            "grants": ["client_credentials", EXCHANGE],
            "scopes": ["billing:read"],
            "resources": ["billing"],
            "resource_server": "orders",
            "exchange_to": ["billing"],
        },
        {
            "client_id": "billing",
            "kind": "confidential",
            "client_secret_sha256": sha256_hex(ORDERS_SECRET),
            "grants": [EXCHANGE],
            "scopes": ["ledger:append"],
            "resource_server": "billing",
            "exchange_to": ["ledger"],
        },
        {
            "client_id": "ledger-job",
            "kind": "confidential",
            "client_secret_sha256": sha256_hex(LEDGER_SECRET),
            "grants": ["client_credentials"],
            "scopes": ["ledger:append"],
            "resources": ["ledger"],
        },
    ]
    return {
        "issuer": issuer,
        "demo": True,
        "resources": [
            {
                "audience": "orders",
                "name": "Orders",
                "scopes": ["orders:read", "orders:write"],
                "descriptions": {"orders:read": "See your orders"},
            },
            {"audience": "billing", "scopes": ["billing:read"]},
            {"audience": "ledger", "scopes": ["ledger:append"]},
        ],
        "clients": clients,
        "people": [
            {
                "username": ALICE[0],
                "password": ALICE[1],
                "name": "Alice <Archer>",
                "email": "alice@example.com",
                "roles": ["customer"],
            },
            {"username": BOB[0], "password": BOB[1]},
        ],
        **more,
    }


def toml_of(data: Mapping[str, Any]) -> str:
    """Write settings as one TOML document with inline tables."""
    return "\n".join(f"{key} = {_inline(value)}" for key, value in data.items())


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


class Running:
    """The authorization server in a thread of its own. Use it as a context manager."""

    def __init__(
        self,
        folder: Path,
        *,
        heartbeat: float = 0.2,
        issuer: str | None = None,
        claims_hook: ClaimHook | None = None,
        **more: Any,
    ) -> None:
        self.clock = Clock()
        self.socket = socket.socket(proto=socket.IPPROTO_TCP)  # or asyncio leaves its small packets waiting
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(128)  # whoever comes before uvicorn is up waits, instead of being refused
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        file = folder / "settings.toml"
        file.write_text(toml_of(settings_data(issuer or self.url, **more)))
        self.settings: Settings = load_settings(file)
        self.app = create_app(self.settings, clock=self.clock, heartbeat=heartbeat, claims_hook=claims_hook)
        config = uvicorn.Config(
            self.app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False
        )
        self.server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self.loop: asyncio.AbstractEventLoop | None = None

    @property
    def service(self) -> Service:
        return self.app.service

    def do(self, coroutine: Any) -> Any:
        """Run a coroutine in the server's own loop and return its value."""
        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        try:
            async with self.app.router.lifespan_context(self.app):
                self._ready.set()
                await self.server.serve(sockets=[self.socket])
        except BaseException as failure:
            self._failure = failure
            if self._ready.is_set():  # before, whoever waits for us raises it
                raise
        finally:
            self._ready.set()

    def __enter__(self) -> Running:
        self._thread.start()
        assert self._ready.wait(30)
        if self._failure is not None:
            self.socket.close()
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.service.stopping.set)
        self.server.should_exit = True
        self._thread.join(20)
        self.socket.close()
        assert not self._thread.is_alive()


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "form":
            self.action = said.get("action")
        elif tag == "input" and (name := said.get("name")):
            self.fields[name] = said.get("value") or ""


def form_of(page: httpx.Response) -> tuple[str, dict[str, str]]:
    """Return action and fields of the form on a page."""
    parser = _Form()
    parser.feed(page.text)
    assert parser.action is not None, f"no form on this page (status {page.status_code})"
    return parser.action, parser.fields


def proof_key() -> tuple[str, str]:
    """Return a code_verifier and its S256 challenge."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def answer_of(response: httpx.Response) -> dict[str, str]:
    """Return what a redirect to the client carries."""
    assert response.status_code == 303, (response.status_code, response.text[:800])
    query = parse_qs(urlsplit(response.headers["location"]).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in query.values())
    return {name: values[0] for name, values in query.items()}


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a token without verifying it: for looking only."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


@dataclass
class Browser:
    """One person's browser: cookies, and no redirects followed by itself."""

    server: Running
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.server.url, timeout=20)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def request(self, client_id: str = "app", **changes: str | list[str] | None) -> dict[str, Any]:
        """Return the parameters of a good authorization request, with changes; ``None`` removes one."""
        verifier, challenge = proof_key()
        self.verifier = verifier
        parameters: dict[str, Any] = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile email orders:read",
            "state": "st4te",
            "nonce": "n0nce",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def authorize(self, client_id: str = "app", **changes: Any) -> httpx.Response:
        query = urlencode(self.request(client_id, **changes), doseq=True)
        return self.http.get(f"/authorize?{query}")

    def submit(self, page: httpx.Response, **changes: str) -> httpx.Response:
        """Send the form on a page."""
        action, fields = form_of(page)
        return self.http.post(action, data={**fields, **changes}, headers={"Origin": self.server.url})

    def sign_in(self, page: httpx.Response, who: tuple[str, str] = ALICE) -> httpx.Response:
        return self.submit(page, username=who[0], password=who[1])

    def code(self, client_id: str = "app", who: tuple[str, str] = ALICE, **changes: Any) -> str:
        """Go through sign-in (where asked) and return the code."""
        response = self.authorize(client_id, **changes)
        if response.status_code == 200:
            response = self.sign_in(response, who)
        if response.status_code == 200 and "/consent" in response.text:
            response = self.submit(response, decision="allow")
        return answer_of(response)["code"]

    def redeem(self, code: str, client_id: str = "app", **changes: Any) -> httpx.Response:
        data = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
            **changes,
        }
        return self.http.post(
            "/token", data={name: value for name, value in data.items() if value is not None}
        )

    def tokens(self, client_id: str = "app", who: tuple[str, str] = ALICE, **changes: Any) -> dict[str, Any]:
        """Sign in and return the tokens."""
        response = self.redeem(self.code(client_id, who, **changes), client_id)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    def refresh(self, token: str, client_id: str = "app", **changes: str) -> httpx.Response:
        data = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client_id, **changes}
        return self.http.post("/token", data=data)

    def userinfo(self, access_token: str) -> httpx.Response:
        return self.http.get("/userinfo", headers={"Authorization": f"Bearer {access_token}"})


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Return Basic credentials, form-encoded first (RFC 6749 2.3.1)."""
    from urllib.parse import quote_plus

    text = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}
