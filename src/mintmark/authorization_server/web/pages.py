"""Rendering: templates, and the headers that every page carries."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from types import MappingProxyType
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import Response

from mintmark.authorization_server.oauth.errors import OAuthError
from mintmark.authorization_server.settings import Settings
from mintmark.authorization_server.web import cookies, forms

__all__ = ["STATIC", "Pages"]

# No Cross-Origin-Opener-Policy: applications that open us in a popup need their opener back.
_HEADERS = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_MEDIA_TYPES = {"mintmark.css": "text/css; charset=utf-8", "mark.svg": "image/svg+xml"}


def _static_files() -> Mapping[str, tuple[bytes, str]]:
    folder = resources.files("mintmark.authorization_server.web") / "static"
    return MappingProxyType(
        {name: ((folder / name).read_bytes(), kind) for name, kind in _MEDIA_TYPES.items()}
    )


STATIC = _static_files()
"""The files beside the pages: name to (content, media type)."""


def _date(at: float) -> str:
    """Write a time as people read it, in UTC, since the page cannot know where they are."""
    return datetime.fromtimestamp(at, UTC).strftime("%d %B %Y, %H:%M UTC").lstrip("0")


def _wait(seconds: float) -> str:
    whole = max(1, math.ceil(seconds))
    if whole < 90:
        return f"{whole} second{'s' if whole > 1 else ''}"
    return f"{math.ceil(whole / 60)} minutes"


class _Page(Response):
    """A page with the headers that all have; Starlette would look which are missing, and spell each anew."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        self.raw_headers = [(b"content-length", b"%d" % len(self.body)), *_HEADERS]


class Pages:
    """Renders the pages of one service."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("mintmark.authorization_server.web"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            auto_reload=False,  # a running service does not look for changed files
            lstrip_blocks=True,
        )
        self._templates.filters.update(date=_date, wait=_wait)
        self._templates.globals = {
            name.replace(".", "_"): f"/static/{name}?{hashlib.sha256(content).hexdigest()[:12]}"
            for name, (content, _) in STATIC.items()
        }
        self._ready: dict[str, jinja2.Template] = {}

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        form_action: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """Return a page.

        :param form_action: further CSP sources that the answer to its form may redirect to.
        """
        response = _Page(self._template(template).render(values), status_code=status)
        response.raw_headers.append((b"content-security-policy", _policy(form_action).encode("latin-1")))
        if self._settings.is_https:
            response.raw_headers.append((b"strict-transport-security", b"max-age=31536000"))
        if headers:
            response.headers.update(headers)
        return response

    def _template(self, name: str) -> jinja2.Template:
        known = self._ready.get(name)
        if known is None:
            known = self._ready[name] = self._templates.get_template(name)
            known.globals = dict(known.globals)  # a chain of two would be walked for each page
        return known

    def form(
        self, request: Request, template: str, *, purpose: str, content: tuple[str, ...] = (), **values: Any
    ) -> Response:
        """Return a page whose form carries a token for ``purpose`` and ``content``."""
        secret = forms.secret_for(request, self._settings)
        response = self.page(template, token=forms.form_token(secret, purpose, *content), **values)
        if cookies.form_secret_of(request, self._settings) is None:
            cookies.keep_form_secret(response, self._settings, secret)
        return response

    def refusal(self, request: Request, error: OAuthError) -> Response:
        """Say that a request cannot be answered: to the person first, then to the developer."""
        return self.page("refusal.html", status=error.status, error=error)

    def problem(self, status: int, title: str, text: str, *, retry_after: float | None = None) -> Response:
        """Say in plain words what went wrong."""
        headers = {"Retry-After": str(max(1, math.ceil(retry_after)))} if retry_after is not None else {}
        return self.page("problem.html", status=status, headers=headers, title=title, text=text)

    def signed_out(self, request: Request) -> Response:
        """Say that the person is signed out."""
        return self.page("signed_out.html")


def _policy(form_action: tuple[str, ...]) -> str:
    """No script, nothing from elsewhere, never in a frame (RFC 9700 4.2.4, 4.16)."""
    targets = " ".join(("'self'", *form_action))
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {targets}"
    )
