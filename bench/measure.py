"""Timing: contenders take turns, each for about a millisecond, and what was disturbed is left out.

What is counted is processor time of the thread, so that other work on this processor counts little. Work on
the one that shares the core counts all the same; it comes and goes by the millisecond.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from json import dumps, loads
from statistics import median
from time import monotonic, thread_time

__all__ = ["Contender", "Result", "race", "say", "show", "silence_the_rest"]

SLICE_SECONDS = 0.0004
WARM_UP_SECONDS = 0.0008  # until the processor's caches hold nothing of the one before
BUNCH = 64  # calls whose inputs are made together: just before, as a request's are, and not out of the caches
ENOUGH = 60  # undisturbed slices of each contender
MOST_SECONDS = 20.0
CALM = 1.06  # the yardstick against its best
COLLECT_EVERY = 50  # rounds


@dataclass(frozen=True)
class Contender:
    """One way to do the thing; ``make_inputs`` gives fresh inputs for n calls, outside of the time."""

    name: str
    call: Callable[[object], object]
    make_inputs: Callable[[int], Sequence[object]] = lambda count: [None] * count


@dataclass(frozen=True)
class Result:
    """How long one call took, in microseconds; None with the reason where it could not be done."""

    name: str
    microseconds: float | None
    reason: str = ""


@dataclass(frozen=True)
class _Slice:
    """How long one call took, and the yardstick just before or just after, whichever was slower."""

    seconds: float
    yardstick: float


_YARDSTICK = Contender("", lambda _: loads(dumps({"text": "0123456789" * 20, "numbers": list(range(20))})))
_LOOK = 16  # calls of it


def race(contenders: Sequence[Contender]) -> dict[str, Result]:
    """Return the median time of one call for each contender, of its undisturbed slices.

    Beside a busy neighbour an operation takes half as long again, and what touches more code and data suffers
    more. Whether a slice was disturbed says the yardstick alone, before and after it: none of the contenders.
    A call of a millisecond or longer fills a slice by itself, and shows a few hundredths too much at times.
    """
    counts, broken = _counts(contenders)
    runners = [contender for contender in contenders if contender.name in counts]
    slices, best = _slices(runners, counts)
    found, worst = dict(broken), 0.0
    for name, taken in slices.items():
        calmest = sorted(taken, key=lambda each: each.yardstick)[:ENOUGH]
        worst = max(worst, calmest[-1].yardstick / best)
        found[name] = Result(name, median(each.seconds for each in calmest) * 1e6)
    if worst > CALM:
        say(f"\n(disturbed, in the next: the yardstick took up to {worst:.2f} times its best)")
    return {each.name: found[each.name] for each in contenders}


def _counts(contenders: Sequence[Contender]) -> tuple[dict[str, tuple[int, int]], dict[str, Result]]:
    """Return how many calls of each fill a slice and its warm-up, and those that cannot be called at all."""
    counts: dict[str, tuple[int, int]] = {}
    broken: dict[str, Result] = {}
    for contender in contenders:
        try:
            _spent(contender, 2)
            once = min(_spent(contender, 5) for _ in range(3))
            counts[contender.name] = (
                max(1, round(SLICE_SECONDS / once)),
                max(2, round(WARM_UP_SECONDS / once)),
            )
        except Exception as error:
            broken[contender.name] = Result(
                contender.name, None, reason=f"{type(error).__name__}: {error}"[:70]
            )
    return counts, broken


def _slices(
    contenders: Sequence[Contender], counts: dict[str, tuple[int, int]]
) -> tuple[dict[str, list[_Slice]], float]:
    """Take turns until each has enough undisturbed slices or the time is over; return also the best look."""
    taken: dict[str, list[_Slice]] = {contender.name: [] for contender in contenders}
    best, rounds, end = _spent(_YARDSTICK, _LOOK), 0, monotonic() + MOST_SECONDS
    gc.disable()
    try:
        while rounds < ENOUGH or (
            monotonic() < end
            and any(sum(each.yardstick <= CALM * best for each in mine) < ENOUGH for mine in taken.values())
        ):
            if rounds % COLLECT_EVERY == 0:
                gc.collect()
            rounds += 1
            after = _spent(_YARDSTICK, _LOOK)
            for contender in contenders:
                before, seconds = after, _spent(contender, *counts[contender.name])
                after = _spent(_YARDSTICK, _LOOK)
                best = min(best, after)
                taken[contender.name].append(_Slice(seconds, max(before, after)))
    finally:
        gc.enable()
    return taken, best


def _spent(contender: Contender, count: int, warm_up: int = 2) -> float:
    """Return the seconds that one call took, over so many, after others that do not count."""
    _seconds(contender, warm_up)
    return _seconds(contender, count) / count


def _seconds(contender: Contender, count: int) -> float:
    call, spent = contender.call, 0.0
    for left in range(count, 0, -BUNCH):
        inputs = contender.make_inputs(min(left, BUNCH))
        start = thread_time()
        for item in inputs:
            call(item)
        spent += thread_time() - start
    return spent


def show(
    title: str, results: dict[str, Result], *, base: str, unavailable: dict[str, str] | None = None
) -> None:
    """Print one table; ratios are to the contender named ``base``."""
    say(f"\n{title}")
    say(f"  {'':<28} {'median':>13} {'ratio':>10}")
    bare = results[base]
    for result in results.values():
        if result.microseconds is None:
            say(f"  {result.name:<28} {'-':>10}            {result.reason}")
            continue
        ratio = ""
        if bare.microseconds:
            ratio = f"{result.microseconds / bare.microseconds:8.2f} x"
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
