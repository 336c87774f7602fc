"""What ``clients`` and ``resources`` share: finding entries wherever they stand, and showing them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mintmark.cli.admin.changes import tell
from mintmark.cli.admin.opening import database_of
from mintmark.cli.terminal import date_words, print_json, printable, say, say_table
from mintmark.errors import ConfigurationError

if TYPE_CHECKING:
    from mintmark.authorization_server.registry.carrying_out import Want
    from mintmark.authorization_server.settings import Settings
    from mintmark.authorization_server.storage.records import ClientRecord, ResourceRecord
    from mintmark.cli.admin.secret_files import SecretFiles

__all__ = ["changed", "do", "known", "list_entries", "show_entry"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One client or resource.

    :param source: ``settings`` or ``database``.
    :param left_out: why the service cannot use it, if it cannot.
    """

    name: str
    document: Mapping[str, Any]
    source: str
    left_out: str | None = None
    created_at: float | None = None
    updated_at: float | None = None
    previous_secret_until: float | None = None


def _entries(settings: Settings, table: str) -> list[_Entry]:
    """Return all of a table, those of the settings first."""
    from mintmark.authorization_server.registry.documents import document_of, name_of
    from mintmark.authorization_server.registry.merging import merged
    from mintmark.authorization_server.storage.repositories import registrations

    with database_of(settings) as opened:
        resources, clients = opened.read_now(registrations.every)
    _, left_out = merged(settings, resources, clients)
    reasons = {(row.table, row.name): row.reason for row in left_out}
    registered = settings.clients if table == "clients" else settings.resources
    rows = clients if table == "clients" else resources
    return [
        *(_Entry(name_of(each), document_of(each), "settings") for each in registered),
        *(_of_row(row, reasons.get((table, name_of(row)))) for row in rows),
    ]


def _of_row(row: ResourceRecord | ClientRecord, left_out: str | None) -> _Entry:
    from mintmark.authorization_server.registry.documents import decoded, name_of

    until = getattr(row, "previous_secret_until", None)
    document = decoded(row.document)
    return _Entry(name_of(row), document, "database", left_out, row.created_at, row.updated_at, until)


def list_entries(settings: Settings, table: str, *, about: str, as_json: bool) -> None:
    """Write a line for each entry.

    :param about: the member that stands beside the name.
    """
    found = _entries(settings, table)
    if as_json:
        print_json({table: [_as_json(entry) for entry in found]})
        return
    if not found:
        say(f"There are no {table}; see: mintmark admin {table} add --help")
    rows = []
    for entry in found:
        said = entry.document.get(about, "")
        facts = " ".join(map(str, said)) if isinstance(said, list) else str(said)
        rows.append((entry.name, entry.source, f"left out: {entry.left_out}" if entry.left_out else facts))
    say_table(("AUDIENCE" if table == "resources" else "CLIENT_ID", "SOURCE", about.upper()), rows)


def show_entry(settings: Settings, table: str, name: str, *, as_json: bool) -> None:
    """Write one entry as the table of a file that would say the same."""
    entry = _find(settings, table, name)
    if as_json:
        print_json(_as_json(entry))
        return
    say(f"# registered by the {'settings file' if entry.source == 'settings' else 'database'}")
    if entry.left_out:
        say(f"# left out: {printable(entry.left_out)}")
    if entry.updated_at is not None:
        say(f"# changed {date_words(entry.updated_at)}")
    if entry.previous_secret_until is not None and entry.previous_secret_until > time.time():
        say(f"# the secret before the present one works until {date_words(entry.previous_secret_until)}")
    say(f"[[{table}]]")
    for member, value in entry.document.items():
        say(f"{_toml_key(member)} = {_toml(value)}")


def _find(settings: Settings, table: str, name: str) -> _Entry:
    """Return the entry that the service uses.

    :raises ConfigurationError: there is none.
    """
    found = {entry.name: entry for entry in reversed(_entries(settings, table))}  # the settings win
    return known(settings, table, name, found, changing=False)


def known(settings: Settings, table: str, name: str, found: Mapping[str, T], *, changing: bool = True) -> T:
    """Return the entry of that name.

    :param changing: what the settings register is none of ours.
    :raises ConfigurationError: there is none, or the settings file registers it.
    """
    from mintmark.authorization_server.registrations import did_you_mean
    from mintmark.authorization_server.registry.refusing import refuse_owned

    if changing:
        refuse_owned(settings, table, [name])
    if name not in found:
        hint = did_you_mean(name, found) or f"; see: mintmark admin {table} list"
        raise ConfigurationError(f'{table}: there is no "{printable(name)}"{hint}')
    return found[name]


def do(settings: Settings, want: Want, *, as_json: bool, files: SecretFiles | None = None) -> None:
    """Make one change and tell it."""
    from mintmark.authorization_server.registry.carrying_out import carry_out

    hold = files.hold if files is not None else None
    with database_of(settings) as opened:
        done = carry_out(opened, settings, want, time.time(), hold=hold)
    tell(done, as_json=as_json, files=files.written if files is not None else None)


def changed(
    document: Mapping[str, Any], said: Mapping[str, Any], unset: list[str] | None, known: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a document with what the options say, and without what they unset.

    :raises ConfigurationError: a member that there is not, or that is set and unset at once.
    """
    from mintmark.authorization_server.registrations import did_you_mean

    for member in unset or ():
        if member not in known and member not in document:
            raise ConfigurationError(
                f"--unset {printable(member)}: no such member{did_you_mean(member, known)}"
            )
        if member in said:
            raise ConfigurationError(f"--unset {member}: it is set as well; keep one of the two")
    return {name: value for name, value in {**document, **said}.items() if name not in (unset or ())}


def _as_json(entry: _Entry) -> dict[str, Any]:
    return {
        "registered_by": entry.source,
        "left_out": entry.left_out,
        "created_at": entry.created_at,
        "updated_at": entry.updated_at,
        "previous_secret_until": entry.previous_secret_until,
        "document": entry.document,
    }


def _toml_key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else _toml(name)


def _toml(value: Any) -> str:
    """Write a JSON value on one line. JSON's strings are TOML's; what cannot be shown is escaped."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_toml_key(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)
