"""Django wants to be configured before anything of it is imported."""

from __future__ import annotations

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only for tests",
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "mintmark.frameworks.django",
        "rest_framework",
    ],
    ROOT_URLCONF="frameworks.django_site",
    MINTMARK={"ISSUER": "https://auth.example.com", "AUDIENCE": "orders"},
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["mintmark.frameworks.drf.TokenAuthentication"],
        "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
        "UNAUTHENTICATED_USER": None,
    },
    USE_TZ=True,
    LOGGING_CONFIG=None,
)
django.setup()
