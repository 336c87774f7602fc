"""The token service: people sign in once, clients get tokens, and what ends is refused everywhere.

::

    from mintmark.authorization_server import create_app, load_settings

    app = create_app(load_settings("mintmark.toml"))  # ASGI, for any server; `mintmark serve` brings its own
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mintmark.authorization_server.app import create_app
    from mintmark.authorization_server.settings import Settings
    from mintmark.authorization_server.settings_file import load_settings

__all__ = ["Settings", "create_app", "load_settings"]

_HOMES: Final = {
    "Settings": "mintmark.authorization_server.settings",
    "create_app": "mintmark.authorization_server.app",
    "load_settings": "mintmark.authorization_server.settings_file",
}


def __getattr__(name: str) -> Any:
    """Load a name when it is first used: whoever needs one room does not pay for the whole house."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
