"""Django REST framework: authentication, permission classes, the exact answers of an exception handler."""

from __future__ import annotations

import os
from typing import Any
from wsgiref.simple_server import make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=["mintmark.frameworks.django", "rest_framework"],
    MINTMARK={"ISSUER": os.environ.get("MINTMARK_ISSUER", "http://127.0.0.1:8700"), "AUDIENCE": "orders"},
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["mintmark.frameworks.drf.TokenAuthentication"],
        "EXCEPTION_HANDLER": "mintmark.frameworks.drf.exception_handler",
        "UNAUTHENTICATED_USER": None,
    },
    ROOT_URLCONF=__name__,
)
app = get_wsgi_application()

from rest_framework.decorators import api_view, permission_classes  # noqa: E402 - these read the settings
from rest_framework.response import Response  # noqa: E402

from mintmark.frameworks.drf import requires  # noqa: E402


@api_view()  # type: ignore[untyped-decorator]
@permission_classes([requires("orders:read")])  # type: ignore[untyped-decorator]
def orders(request: Any) -> Any:
    return Response({"person": request.auth.subject})


urlpatterns = [path("orders", orders), path("health", api_view()(lambda request: Response({"person": None})))]

if __name__ == "__main__":
    with make_server("127.0.0.1", int(os.environ.get("PORT", "8710")), app) as httpd:
        print(f"http://127.0.0.1:{httpd.server_port}", flush=True)
        httpd.serve_forever()
