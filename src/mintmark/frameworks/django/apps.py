"""The Django app: it holds the site's resource server and registers the system check."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.signals import setting_changed

from mintmark.errors import MintmarkError
from mintmark.frameworks.django import configuration
from mintmark.resource_server import ResourceServer

__all__ = ["MintmarkConfig"]


class MintmarkConfig(AppConfig):
    """The one place where the site's resource server lives."""

    name = "mintmark.frameworks.django"
    label = configuration.LABEL
    verbose_name = "mintmark"

    def ready(self) -> None:
        """Register the check, and forget the server whenever a test overrides the setting."""
        self._lock = threading.Lock()
        self._server: ResourceServer | None = None
        checks.register(check_setting, checks.Tags.security)
        setting_changed.connect(self._forget, dispatch_uid="mintmark")

    def resource_server(self) -> ResourceServer:
        """Return the server, made at the first call.

        :raises MintmarkError: the setting is wrong.
        """
        server = self._server
        if server is None:
            with self._lock:
                server = self._server = self._server or configuration.build()
        return server

    def _forget(self, *, setting: str, **_: Any) -> None:
        if setting == "MINTMARK":
            self._server = None


def check_setting(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[checks.CheckMessage]:
    """Say at start-up what a request would otherwise find out; asks nobody over the network."""
    try:
        configuration.build()
        configuration.public_paths()
    except MintmarkError as error:
        return [checks.Error(error.message, hint=error.hint, id="mintmark.E001")]
    return []
