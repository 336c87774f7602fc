"""The databases that the conformance suite runs on: each a way to make an empty one and to open it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

BACKENDS: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite:///{folder / 'mint mark.db'}",
}
