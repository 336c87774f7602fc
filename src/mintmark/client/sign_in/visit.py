"""One request of a browser and the answer to it, as plain values: all that an adapter has to translate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl

from mintmark.client.sign_in.refusals import SignInRefused
from mintmark.errors import ErrorCode

__all__ = ["LONGEST_FORM", "Cookie", "Reply", "Visit", "page", "parameters", "redirect", "refusal_json"]

_LONGEST_COOKIES = 65536
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
LONGEST_FORM = 65536
_MOST_FIELDS = 50
_FORM_TYPE = "application/x-www-form-urlencoded"
_NEVER_KEPT = ("Cache-Control", "no-store")
_PAGE_HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    _NEVER_KEPT,
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """A request. Its headers, query and form may hold secrets, so ``repr`` shows method and path only.

    :param path: the path as the browser sees it, percent-encoded as it came.
    :param headers: names in lower case; repeated ones joined as HTTP says (cookies by ``; ``).
    :param form: the raw body of a form post, else empty.
    """

    method: str
    path: str
    query: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: bytes = field(default=b"", repr=False)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name (RFC 6265 4.2.1). A name that comes twice is none: somebody planted one."""
        text = self.headers.get("cookie", "")
        if len(text) > _LONGEST_COOKIES:
            return {}
        found: dict[str, str] = {}
        twice: set[str] = set()
        for pair in text.split(";"):
            name, _, value = pair.strip().partition("=")
            twice |= {name} & found.keys()
            found[name] = value
        return {name: value for name, value in found.items() if name not in twice}

    @property
    def fields(self) -> dict[str, str]:
        """The fields of a form post; empty when it is none.

        :raises SignInRefused: it cannot be read.
        """
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != _FORM_TYPE or len(self.form) > LONGEST_FORM:
            return {}
        return parameters(self.form.decode("latin-1"))

    @property
    def wants_page(self) -> bool:
        """Whether a person navigates here, so that a page or a redirect makes sense."""
        mode = self.headers.get("sec-fetch-mode")
        return mode == "navigate" if mode is not None else "text/html" in self.headers.get("accept", "")

    @property
    def can_change(self) -> bool:
        """Whether the request may change something: its method is not safe (RFC 9110 9.2.1)."""
        return self.method not in _SAFE_METHODS


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie to set: HttpOnly, SameSite=Lax, for the whole host. ``max_age`` 0 removes it."""

    name: str
    value: str = field(repr=False)
    max_age: int
    secure: bool

    @property
    def header(self) -> str:
        """The value of ``Set-Cookie`` (RFC 6265 4.1)."""
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={self.value}; Path=/; Max-Age={self.max_age}; HttpOnly{secure}; SameSite=Lax"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a visit. Its headers and cookies may hold secrets, so they are not shown."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    cookies: tuple[Cookie, ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


def redirect(location: str, cookies: tuple[Cookie, ...] = ()) -> Reply:
    """Send the browser elsewhere by GET, whatever it came with (RFC 9700 4.12)."""
    headers = (("Location", location), _NEVER_KEPT, ("Referrer-Policy", "no-referrer"))
    return Reply(303, headers, cookies)


def page(status: int, sentence: str, link: str, cookies: tuple[Cookie, ...] = ()) -> Reply:
    """Return a page of one sentence. Nothing that came with the request is ever in it."""
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{HTTPStatus(status).phrase}</title>'
        f'<main><h1>Signing in did not succeed</h1><p>{sentence}</p><p><a href="{link}">Try again</a></p>'
        "</main></html>"
    )
    return Reply(status, (*_PAGE_HEADERS, *_retry(status)), cookies, body.encode())


def refusal_json(status: int, error: str, *more: tuple[str, str], cookies: tuple[Cookie, ...] = ()) -> Reply:
    """Return a refusal for programs."""
    headers = (("Content-Type", "application/json"), _NEVER_KEPT, *_retry(status), *more)
    return Reply(status, headers, cookies, json.dumps({"error": error}).encode())


def _retry(status: int) -> tuple[tuple[str, str], ...]:
    return (("Retry-After", "5"),) if status == 503 else ()


def parameters(text: str) -> dict[str, str]:
    """Read a query or a form, in which nothing may come twice (RFC 6749 3.1).

    :raises SignInRefused: it cannot be read, or something does.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        pairs = [("", ""), ("", "")]
    found = dict(pairs)
    if len(found) != len(pairs):
        raise SignInRefused(
            "The parameters cannot be read, or one comes twice.", code=ErrorCode.CREDENTIALS_MALFORMED
        )
    return found
