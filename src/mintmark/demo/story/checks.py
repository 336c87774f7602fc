"""A step of the story, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mintmark.demo.story.world import World

__all__ = ["Check", "Step", "equal", "holds"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``expected`` and ``actual`` are words for a person, and never a token."""

    what: str
    ok: bool
    expected: str = ""
    actual: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A named part of the story; walking it yields its checks, one by one, as they are made."""

    name: str
    walk: Callable[[World], Iterator[Check]]


def equal(what: str, actual: object, expected: object) -> Check:
    """``actual`` is ``expected``."""
    return Check(what, actual == expected, str(expected), str(actual))


def holds(what: str, ok: object, actual: object = "it is not so") -> Check:
    """``what`` is so; ``actual`` says what was there instead."""
    return Check(what, bool(ok), "", str(actual))
