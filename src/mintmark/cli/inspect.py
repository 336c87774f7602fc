"""``mintmark inspect``: take a token apart without any key, and without believing it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from mintmark.cli.inputs import present, read_bytes
from mintmark.cli.options import Json, Token
from mintmark.cli.terminal import date_words, is_time, print_json, printable, say

if TYPE_CHECKING:
    from mintmark.jwt.inspection import Unverified

__all__ = ["inspect", "show_members"]

TOKEN = typer.Argument(
    None, metavar="[TOKEN|FILE|-]", help="The token, a file that holds it, or - to read it."
)
JSON = typer.Option(False, "--json", help="Write JSON.")

_TIMES = ("exp", "nbf", "iat", "auth_time", "updated_at")


def inspect(token: Token = None, as_json: Json = False) -> int:
    """Show what a token says. Nothing is verified: anybody can write such a text.

    Takes what people paste: with "Bearer" in front, in quotes, over several lines, damaged.
    """
    from mintmark.jwt.inspection import inspect as take_apart

    seen = take_apart(read_bytes(present(token), "a token"))
    if as_json:
        print_json(_as_json(seen))
    else:
        _show(seen)
    return 1 if seen.kind == "unknown" else 0


def _as_json(seen: Unverified) -> dict[str, Any]:
    return {
        "verified": False,
        "kind": seen.kind,
        "recognised": seen.recognised,
        "header": seen.header,
        "claims": seen.claims,
        "problems": [problem.details() for problem in seen.problems],
        "notes": seen.notes,
    }


def _show(seen: Unverified) -> None:
    say(f"NOT VERIFIED: {seen.recognised}")
    for note in seen.notes:
        say(f"  note: {note}")
    if seen.header:
        say("\nheader")
        show_members(seen.header)
    if seen.claims is not None:
        say("\nclaims")
        show_members(seen.claims)
    elif seen.kind == "jwe":
        say("\nIts content is encrypted: mintmark decrypt --key FILE")
    if seen.problems:
        say("\nproblems")
        for problem in seen.problems:
            say(f"  {printable(problem.message)}")


def show_members(members: Mapping[str, Any]) -> None:
    """Write members one per line, times with their date. What could rewrite a terminal is made visible."""
    width = max((len(printable(name)) for name in members), default=0)
    for name, value in members.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_plain)
        date = f"  {date_words(value)}" if name in _TIMES and is_time(value) else ""
        say(f"  {printable(name):<{width}}  {printable(text)}{date}")


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else list(value)
