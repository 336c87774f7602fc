"""``mintmark demo``: start everything, say what to open, stop cleanly. ``--once``: walk the story instead."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mintmark.demo.plan import PERSON, Plan, make_plan
from mintmark.demo.stack import Stack, StackError
from mintmark.demo.story.steps import STORY
from mintmark.demo.story.walk import walk
from mintmark.demo.story.world import World
from mintmark.demo.workspace import workspace
from mintmark.errors import ConfigurationError

__all__ = ["run"]

DONE: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2
INTERRUPTED: Final = 130
PERSON_PACE: Final = {"access_token_lifetime": 60.0, "leeway": 2.0, "key_lead": 60.0}
"""A person sees a refresh happen within a minute."""
STORY_PACE: Final = {"access_token_lifetime": 4.0, "leeway": 0.0, "key_lead": 2.0}
"""The story waits for one token to expire, and for one key to sign."""


def run(
    port: int = 8700,
    once: bool = False,
    keep: Path | None = None,
    *,
    access_token_lifetime: float | None = None,
    log_level: str = "info",
) -> int:
    """Run the demo until Ctrl-C or SIGTERM, or walk its story once.

    :param port: the first of four ports in a row on 127.0.0.1.
    :param once: walk the story, check every step, and end.
    :param keep: a new or empty folder for the demo's files; by default a private one that goes at the end.
    :param access_token_lifetime: seconds; by default a minute, or as short as the story needs.
    :param log_level: of every process: debug, info or warning.
    :returns: the exit status: 0 when all went well, 1 when a check or a process failed, 2 for wrong use,
        130 when the story was interrupted.
    """
    pace = STORY_PACE if once else PERSON_PACE
    if access_token_lifetime is not None:
        pace = pace | {"access_token_lifetime": access_token_lifetime}
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may not know how to write a check mark
    console = Console()
    try:
        plan = make_plan(port, **pace, log_level=log_level)
        with _sigterm_like_ctrl_c(), workspace(keep) as directory, Stack(plan, directory) as stack:
            return _tell(stack, console) if once else _stay(stack, console)
    except KeyboardInterrupt:
        console.print("Stopped.", highlight=False)
        return INTERRUPTED if once else DONE
    except (ConfigurationError, StackError) as error:
        Console(stderr=True).print(
            f"mintmark demo: {error.message}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        return WRONG_USE if isinstance(error, ConfigurationError) else FAILED


def _tell(stack: Stack, console: Console) -> int:
    with World(stack) as world:
        return DONE if walk(STORY, world, console) else FAILED


def _stay(stack: Stack, console: Console) -> NoReturn:
    """Wait for Ctrl-C, and see to it that nothing has ended by itself."""
    _greet(stack.plan, stack.directory, console)
    while True:
        time.sleep(0.5)
        stack.check_running()


def _greet(plan: Plan, directory: Path, console: Console) -> None:
    """Say what to open: in a frame on a terminal, in plain lines elsewhere."""
    doors = {"Open": plan.page, "Sign in as": PERSON, "Password": plan.password}
    behind = {name: plan.url(name) for name in ("issuer", "orders", "billing")} | {
        "logs": str(directory / "logs")
    }
    end = "Ctrl-C ends it; nothing stays behind."
    if not console.is_terminal:
        for name, value in (doors | behind).items():
            console.print(f"{name:<12}{value}", markup=False, highlight=False, soft_wrap=True)
        console.print(end, highlight=False)
        return
    content = Group(_grid(doors, "bold"), "", _grid(behind, ""), "", Text(end, style="dim"))
    console.print(Panel(content, title="mintmark demo", border_style="green", padding=(1, 2), expand=False))


def _grid(rows: Mapping[str, str], style: str) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        grid.add_row(Text(name, style="dim"), Text(value, style=style, overflow="fold"))
    return grid


@contextlib.contextmanager
def _sigterm_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM unwind everything as Ctrl-C does, also while the processes are still starting."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
