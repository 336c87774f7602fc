"""Writing a plan: what is added, what changes member by member, what goes, and secrets shown once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mintmark.cli.terminal import print_json, printable, say

if TYPE_CHECKING:
    from mintmark.authorization_server.registry.carrying_out import Done
    from mintmark.authorization_server.registry.planning import Change, Member

__all__ = ["lines", "tell"]

_SIGNS = {"add": "+", "change": "~", "remove": "-", "leave": "?"}
_SECRET_WORDS = {None: "removed", "made": "made by us, and shown once", "named": "as the file says"}
_WORDS = {"add": "added", "change": "changed", "remove": "removed"}


def tell(
    done: Done, *, as_json: bool, dry_run: bool = False, files: Mapping[str, Path] | None = None
) -> None:
    """Write what was done, or would be.

    :param files: where secrets were written, by client; they are not shown then.
    """
    shown = {} if files else done.secrets
    if as_json:
        print_json(
            {
                "changes": [_as_json(change) for change in done.changes],
                "dry_run": dry_run,
                "grants_ended": done.ended,
                "client_secrets": shown,
                "client_secret_files": {name: str(path) for name, path in (files or {}).items()},
            }
        )
        return
    for line in (*lines(done, dry_run=dry_run), *_secrets(shown, files or {})):
        say(line)


def lines(done: Done, *, dry_run: bool = False) -> Iterator[str]:
    """Write a plan for people."""
    for change in done.changes:
        yield f"{_SIGNS[change.action]} {change.table} {_text(change.name)}{_aside(change, done, dry_run)}"
        width = max((len(member.name) for member in change.members), default=0)
        for member in change.members:
            yield f"    {printable(member.name):<{width}}  {_difference(member)}"
    yield _summary(done, dry_run)


def _aside(change: Change, done: Done, dry_run: bool) -> str:
    if change.action == "leave":
        return " is not in the file, and stays; --prune removes it"
    if change.action != "remove" or change.table != "clients":
        return ""
    if dry_run:
        return "; its grants would end, and its tokens be refused"
    ended = done.ended.get(change.name, 0)
    return f"; {ended} {'grant has' if ended == 1 else 'grants have'} ended, and its tokens are refused"


def _difference(member: Member) -> str:
    """Show lists by what is new and what goes, everything else as it was and as it is."""
    before, after = member.before, member.after
    if member.name == "client_secret":
        return _SECRET_WORDS[after] if before is None or after is None else f"another: {_SECRET_WORDS[after]}"
    if isinstance(before, list) and isinstance(after, list):
        new = [f"+ {_text(item)}" for item in after if item not in before]
        gone = [f"- {_text(item)}" for item in before if item not in after]
        if new or gone:
            return "  ".join((*new, *gone))
    return _text(after) if before is None else f"{_text(before)} -> {_text(after)}"


def _text(value: Any) -> str:
    return "(none)" if value is None else printable(json.dumps(value, ensure_ascii=False))


def _summary(done: Done, dry_run: bool) -> str:
    counts = Counter(change.action.value for change in done.changes if change.is_due)
    if not counts:
        return "Nothing changes."
    said = ", ".join(f"{counts[action]} {word}" for action, word in _WORDS.items() if counts[action])
    return f"It would be {said}; nothing was done." if dry_run else f"{said[0].upper()}{said[1:]}."


def _secrets(shown: Mapping[str, str], files: Mapping[str, Path]) -> Iterator[str]:
    for client_id, path in files.items():
        yield f"The secret of {_text(client_id)} is in {path}, which only you can read."
    for client_id, secret in shown.items():
        yield f"The secret of {_text(client_id)}, which is not shown again:"
        yield f"    {secret}"


def _as_json(change: Change) -> dict[str, Any]:
    return {
        "table": change.table.value,
        "name": change.name,
        "action": change.action.value,
        "members": {member.name: {"from": member.before, "to": member.after} for member in change.members},
    }
