"""The cookies of the service: which, how named, how guarded (RFC 6265bis 4.1.3; OWASP session management).

``__Host-`` and ``Secure`` wherever the issuer is https. On loopback over http a browser would refuse both,
so a plain name stands in there. SameSite=Lax lets an application send the person here, and lets no other
site post for them.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from mintmark.authorization_server.settings import Settings

__all__ = [
    "device_of",
    "forget_sign_in",
    "form_secret_of",
    "keep_device",
    "keep_form_secret",
    "keep_sign_in",
    "sign_in_of",
]

_SIGN_IN = "mintmark"
_FORM = "mintmark-form"
_DEVICE = "mintmark-device"
_A_YEAR = 365 * 86_400
_LONGEST = 512


def sign_in_of(request: Request, settings: Settings) -> str | None:
    """Return the sign-in cookie of this browser."""
    return _read(request, settings, _SIGN_IN)


def keep_sign_in(response: Response, settings: Settings, value: str) -> None:
    """Remember a sign-in for as long as it may last."""
    _write(response, settings, _SIGN_IN, value, max_age=int(settings.tokens.sign_in_absolute))


def forget_sign_in(response: Response, settings: Settings) -> None:
    """Remove the sign-in cookie."""
    _write(response, settings, _SIGN_IN, "", max_age=0)


def form_secret_of(request: Request, settings: Settings) -> str | None:
    """Return the secret that this browser's forms are tied to."""
    return _read(request, settings, _FORM)


def keep_form_secret(response: Response, settings: Settings, value: str) -> None:
    """Tie this browser's forms to a secret, until the browser is closed."""
    _write(response, settings, _FORM, value, max_age=None)


def device_of(request: Request, settings: Settings) -> str | None:
    """Return the mark of a browser in which the person has signed in before."""
    return _read(request, settings, _DEVICE)


def keep_device(response: Response, settings: Settings, value: str) -> None:
    """Mark this browser, so that a stranger's wrong passwords never slow it down."""
    _write(response, settings, _DEVICE, value, max_age=_A_YEAR)


def _name(settings: Settings, name: str) -> str:
    return f"__Host-{name}" if settings.is_https else name


def _read(request: Request, settings: Settings, name: str) -> str | None:
    value = request.cookies.get(_name(settings, name))
    return value if value and len(value) <= _LONGEST else None


def _write(response: Response, settings: Settings, name: str, value: str, *, max_age: int | None) -> None:
    """:param value: made by us, of characters that a cookie may have."""
    lasting = f"Max-Age={max_age}; " if max_age is not None else ""
    secure = "; Secure" if settings.is_https else ""
    said = f"{_name(settings, name)}={value}; HttpOnly; {lasting}Path=/; SameSite=Lax{secure}"
    response.raw_headers.append((b"set-cookie", said.encode("ascii")))
