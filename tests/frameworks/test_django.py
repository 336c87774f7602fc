"""Django's own ways: coroutine views, the middleware in both worlds, system checks, DRF, the schema."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.http import JsonResponse
from django.test.utils import override_settings
from django.utils.decorators import method_decorator
from django.views import View
from drf_spectacular.generators import SchemaGenerator
from rest_framework.response import Response
from rest_framework.views import APIView

from frameworks.django_site import Site
from frameworks.request_table import bearer, make_server, mint
from mintmark.errors import ConfigurationError
from mintmark.frameworks import drf_schema
from mintmark.frameworks.django import protect, resource_server
from mintmark.frameworks.drf import TokenAuthentication, requires


def whoami(request: Any) -> JsonResponse:
    claims = getattr(request, "claims", None)
    return JsonResponse({"sub": claims.subject if claims else None})


async def awhoami(request: Any) -> JsonResponse:
    return whoami(request)


@method_decorator(protect("orders:read"), name="dispatch")
class Orders(View):
    def get(self, request: Any) -> JsonResponse:
        return whoami(request)


@pytest.mark.parametrize("caller", ["call_wsgi", "call_asgi"])
def test_functions_coroutines_and_classes_are_protected_in_both_worlds(caller: str) -> None:
    views = {"/plain": protect()(whoami), "/async": protect()(awhoami), "/class": Orders.as_view()}
    call = getattr(Site(make_server(), views), caller)
    for path in views:
        assert call("GET", path, bearer(mint())).body == b'{"sub": "alice"}'
        assert call("GET", path).status == 401


@pytest.mark.parametrize("caller", ["call_wsgi", "call_asgi"])
def test_the_middleware_guards_everything_but_the_public_paths(caller: str) -> None:
    site = Site(make_server(), {"/orders": whoami, "/health": whoami}, middleware=True, PUBLIC=["/health"])
    call = getattr(site, caller)
    assert call("GET", "/orders", bearer(mint())).body == b'{"sub": "alice"}'
    assert call("GET", "/orders").status == 401
    assert call("GET", "/orders", bearer(mint(exp=1))).status == 401
    assert call("GET", "/health").body == b'{"sub": null}'
    assert call("GET", "/nowhere").status == 401
    assert call("GET", "/health/").status == 401


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (None, "The setting MINTMARK is missing."),
        ({}, "MINTMARK lacks ISSUER and AUDIENCE."),
        ({"ISSUER": "https://a.example"}, "MINTMARK lacks AUDIENCE."),
        ({"ISSUER": "https://a.example", "AUDIENCE": "o", "LEWAY": 3}, "MINTMARK knows no LEWAY."),
        ({"ISSUER": "http://a.example", "AUDIENCE": "o"}, "http://a.example is refused"),
        ({"RESOURCE_SERVER": "x"}, "MINTMARK['RESOURCE_SERVER'] is a ResourceServer"),
    ],
)
def test_a_wrong_setting_is_found_by_the_system_check(setting: Any, said: str) -> None:
    with override_settings(MINTMARK=setting):
        (found,) = [message for message in run_checks() if message.id.startswith("mintmark")]
    assert found.id == "mintmark.E001"
    assert found.msg.startswith(said)


def test_a_right_setting_passes_the_check_without_a_word() -> None:
    assert [message for message in run_checks() if message.id.startswith("mintmark")] == []
    assert resource_server().audience == ("orders",)
    assert resource_server() is resource_server()


def test_an_app_that_is_not_installed_is_named() -> None:
    with override_settings(INSTALLED_APPS=[]), pytest.raises(ConfigurationError) as caught:
        resource_server()
    assert "INSTALLED_APPS" in (caught.value.hint or "")


class Whoami(APIView):
    def get(self, request: Any) -> Response:
        """Tell who calls."""
        return Response({"user": str(request.user), "known": bool(request.user)})


class Reading(Whoami):
    permission_classes = (requires("orders:read"),)


def test_drf_knows_the_user_and_lets_nobody_be_nobody() -> None:
    site = Site(make_server(), {"/": Whoami.as_view()})
    assert site.call_wsgi("GET", "/", bearer(mint())).body == b'{"user":"alice","known":true}'
    assert site.call_wsgi("GET", "/").body == b'{"user":"None","known":false}'
    assert site.call_wsgi("GET", "/", bearer(mint(exp=1))).status == 401


def test_drf_without_our_exception_handler_still_answers_exactly() -> None:
    site = Site(make_server(), {"/": Reading.as_view()})
    answer = site.call_wsgi("GET", "/", bearer(mint(scope="x")))
    assert answer.status == 403
    assert 'error="insufficient_scope"' in (answer.header("www-authenticate") or "")
    assert answer.body.startswith(b'{"error":"insufficient_scope",')
    busy = site.call_wsgi("GET", "/", bearer(mint(jti="stale")))
    assert (busy.status, busy.header("retry-after")) == (503, "5")
    assert site.call_wsgi("GET", "/").header("www-authenticate") == 'Bearer realm="orders"'


def test_drf_users_may_be_ones_own() -> None:
    class Own(TokenAuthentication):
        def user(self, claims: Any) -> str:
            return f"user of {claims.subject}"

    view = Whoami.as_view(authentication_classes=[Own])
    answer = Site(make_server(), {"/": view}).call_wsgi("GET", "/", bearer(mint()))
    assert answer.body == b'{"user":"user of alice","known":true}'


def test_the_schema_shows_the_lock() -> None:
    assert drf_schema.TokenScheme.name == "OpenID Connect"
    from django.urls import path

    schema = SchemaGenerator(patterns=[path("orders", Reading.as_view())]).get_schema(public=True)
    assert schema["components"]["securitySchemes"]["OpenID Connect"] == {
        "type": "openIdConnect",
        "openIdConnectUrl": "https://auth.example.com/.well-known/openid-configuration",
    }
    assert schema["paths"]["/orders"]["get"]["security"] == [{"OpenID Connect": ["orders:read"]}]
