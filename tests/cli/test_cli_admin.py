"""admin: the key timeline, the key that seals keys, backups; on a database of its own, without a server."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sqlite3
import string
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mintmark.authorization_server.assembly import opened
from mintmark.authorization_server.keys import KeyPolicy, key_lives
from mintmark.authorization_server.settings_file import load_settings
from mintmark.authorization_server.storage.records import KeyRecord, KeyState
from mintmark.cli.admin import timeline

from .conftest import Run

NOW = 1_800_000_000.0
DAY = 86400.0
VARIABLE = "MINTMARK_KEY_ENCRYPTION_KEY"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a service that has been started once, and no settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("MINTMARK_"):
            monkeypatch.delenv(name)

    async def start() -> None:
        settings = load_settings(
            None, defaults={"issuer": "http://127.0.0.1", "database": "sqlite:///mintmark.db"}
        )
        async with opened(settings):
            pass

    asyncio.run(start())
    return tmp_path


def refused(run: Run, *arguments: object) -> str:
    outcome = run("admin", *arguments)
    assert outcome.status == 2, (outcome.out, outcome.err)
    assert outcome.out == ""
    assert outcome.err.startswith("mintmark: ")
    assert outcome.err.count("\n") == 1
    return outcome.err


def key(letter: str, state: KeyState, created: float, signs: float | None, **more: float) -> KeyRecord:
    times: dict[str, Any] = {
        "retired_at": None,
        "gone_at": None,
        **{name: NOW + at for name, at in more.items()},
    }
    since = None if signs is None or state is KeyState.NEXT else NOW + signs
    activates = NOW + (signs if signs is not None else created)
    return KeyRecord(
        letter * 43, "ES256", state, {}, NOW + created, activates, since, token_lifetime=600.0, **times
    )


TIMELINE = (
    key("c", KeyState.CURRENT, -26 * DAY, -25 * DAY),
    key("n", KeyState.NEXT, -0.5 * DAY, 0.5 * DAY),
    key("p", KeyState.PREVIOUS, -56 * DAY, -55 * DAY, retired_at=-60, gone_at=570),
    key("r", KeyState.REVOKED, -3 * DAY, None, retired_at=-DAY, gone_at=DAY),
)


@pytest.mark.parametrize("width", [20, 80, 200])
def test_the_timeline_is_drawn_as_bars_over_dates(width: int) -> None:
    lives = key_lives(TIMELINE, NOW, KeyPolicy())
    out = io.StringIO()
    timeline.draw(Console(file=out, width=width, force_terminal=True, color_system=None), lives, NOW, 7200)
    lines = out.getvalue().splitlines()
    assert "now" in lines[0]
    bars = {line.split()[0]: line for line in lines if line.startswith("  ") and line[2] != " "}
    assert bars["next"].strip().startswith("next")
    assert set("".join(bars["next"].split()[1:])) == {"░", "█", "▒"}
    assert set("".join(bars["current"].split()[1:])) <= {"░", "█", "▒"}
    assert bars["revoked"].endswith("╳")
    assert bars["next"].index("░") >= bars["current"].index("█")
    text = out.getvalue()
    for record in TIMELINE:
        assert record.kid in text  # whole, to be copied
    assert "published since 2027-01-14 20:00" in text
    assert "signs from 2027-01-15 20:00 (in 12 hours)" in text
    assert "signs until 2027-01-15 20:00 (in 12 hours)" in text
    assert "signed until 2027-01-15 07:59 (1 minute ago)" in text
    assert "gone at 2027-01-15 08:09" in text
    assert "denied until 2027-01-16 08:00" in text
    assert "The key schedule is 2 hours late" in lines[-1]


def test_without_a_terminal_it_is_a_table_and_json_stays_as_it_was(run: Run, here: Path) -> None:
    head, *rows = run("admin", "keys", "list").out.splitlines()
    assert head.split("  ")[0].strip() == "KID"
    assert "SIGNS UNTIL" in head
    assert [row.split()[1:3] for row in rows] == [["ES256", "current"], ["RS256", "current"]]
    assert all(row.split()[-1].endswith("Z") for row in rows)
    shown = json.loads(run("admin", "keys", "list", "--json").out)["keys"]
    assert {row.split()[0] for row in rows} == {key["kid"] for key in shown}
    assert set(shown[0]) == {"kid", "alg", "state", "created_at", "activates_at", "gone_at"}


def test_on_a_terminal_it_is_drawn(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    out = run("admin", "keys", "list").out
    assert "█" in out
    assert "signs until" in out


def test_listing_changes_nothing_and_shows_that_the_schedule_is_late(run: Run, here: Path) -> None:
    with sqlite3.connect(here / "mintmark.db") as database:
        database.execute("update signing_keys set signing_since = ?", (time.time() - 40 * DAY,))
    database.close()
    for _ in range(2):
        out = run("admin", "keys", "list").out
        assert "late" in out.splitlines()[-1]
        assert "next" not in out


def test_P8_the_key_encryption_key_is_changed_and_the_old_one_forgotten(run: Run, here: Path) -> None:
    file = here / "mintmark.db.kek"
    before = json.loads(file.read_text())["keys"]
    changed = run("admin", "keys", "change-key-encryption-key")
    assert changed.status == 0, changed.err
    assert "mintmark.db.kek" in changed.out
    both = json.loads(file.read_text())["keys"]
    assert both[1:] == before
    assert file.stat().st_mode & 0o777 == 0o600
    assert "1 old key is forgotten" in run("admin", "keys", "forget-old-key-encryption-keys").out
    assert json.loads(file.read_text())["keys"] == both[:1]
    assert run("admin", "keys", "rotate").status == 0  # opens everything with the new key alone
    for secret in (each["k"] for each in both):
        assert secret not in changed.out + changed.err


def test_P8_an_old_key_that_is_still_needed_is_not_forgotten(run: Run, here: Path) -> None:
    file = here / "mintmark.db.kek"
    old = file.read_text()
    run("admin", "keys", "change-key-encryption-key")
    new, _ = json.loads(file.read_text())["keys"]
    run("admin", "keys", "forget-old-key-encryption-keys")
    (stranger,) = json.loads(old)["keys"]
    file.write_text(json.dumps({"keys": [stranger, new]}))
    assert "still sealed" in refused(run, "keys", "forget-old-key-encryption-keys")
    file.write_text(old)
    assert "does not open" in refused(run, "keys", "change-key-encryption-key")
    file.chmod(0o644)
    assert "chmod 600" in refused(run, "keys", "change-key-encryption-key")


def test_P8_a_key_from_the_environment_is_changed_there(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = here / "mintmark.db.kek"
    (old,) = json.loads(file.read_text())["keys"]
    run("admin", "keys", "change-key-encryption-key")
    new, _ = json.loads(file.read_text())["keys"]
    file.unlink()
    monkeypatch.setenv(VARIABLE, json.dumps({"keys": [old, new]}))
    assert f"${VARIABLE}" in run("admin", "keys", "change-key-encryption-key").out
    assert not file.exists()
    monkeypatch.setenv(VARIABLE, json.dumps(old))
    assert run("admin", "keys", "rotate").status == 0
    assert "JWK set" in refused(run, "keys", "change-key-encryption-key")
    assert VARIABLE in refused(run, "keys", "forget-old-key-encryption-keys")


def test_people_have_groups_and_attributes_for_claim_rules(run: Run, here: Path) -> None:
    password = ("--password-file", "-")
    facts = ("--group", "north", "--group", "night", "--attribute", "department=sales=east")
    added = run(
        "admin", "people", "add", "carol", *facts, *password, "--json", stdin=b"a long and pleasant one"
    )
    assert added.status == 0, added.err
    carol = json.loads(added.out)
    assert carol["groups"] == ["north", "night"]
    assert carol["attributes"] == {"department": "sales=east"}
    for wrong in ("department", "=sales"):
        assert "NAME=TEXT" in refused(run, "people", "add", "dave", "--attribute", wrong, *password)


ADD = ("admin", "people", "add", "--password-file", "-")


def test_people_are_listed_under_a_heading_and_erased(run: Run, here: Path) -> None:
    for name in ("carol", "dan"):
        added = run(*ADD, name, "--name", name.title(), stdin=b"a long and pleasant one")
        assert added.status == 0, added.err
    heading, *rows = run("admin", "people", "list").out.splitlines()
    assert heading.split() == ["USERNAME", "NAME", "ROLES"]
    assert [row.split()[0] for row in rows] == ["carol", "dan"]
    assert heading.index("NAME", 8) == rows[0].index("Carol")
    assert "--yes" in refused(run, "people", "remove", "carol")
    assert "nobody is called" in refused(run, "people", "remove", "erin")
    removed = run("admin", "people", "remove", "carol", "--yes")
    assert removed.status == 0, removed.err
    assert "carol" not in run("admin", "people", "list").out
    assert run("admin", "people", "remove", "dan", "--yes").status == 0
    assert run("admin", "people", "list").out.startswith("Nobody has an account")


def test_nobody_is_asked_for_a_password_in_vain(run: Run, here: Path) -> None:
    added = run(*ADD, "carol", stdin=b"a long and pleasant one")
    assert added.status == 0, added.err
    assert "is taken" in refused(run, "people", "add", "Carol")
    assert "nobody is called" in refused(run, "people", "set-password", "dave")
    assert "no terminal" in refused(run, "people", "add", "dave")


def test_a_kid_may_begin_like_an_option(run: Run, here: Path) -> None:
    for kid in ("-3x", "-XhY_3", "-h", "-hhh", "--abc", "-" + string.ascii_letters + string.digits + "_-"):
        assert f"no signing key '{kid}'" in refused(run, "keys", "revoke", kid)
    assert "KID" in run("admin", "keys", "revoke", "--help").out


def kids(run: Run, *arguments: object) -> set[str]:
    return {key["kid"] for key in json.loads(run("admin", "keys", "list", "--json", *arguments).out)["keys"]}


def test_a_backup_is_restored_and_signs_with_the_same_keys(run: Run, here: Path) -> None:
    before = kids(run)
    made = run("admin", "backup", "saved.db")
    assert made.status == 0, made.err
    assert made.out.count("\n") == 1
    assert "key-encryption key in" in made.out
    assert "apart" in made.out
    assert (here / "saved.db").stat().st_mode & 0o777 == 0o600
    assert run("admin", "keys", "rotate").status == 0  # after the backup
    for name in ("mintmark.db", "mintmark.db-wal", "mintmark.db-shm"):
        (here / name).unlink(missing_ok=True)
    restored = run("admin", "restore", "saved.db")
    assert restored.status == 0, restored.err
    assert "opens it" in restored.out
    assert kids(run) == before
    assert (here / "mintmark.db").stat().st_mode & 0o777 == 0o600
    assert run("admin", "keys", "rotate").status == 0


def test_a_restore_elsewhere_says_which_key_it_needs(run: Run, here: Path) -> None:
    run("admin", "backup", "saved.db")
    restored = run("admin", "restore", "saved.db", "--database", "sqlite:///other.db")
    assert restored.status == 0, restored.err
    assert "before the start, put the key-encryption key" in restored.out
    assert not (here / "other.db.kek").exists()
    assert kids(run, "--database", "sqlite:///other.db") == kids(run)
    asked = run("admin", "restore", "saved.db", "--database", "sqlite:///third.db", "--json")
    assert json.loads(asked.out)["opens"] is False


def test_backup_and_restore_never_overwrite_and_refuse_in_one_line(run: Run, here: Path) -> None:
    run("admin", "backup", "saved.db")
    saved = (here / "saved.db").read_bytes()
    assert "exists already" in refused(run, "backup", "saved.db")
    assert (here / "saved.db").read_bytes() == saved
    assert "exists already: move it away" in refused(run, "restore", "saved.db")
    assert "cannot be written" in refused(run, "backup", "no/such/folder/saved.db")
    assert "no backup" in refused(run, "restore", "nothing.db", "--database", "sqlite:///other.db")
    (here / "text").write_text("this is no database" * 100)
    assert "not a mintmark backup" in refused(run, "restore", "text", "--database", "sqlite:///other.db")
    assert "pg_restore" in refused(run, "restore", "saved.db", "--database", "postgresql://localhost/auth")
    assert not (here / "other.db").exists()
