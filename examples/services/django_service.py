"""Django: a decorator for views, configured by the setting MINTMARK. (A site in one file, to be short.)"""

from __future__ import annotations

import os
from typing import Any
from wsgiref.simple_server import make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

from mintmark.frameworks.django import protect

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=["mintmark.frameworks.django"],
    MINTMARK={"ISSUER": os.environ.get("MINTMARK_ISSUER", "http://127.0.0.1:8700"), "AUDIENCE": "orders"},
    ROOT_URLCONF=__name__,
)


@protect("orders:read")
def orders(request: Any) -> JsonResponse:
    return JsonResponse({"person": request.claims.subject})


urlpatterns = [path("orders", orders), path("health", lambda request: JsonResponse({"person": None}))]
app = get_wsgi_application()

if __name__ == "__main__":
    with make_server("127.0.0.1", int(os.environ.get("PORT", "8710")), app) as httpd:
        print(f"http://127.0.0.1:{httpd.server_port}", flush=True)
        httpd.serve_forever()
