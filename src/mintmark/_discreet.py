"""The base of values that hold a secret: what prints them shows what ``__repr__`` shows, and no more."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Discreet"]


class Discreet(Struct, frozen=True):
    """A frozen value that writes its own ``__repr__``."""

    # msgspec's would name every field; without one, rich falls back on __repr__
    __rich_repr__ = None  # type: ignore[assignment]
