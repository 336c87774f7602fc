"""Walks the steps in order, shows each check as it is made, and says at the end whether all held."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from mintmark.demo.story.checks import Check, Step
from mintmark.demo.story.world import World

__all__ = ["walk"]


def walk(steps: Sequence[Step], world: World, console: Console) -> bool:
    """Walk ``steps``, up to the first in which a check fails; return whether every check held."""
    began = time.monotonic()
    count = 0
    for number, step in enumerate(steps, start=1):
        console.print(f"[bold]{number:>2}  {escape(step.name)}[/bold]", highlight=False)
        step_began = time.monotonic()
        checks = _walk_one(step, world, console)
        count += len(checks)
        failed = sum(not check.ok for check in checks)
        console.print(f"    [dim]{time.monotonic() - step_began:.2f} s[/dim]", highlight=False)
        if failed or not checks:
            console.print(
                f"\n[bold red]The story stops here: {failed} of {count} checks did not hold.[/bold red]",
                highlight=False,
            )
            return False
    console.print(
        f"\n[bold green]All {count} checks of {len(steps)} steps held, in {time.monotonic() - began:.1f} s."
        "[/bold green]",
        highlight=False,
    )
    return True


def _walk_one(step: Step, world: World, console: Console) -> list[Check]:
    checks: list[Check] = []
    try:
        for check in step.walk(world):
            checks.append(check)
            _show(check, console)
    except Exception as error:  # a story that cannot go on is told like a check that failed
        checks.append(
            Check("the step can be walked to its end", False, "", f"{type(error).__name__}: {error}")
        )
        _show(checks[-1], console)
    return checks


def _show(check: Check, console: Console) -> None:
    if check.ok:
        console.print(f"    [green]✓[/green] {escape(check.what)}", highlight=False)
        return
    expected = f"expected {check.expected}, got " if check.expected else ""
    console.print(
        f"    [bold red]✗ {escape(check.what)}[/bold red]\n      {escape(expected + check.actual)}",
        highlight=False,
    )
