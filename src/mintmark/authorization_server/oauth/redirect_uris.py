"""Redirect URIs: what may be registered, and when a presented one is the registered one.

Compared character by character (OAuth 2.1 "Redirect URI"; RFC 9700 4.1.3); the one exception is the port of a
loopback IP address of a native application (RFC 8252 7.3).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

__all__ = ["form_action_source", "is_loopback_host", "matching", "registration_problem"]

_LOOPBACK_IPS = frozenset({"127.0.0.1", "::1"})
_LOOPBACK_NAMES = frozenset({"localhost", *_LOOPBACK_IPS})
_LONGEST = 2000
_AUTHORITY = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?")  # our pages' policy repeats it


def is_loopback_host(host: str | None) -> bool:
    """Say whether a host name of a URL means this machine and nothing else."""
    return host in _LOOPBACK_NAMES


def registration_problem(uri: str, *, native: bool) -> str | None:
    """Return why ``uri`` cannot be registered, with the fix, or ``None`` when it can.

    https anywhere, http on loopback only, and for native applications a private-use scheme that holds a dot
    (RFC 8252 7.1); never a fragment, user information or a wildcard.
    """
    if len(uri) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    if not uri.isascii() or not uri.isprintable() or " " in uri or "\\" in uri:
        return "holds characters that a URI cannot have; percent-encode them"
    if "#" in uri:
        return "has a fragment; remove everything from the # on"
    if "*" in uri:
        return "has a wildcard; addresses are compared exactly, so register each one"
    try:
        parts = urlsplit(uri)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "is not a URI"
    if parts.scheme in ("https", "http"):
        if not host:
            return "has no host"
        if "@" in parts.netloc:
            return "holds user information; remove everything before the @"
        if _AUTHORITY.fullmatch(parts.netloc) is None:
            return "has a host that no application can have"
        if parts.scheme == "http" and not is_loopback_host(host):
            return "is http and not on loopback; use https"
        return None
    return _private_use_problem(parts.scheme, native=native)


def _private_use_problem(scheme: str, *, native: bool) -> str | None:
    if not scheme:
        return "is not absolute; write it with its scheme, as in https://app.example.com/callback"
    if "." not in scheme:
        return f'has the scheme "{scheme}"; a private-use scheme holds a dot, as in com.example.app:/callback'
    if not native:
        return 'has a private-use scheme; those are for native applications: set application_type = "native"'
    return None


def matching(registered: Iterable[str], presented: str, *, native: bool) -> str | None:
    """Return ``presented`` when it is one of ``registered``, else ``None``."""
    for uri in registered:
        if uri == presented or (native and _same_but_for_the_port(uri, presented)):
            return presented
    return None


def _same_but_for_the_port(registered: str, presented: str) -> bool:
    """Any port of a loopback IP address: a native application listens where the system lets it (RFC 8252
    7.3).
    """
    ours, theirs = _without_loopback_port(registered), _without_loopback_port(presented)
    return ours is not None and ours == theirs


def _without_loopback_port(uri: str) -> str | None:
    """Cut the port out of the text itself, so that everything else is still compared character by
    character.
    """
    for prefix in ("http://127.0.0.1", "http://[::1]"):
        if not uri.startswith(prefix):
            continue
        rest = uri[len(prefix) :]
        if rest.startswith(":"):
            digits = len(rest[1:]) - len(rest[1:].lstrip("0123456789"))
            if not 1 <= digits <= 5 or int(rest[1 : 1 + digits]) > 65535:
                return None
            rest = rest[1 + digits :]
        return prefix + rest if not rest or rest[0] in "/?" else None
    return None


@functools.lru_cache(maxsize=1024)
def form_action_source(uri: str) -> str:
    """Return the CSP source that lets a form's answer redirect to ``uri``.

    Chromium holds the redirects that follow a form post against ``form-action``. CSP has no spelling for an
    IPv6 address or for one application's private-use scheme beyond the scheme itself.
    """
    parts = urlsplit(uri)
    if parts.scheme in ("https", "http") and parts.hostname and ":" not in parts.hostname:
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:"
