"""A person with a browser: at the real issuer over a socket, and at the application's SignIn."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from authorization_server.running import ALICE, Browser, Running, sha256_hex
from mintmark.client.sign_in import Cookie, Reply, SignIn, Visit
from mintmark.jose.jwk import Key
from mintmark.resource_server import RemoteKeys

APP = "http://127.0.0.1:9"
CALLBACK = f"{APP}/callback"
SECRET = "shop secret: 100% + more, äöü"
COOKIE_KEY = Key.generate("A256GCM")
_CLIENT = {
    "redirect_uris": [CALLBACK],
    "post_logout_redirect_uris": [f"{APP}/bye"],
    "grants": ["authorization_code", "refresh_token"],
    "scopes": ["openid", "profile", "orders:read"],
    "resources": ["orders"],
    "first_party": True,
}
CLIENTS = [
    {
        "client_id": "shop",
        **_CLIENT,
        "kind": "confidential",
        "client_secret_sha256": sha256_hex(SECRET),
    },
    {"client_id": "kiosk", **_CLIENT, "kind": "public"},
]
SETTINGS: dict[str, Any] = {
    "resources": [{"audience": "orders", "scopes": ["orders:read"]}],
    "clients": CLIENTS,
}


def sign_in_at(server: Running, client_id: str = "shop", **options: Any) -> SignIn:
    """The application, registered at this server; its clock is the server's."""
    kind: dict[str, Any] = {"public": True} if client_id == "kiosk" else {"client_secret": SECRET}
    given: dict[str, Any] = {
        "keys": RemoteKeys(server.url, clock=server.clock),
        "cookie_key": COOKIE_KEY,
        "scope": "openid profile orders:read",
        "clock": server.clock,
        **kind,
        **options,
    }
    return SignIn(server.url, client_id, CALLBACK, **given)


class Person:
    """Somebody with one browser."""

    def __init__(self, server: Running, app: SignIn) -> None:
        self.app = app
        self.issuer = Browser(server)
        self.cookies: dict[str, str] = {}

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        self.issuer.http.close()

    def visit(
        self, path: str, query: str = "", *, form: dict[str, str] | None = None, **headers: str
    ) -> Visit:
        said = {"accept": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookies:
            said["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if form is None:
            return Visit("GET", path, query, said)
        said = {"content-type": "application/x-www-form-urlencoded", **said}
        return Visit("POST", path, query, said, urlencode(form).encode())

    def keep(self, cookies: tuple[Cookie, ...]) -> None:
        for cookie in cookies:
            if cookie.max_age == 0:
                self.cookies.pop(cookie.name, None)
            else:
                self.cookies[cookie.name] = cookie.value

    def send(self, visit: Visit) -> Reply:
        reply = self.app.answer(visit, visit.path)
        self.keep(reply.cookies)
        return reply

    def begin(self, return_to: str | None = None) -> str:
        """Go to sign in; return where the application sends the browser."""
        query = urlencode({"return_to": return_to}) if return_to is not None else ""
        return location(self.send(self.visit("/sign-in", query)))

    def at_issuer(self, url: str, who: tuple[str, str] = ALICE) -> str:
        """Sign in at the issuer, through its form; return the query that comes back to the callback."""
        answer = self.issuer.http.get(url)
        if answer.status_code == 200:
            answer = self.issuer.sign_in(answer, who)
        assert answer.status_code == 303, answer.text
        back = answer.headers["location"]
        assert back.startswith(CALLBACK), back
        return urlsplit(back).query

    def sign_in(self, return_to: str | None = None) -> Reply:
        query = self.at_issuer(self.begin(return_to))
        return self.send(self.visit("/callback", query))


def location(reply: Reply) -> str:
    assert reply.status == 303, (reply.status, reply.body)
    return dict(reply.headers)["Location"]


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
