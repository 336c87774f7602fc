"""Django REST framework: authentication, permissions, and an exception handler for exact refusals.

::

    INSTALLED_APPS = [..., "mintmark.frameworks.django", "rest_framework"]
    MINTMARK = {"ISSUER": "https://auth.example.com", "AUDIENCE": "orders"}
    REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["mintmark.frameworks.drf.TokenAuthentication"],
        "EXCEPTION_HANDLER": "mintmark.frameworks.drf.exception_handler",
    }

    class Orders(APIView):
        permission_classes = [requires("orders:read")]

Status and challenge are exact without the exception handler, too; with it the body is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import views
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission

from mintmark.frameworks.django import resource_server, respond
from mintmark.frameworks.protecting import require_of
from mintmark.frameworks.wsgi import EnvironRequest
from mintmark.jwt import Claims
from mintmark.resource_server import Refusal, Require

__all__ = ["RefusedRequest", "TokenAuthentication", "TokenUser", "exception_handler", "requires"]


class RefusedRequest(APIException):
    """A :class:`Refusal` as the framework's own kind of exception."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        self.status_code = refusal.status
        self.detail: dict[str, str] = json.loads(refusal.body)
        headers = dict(refusal.headers)
        self.auth_header = headers.get("WWW-Authenticate")  # what the framework's own handler writes
        self.wait = int(headers.get("Retry-After", "0"))


class TokenUser:
    """The ``request.user`` of a request with a token: as much of a user as there is without a database."""

    is_authenticated = True
    is_anonymous = False
    is_active = True
    is_staff = False
    is_superuser = False
    pk = id = None

    def __init__(self, claims: Claims) -> None:
        self.claims = claims

    @property
    def username(self) -> str:
        """The subject."""
        return self.claims.subject or ""

    def get_username(self) -> str:
        """The subject."""
        return self.username

    def __str__(self) -> str:
        return self.username


class TokenAuthentication(BaseAuthentication):
    """Authenticates by access token: ``request.auth`` are the claims, ``request.user`` a :class:`TokenUser`.

    A request without a token is left to other authentications and to the permissions. Override :meth:`user`
    to find a user of your own for the claims.
    """

    def authenticate(self, request: Any) -> tuple[Any, Claims] | None:
        """Return user and claims, or None when the request brings no token."""
        try:
            claims = resource_server().check_optional(EnvironRequest(request.META))
        except Refusal as refusal:
            raise RefusedRequest(refusal) from refusal
        return None if claims is None else (self.user(claims), claims)

    def user(self, claims: Claims) -> Any:
        """Return the user for verified claims."""
        return TokenUser(claims)

    def authenticate_header(self, request: Any) -> str:
        """Return the challenge to a request without a token: 401, not 403."""
        return resource_server().challenge


class _Requires(BasePermission):
    require: Require

    def has_permission(self, request: Any, view: Any) -> bool:
        """Tell nothing but yes: everything else is an exact refusal."""
        claims = request.auth if isinstance(request.auth, Claims) else None
        try:
            resource_server().check_claims(claims, self.require)
        except Refusal as refusal:
            raise RefusedRequest(refusal) from refusal
        return True


def requires(scopes: str | Sequence[str] | Require = (), **conditions: Any) -> type[BasePermission]:
    """Return a permission class for views that need a token with these scopes and conditions."""
    return type("Requires", (_Requires,), {"require": require_of(scopes, conditions)})


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Any:
    """Answer a refusal with its own bytes; everything else as the framework does."""
    if isinstance(error, RefusedRequest):
        views.set_rollback()
        return respond(error.refusal)
    return views.exception_handler(error, context)
