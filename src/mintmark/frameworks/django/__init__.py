"""Django: a decorator for views, a middleware for whole sites, system checks for the settings.

::

    INSTALLED_APPS = [..., "mintmark.frameworks.django"]
    MINTMARK = {"ISSUER": "https://auth.example.com", "AUDIENCE": "orders"}

    @protect("orders:read")
    def orders(request): return JsonResponse({"person": request.claims.subject})

Class-based views take ``@method_decorator(protect("orders:read"), name="dispatch")``.
"""

from __future__ import annotations

from mintmark.frameworks.django.configuration import resource_server
from mintmark.frameworks.django.views import ProtectMiddleware, protect, respond

__all__ = ["ProtectMiddleware", "protect", "resource_server", "respond"]
