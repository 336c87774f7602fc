"""Timing: every contender gets a slice of each round, so that a slow moment of the machine hits all alike,
and a disturbed race is run again.

What is counted is processor time of the thread, so that other work on the machine counts little.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from json import dumps, loads
from math import inf
from statistics import median
from time import sleep, thread_time

__all__ = ["Contender", "Result", "race", "say", "show", "silence_the_rest"]

SLICE_SECONDS = 0.002
WARM_UP = 3
BUNCH = 64  # calls whose inputs are made together: just before, as a request's are, and not out of the caches
ROUNDS = 31
RACES = 8  # at most: the first calm one ends it
CALM = 1.06  # the yardstick's median against its best
LOOKS, LOOK_EVERY = 50, 0.03  # how its best is found before, over a second and a half


@dataclass(frozen=True)
class Contender:
    """One way to do the thing; ``make_inputs`` gives fresh inputs for n calls, outside of the time."""

    name: str
    call: Callable[[object], object]
    make_inputs: Callable[[int], Sequence[object]] = lambda count: [None] * count
    most: int = 20_000


@dataclass(frozen=True)
class Result:
    """How long one call took, in microseconds; None with the reason where it could not be done.

    The median round is of the calmest race; the best, of all races, had the least of other work beside it.
    """

    name: str
    microseconds: float | None
    best: float = 0.0
    reason: str = ""


_YARDSTICK = Contender("", lambda _: loads(dumps({"text": "0123456789" * 20, "numbers": list(range(20))})))


def _slice(contender: Contender, count: int) -> float:
    call, spent, left = contender.call, 0.0, count
    for item in contender.make_inputs(WARM_UP):  # the processor's caches hold the one before
        call(item)
    while left > 0:
        inputs = contender.make_inputs(min(left, BUNCH))
        left -= BUNCH
        start = thread_time()
        for item in inputs:
            call(item)
        spent += thread_time() - start
    return spent / count


def race(contenders: Sequence[Contender]) -> dict[str, Result]:
    """Return the median time of one call for each contender, in the calmest of a few races.

    Beside a busy neighbour an operation takes half as long again, and what touches more code and data suffers
    more. How calm a race was says the yardstick alone, which is none of the contenders: by how far its median
    is from the best that was seen of it.
    """
    counts, broken = _counts([_YARDSTICK, *contenders])
    runners = [contender for contender in (_YARDSTICK, *contenders) if contender.name in counts]
    best = {_YARDSTICK.name: _best_of_a_while(_YARDSTICK, counts[_YARDSTICK.name])}
    calmest: dict[str, list[float]] = {}
    for _ in range(RACES):
        times = _rounds(runners, counts)
        best = {name: min(best.get(name, inf), *spent) for name, spent in times.items()}
        if not calmest or _middle(times) < _middle(calmest):
            calmest = times
        if _middle(calmest) <= CALM * best[_YARDSTICK.name]:
            break
    else:
        slower = _middle(calmest) / best[_YARDSTICK.name]
        say(f"\n(disturbed, in the next: the yardstick took {slower:.2f} times its best)")
    found = {name: Result(name, median(spent) * 1e6, best[name] * 1e6) for name, spent in calmest.items()}
    return {each.name: found.get(each.name) or broken[each.name] for each in contenders}


def _middle(times: dict[str, list[float]]) -> float:
    return median(times[_YARDSTICK.name])


def _counts(contenders: Sequence[Contender]) -> tuple[dict[str, int], dict[str, Result]]:
    """Return how many calls of each fill a slice, and those that cannot be called at all."""
    counts: dict[str, int] = {}
    broken: dict[str, Result] = {}
    for contender in contenders:
        try:
            _slice(contender, 2)
            once = min(_slice(contender, 5) for _ in range(3))
            counts[contender.name] = max(3, min(contender.most, int(SLICE_SECONDS / once)))
        except Exception as error:
            broken[contender.name] = Result(
                contender.name, None, reason=f"{type(error).__name__}: {error}"[:70]
            )
    return counts, broken


def _best_of_a_while(contender: Contender, count: int) -> float:
    found = inf
    for _ in range(LOOKS):
        found = min(found, _slice(contender, count))
        sleep(LOOK_EVERY)
    return found


def _rounds(contenders: Sequence[Contender], counts: dict[str, int]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    gc.collect()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            for contender in contenders:
                times[contender.name].append(_slice(contender, counts[contender.name]))
    finally:
        gc.enable()
    return times


def show(
    title: str, results: dict[str, Result], *, base: str, unavailable: dict[str, str] | None = None
) -> None:
    """Print one table; ratios are to the contender named ``base``."""
    say(f"\n{title}")
    say(f"  {'':<28} {'median':>13} {'ratio':>10} {'of best':>10}")
    bare = results[base]
    for result in results.values():
        if result.microseconds is None:
            say(f"  {result.name:<28} {'-':>10}            {result.reason}")
            continue
        ratio = ""
        if bare.microseconds:
            ratio = f"{result.microseconds / bare.microseconds:8.2f} x {result.best / bare.best:8.2f} x"
        say(f"  {result.name:<28} {result.microseconds:>10.2f} µs {ratio}")
    for name, reason in (unavailable or {}).items():
        say(f"  {name:<28} {'-':>10}            {reason}")


_OUT = os.fdopen(os.dup(1), "w", encoding="utf-8")


def silence_the_rest() -> None:
    """Let nothing but :func:`say` reach standard output: some peers print while they work."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def say(line: str = "") -> None:
    """Print one line at once."""
    _OUT.write(line + "\n")
    _OUT.flush()
