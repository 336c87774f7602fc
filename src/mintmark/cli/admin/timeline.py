"""Drawing the key timeline: bars over dates on a terminal, a plain table anywhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from mintmark.cli.terminal import duration_words

if TYPE_CHECKING:
    from mintmark.authorization_server.keys import KeyLife

__all__ = ["draw", "late_alarm", "plain_table"]

_LABEL = 11  # columns in front of the bars: two of margin, the longest state, one between
_NARROWEST, _WIDEST = 24, 100
_COLOURS = {"next": "cyan", "current": "green", "previous": "yellow", "revoked": "red"}
_PUBLISHED, _SIGNS, _VERIFIES, _DENIED = "░", "█", "▒", "╳"
_LEGEND = (
    f"{_PUBLISHED} published  {_SIGNS} signs  {_VERIFIES} still verifies  {_DENIED} denied  (times are UTC)"
)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Turns moments into columns."""

    start: float
    end: float
    width: int

    def column(self, at: float) -> int:
        share = (at - self.start) / max(self.end - self.start, 1.0)
        return min(max(int(share * self.width), 0), self.width - 1)


def draw(console: Console, lives: Sequence[KeyLife], now: float, late: float) -> None:
    """Draw every key as a bar over dates, with what happens to it when. Times are UTC."""
    width = min(max(console.width - _LABEL - 1, _NARROWEST), _WIDEST)
    start = min((now, *(life.published_since for life in lives)))
    scale = _Scale(start, max((now, *(life.gone_at for life in lives))), width)
    margin = " " * _LABEL
    lines = [Text(margin + line, style="dim") for line in _axis(scale, now)]
    alg = None
    for life in lives:
        if life.record.alg != alg:
            alg = life.record.alg
            lines.append(Text(alg, style="bold"))
        colour = _COLOURS[life.record.state.value]
        lines.append(
            Text.assemble((f"  {life.record.state.value:<{_LABEL - 2}}", colour), (_bar(life, scale), colour))
        )
        lines.append(Text(margin + life.record.kid))
        lines.extend(Text(f"{margin}{fact}", style="dim") for fact in _facts(life, now))
    lines.append(Text(margin + _LEGEND, style="dim"))
    if late:
        lines.append(Text(late_alarm(late), style="bold red"))
    for line in lines:
        console.print(line, soft_wrap=True)


def plain_table(lives: Sequence[KeyLife]) -> Iterator[str]:
    """The same facts as lines with aligned columns, for files, pipes and screen readers. Times are UTC."""
    head = ("KID", "ALG", "STATE", "PUBLISHED SINCE", "SIGNS FROM", "SIGNS UNTIL", "GONE AT")
    rows = [head, *(_row(life) for life in lives)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def late_alarm(late: float) -> str:
    """One sentence for a schedule that has fallen behind."""
    return f"The key schedule is {duration_words(late)} late: start the service, and it catches up by itself."


def _row(life: KeyLife) -> tuple[str, ...]:
    moments = (life.published_since, life.signs_from, life.signs_until, life.gone_at)
    dates = ("-" if at is None else _date(at).replace(" ", "T") + "Z" for at in moments)
    return (life.record.kid, life.record.alg, life.record.state.value, *dates)


def _facts(life: KeyLife, now: float) -> Iterator[str]:
    """What a person wants to know of this key, in the order in which it happens."""
    state = life.record.state.value
    yield f"published since {_date(life.published_since)}"
    if life.signs_from is not None and life.signs_until is not None:
        if state == "next":
            yield f"signs from {_when(life.signs_from, now)}"
        if state in ("next", "current"):
            yield f"signs until {_when(life.signs_until, now)}"
        else:
            yield f"signed until {_when(life.signs_until, now)}"
    yield f"{'denied until' if state == 'revoked' else 'gone at'} {_when(life.gone_at, now)}"


def _bar(life: KeyLife, scale: _Scale) -> str:
    """Each phase has its columns, and at least one; short phases are drawn over long ones."""
    cells = [" "] * scale.width
    for begin, end, mark in sorted(_phases(life), key=lambda phase: phase[0] - phase[1]):
        first, last = scale.column(begin), scale.column(end)
        for column in range(first, max(last, first + 1)):
            cells[column] = mark
    return "".join(cells).rstrip()


def _phases(life: KeyLife) -> Iterator[tuple[float, float, str]]:
    stopped = life.record.retired_at or life.published_since  # of a key that was revoked before it signed
    signs_from = life.signs_from if life.signs_from is not None else stopped
    signs_until = life.signs_until if life.signs_until is not None else stopped
    last = _DENIED if life.record.state.value == "revoked" else _VERIFIES
    for begin, end, mark in (
        (life.published_since, signs_from, _PUBLISHED),
        (signs_from, signs_until, _SIGNS),
        (signs_until, life.gone_at, last),
    ):
        if end > begin:
            yield begin, end, mark


def _axis(scale: _Scale, now: float) -> tuple[str, str]:
    """A line of dates and one of columns, with the present marked on both; what does not fit is left out."""
    column = scale.column(now)
    left, right = _date(scale.start)[:10], _date(scale.end)[:10]
    labels = [" "] * scale.width
    for text, place in (("now", column - 1), (left, 0), (right, scale.width - len(right))):
        place = min(max(place, 0), scale.width - len(text))
        room = labels[max(place - 1, 0) : place + len(text) + 1]
        if not "".join(room).strip():
            labels[place : place + len(text)] = text
    return "".join(labels).rstrip(), "─" * column + "┬" + "─" * (scale.width - column - 1)


def _date(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))


def _when(at: float, now: float) -> str:
    away = duration_words(abs(at - now))
    return f"{_date(at)} ({'in ' + away if at >= now else away + ' ago'})"
