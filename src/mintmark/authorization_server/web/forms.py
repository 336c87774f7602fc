"""Forms that only the page we showed can send: a token in each form, and a look at where the post came from.

The token is a MAC, keyed by a random cookie of this browser, over what the form is for and what it carries.
A form for one purpose, one request and one sign-in serves no other.
"""

from __future__ import annotations

import hmac

from starlette.requests import Request

from mintmark.authorization_server.keys.secrets import random_text
from mintmark.authorization_server.settings import Settings
from mintmark.authorization_server.web import cookies

__all__ = ["ForgedForm", "check", "form_token", "secret_for"]


class ForgedForm(Exception):
    """The form did not come from a page of ours in this browser."""


def secret_for(request: Request, settings: Settings) -> str:
    """Return the browser's form secret, or a new one that the response has to keep."""
    return cookies.form_secret_of(request, settings) or random_text(32)


def form_token(secret: str, purpose: str, *content: str) -> str:
    """Return the token for one form."""
    message = "\x00".join((purpose, *content)).encode()
    return hmac.digest(secret.encode(), message, "sha256").hex()


def check(request: Request, settings: Settings, token: str, purpose: str, *content: str) -> None:
    """Admit a post.

    :raises ForgedForm: another site's, another form's, or without our cookie.
    """
    if not _same_origin(request, settings):
        raise ForgedForm("the form was sent from another site")
    secret = cookies.form_secret_of(request, settings)
    if secret is None:
        raise ForgedForm("the form came without its cookie")
    if not hmac.compare_digest(form_token(secret, purpose, *content).encode(), token.encode()):
        raise ForgedForm("the form's token does not fit")


def _same_origin(request: Request, settings: Settings) -> bool:
    """Compare where the post came from with where we are.

    Our pages send no referrer, and then browsers say ``Origin: null`` even to the own origin (Fetch standard,
    "append a request Origin header"); Sec-Fetch-Site tells those from strangers. What sends neither header
    is no browser of the last years; the token alone decides there.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("origin")
    return origin in (None, settings.issuer) or (origin == "null" and site == "same-origin")
