"""Writing: one line of complaint, JSON for programs, and times as people read them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mintmark.errors import ConfigurationError

__all__ = [
    "complain",
    "date_words",
    "duration_words",
    "is_time",
    "missing_extra",
    "print_json",
    "printable",
    "say",
    "say_table",
]

_STEPS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def complain(message: str, *, code: str | None = None, hint: str | None = None) -> None:
    """Write exactly one line to standard error: what is wrong, its code, and how to mend it."""
    text = printable(message).rstrip(". ")
    text += f" [{code}]" if code else ""
    text += f" ({printable(hint).rstrip('. ')})" if hint else ""
    sys.stderr.write(f"mintmark: {text}\n")


def printable(text: str) -> str:
    """Return ``text`` on one line and without control characters, which could rewrite a terminal."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in " ".join(text.split()))


def say(text: str = "") -> None:
    """Write a line to standard output."""
    sys.stdout.write(f"{text}\n")


def say_table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows under their heading, each column as wide as what it holds; nothing where there are none."""
    shown = [tuple(map(printable, row)) for row in rows]
    if not shown:
        return
    widths = [max(map(len, column)) for column in zip(heading, *shown, strict=True)]
    for row in (heading, *shown):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_json(value: Mapping[str, Any]) -> None:
    """Write JSON for a program, or indented when a person looks on.

    What could rewrite a terminal is escaped: JSON alone does that to half of the control characters only.
    """
    indent = 2 if sys.stdout.isatty() else None
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=_plain)
    say("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))


def _plain(value: Any) -> Any:
    """Turn the core's immutable mappings and tuples into what JSON knows."""
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, set | frozenset | tuple) else str(value)


def is_time(value: Any) -> bool:
    """Say whether a claim's value can be shown as a date."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 253402300800


def date_words(at: float, now: float | None = None) -> str:
    """Write a time in UTC, and how far away it is."""
    now = time.time() if now is None else now
    date = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
    away = duration_words(abs(at - now))
    return f"{date} ({'in ' + away if at >= now else away + ' ago'})"


def duration_words(seconds: float) -> str:
    """Write a duration with its two largest units, as in «2 days 3 hours»."""
    left = round(seconds)
    words: list[str] = []
    for size, name in _STEPS:
        count, left = divmod(left, size)
        if count and len(words) < 2:
            words.append(f"{count} {name}{'s' if count > 1 else ''}")
        elif words:
            break
    return " ".join(words) or "0 seconds"


def missing_extra(error: ModuleNotFoundError, extra: str) -> ConfigurationError:
    """Return one line that names the extra which holds a missing module."""
    if (error.name or "").startswith("mintmark"):
        raise error
    return ConfigurationError(f"this needs the package {error.name}; run: pip install 'mintmark[{extra}]'")
