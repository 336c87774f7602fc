"""The story on one machine: an issuer, a single-page app, two services, and a walk through all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mintmark.demo.runner import run

__all__ = ["run"]


def __getattr__(name: str) -> Any:
    """Import the runner only when it is asked for: the services of the demo do without it."""
    if name == "run":
        from mintmark.demo.runner import run

        return run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
