"""Rounds in which every contender gets a slice, so that a slow moment of the machine hits all alike."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from load import Caller, drive
from processes import Server

__all__ = ["Contender", "compare", "say", "table"]


@dataclass(frozen=True, slots=True)
class Contender:
    """Who is measured, and what its connections do."""

    server: Server
    callers: Callable[[], Sequence[Caller]]


def say(line: str = "") -> None:
    """Print one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def compare(
    title: str, contenders: Mapping[str, Contender], *, base: str, rounds: int, seconds: float
) -> dict[str, float]:
    """Measure in turns and print units a second: the median, the best round, and the ratio to ``base``.

    The ratio is the median of the rounds' own ratios. Processor time is that of all the server's threads, for
    one unit: it says what a quiet machine would do, also where this one is not.
    """
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    used = dict.fromkeys(contenders, 0.0)
    units = dict.fromkeys(contenders, 0)
    for contender in contenders.values():
        drive(contender.server.port, contender.callers(), seconds=min(1.0, seconds))  # warm
    for _ in range(rounds):
        for name, contender in contenders.items():
            before = contender.server.processor_seconds()
            load = drive(contender.server.port, contender.callers(), seconds=seconds)
            used[name] += contender.server.processor_seconds() - before
            units[name] += load.units
            rates[name].append(load.per_second)
    say(f"\n{title}")
    say(f"  {'':<34} {'median/s':>10} {'best/s':>10} {'ratio':>9} {'cpu µs':>9}")
    for name, each in rates.items():
        ratio = ""
        if base in rates and name != base:
            ratio = f"{statistics.median(a / b for a, b in zip(each, rates[base], strict=True)):.2f} x"
        spent = used[name] / max(units[name], 1) * 1e6
        say(f"  {name:<34} {statistics.median(each):>10,.0f} {max(each):>10,.0f} {ratio:>9} {spent:>9,.0f}")
    return {name: statistics.median(each) for name, each in rates.items()}


def table(title: str, rows: Mapping[str, str]) -> None:
    """Print names and figures."""
    say(f"\n{title}")
    for name, figure in rows.items():
        say(f"  {name:<60} {figure:>14}")
