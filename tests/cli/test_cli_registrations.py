"""admin apply, clients and resources: what they show, change and refuse, and how they exit."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sqlite3
import tomllib
from pathlib import Path

import pytest

from mintmark.authorization_server.storage import Database

from .conftest import Outcome, Run

SETTINGS = """
issuer = "http://127.0.0.1:8700"
database = "sqlite:///auth.db"

[[resources]]
audience = "billing"
scopes = ["billing:read"]

[[clients]]
client_id = "old-hand"
kind = "public"
redirect_uris = ["https://old.example/"]
grants = ["authorization_code"]
"""
FLEET = """
[[resources]]
audience = "orders"
name = "Orders"
scopes = ["orders:read", "orders:write"]
claims = [{ claim = "department", source = "attributes.department" }]

[[clients]]
client_id = "shop"
kind = "public"
redirect_uris = ["https://shop.example/callback"]
grants = ["authorization_code", "refresh_token"]
resources = ["orders", "billing"]
scopes = ["openid", "orders:read"]

[[clients]]
client_id = "https://job.example/"
kind = "confidential"
grants = ["client_credentials"]
resources = ["orders"]
scopes = ["orders:write"]

[[people]]
username = "alice"
roles = ["clerk"]
"""
SECRET = re.compile(r"mms_[A-Za-z0-9_-]{43}")
JOB = "https://job.example/"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database to copy: making one costs more than most tests."""
    path = tmp_path_factory.mktemp("empty") / "auth.db"
    Database.open(f"sqlite:///{path}").close_now()
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: Path) -> Path:
    """A folder with settings, a file to apply, and a database: no keys, since none are needed."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("MINTMARK_"):
            monkeypatch.delenv(name)
    (tmp_path / "mintmark.toml").write_text(SETTINGS)
    (tmp_path / "fleet.toml").write_text(FLEET)
    shutil.copy(empty, tmp_path / "auth.db")
    return tmp_path


def done(run: Run, *arguments: object, stdin: bytes = b"") -> str:
    outcome: Outcome = run("admin", *arguments, stdin=stdin)
    assert outcome.status == 0, (outcome.out, outcome.err)
    assert outcome.err == ""
    return outcome.out


def refused(run: Run, *arguments: object, stdin: bytes = b"") -> str:
    outcome = run("admin", *arguments, stdin=stdin)
    assert outcome.status == 2, (outcome.out, outcome.err)
    assert outcome.out == ""
    assert outcome.err.startswith("mintmark: ")
    assert outcome.err.count("\n") == 1
    assert outcome.err.rstrip("\n").isprintable()
    return outcome.err


def test_a_dry_run_shows_the_difference_and_says_by_its_status_whether_there_is_any(
    run: Run, here: Path
) -> None:
    outcome = run("admin", "apply", "fleet.toml", "--dry-run")
    assert outcome.status == 1
    assert '+ resources "orders"\n    name    "Orders"\n' in outcome.out
    assert '+ clients "https://job.example/"\n' in outcome.out
    assert "client_secret  made by us, and shown once" in outcome.out
    assert "It would be 4 added; nothing was done." in outcome.out
    assert not SECRET.search(outcome.out)
    assert run("admin", "apply", "fleet.toml", "--dry-run").out == outcome.out  # nothing was done
    done(run, "apply", "fleet.toml")
    same = run("admin", "apply", "fleet.toml", "--dry-run")
    assert (same.status, same.out) == (0, "Nothing changes.\n")


def test_apply_shows_each_secret_once_and_a_second_run_changes_nothing(run: Run, here: Path) -> None:
    out = done(run, "apply", "fleet.toml")
    assert len(SECRET.findall(out)) == 1
    assert 'The secret of "https://job.example/", which is not shown again:' in out
    assert done(run, "apply", "fleet.toml") == "Nothing changes.\n"
    told = json.loads(done(run, "apply", "fleet.toml", "--json"))
    assert told == {
        "changes": [],
        "dry_run": False,
        "grants_ended": {},
        "client_secrets": {},
        "client_secret_files": {},
    }


def test_apply_shows_what_changes_and_prunes_when_told(run: Run, here: Path) -> None:
    done(run, "apply", "fleet.toml")
    elsewhere = FLEET.replace("shop.example", "boutique.example").replace('name = "Orders"\n', "")
    (here / "fleet.toml").write_text(elsewhere.replace(JOB, "https://task.example/"))
    out = done(run, "apply", "fleet.toml", "--secrets-dir", ".")
    assert '~ resources "orders"\n    name  "Orders" -> (none)\n' in out
    assert 'redirect_uris  + "https://boutique.example/callback"  - "https://shop.example/callback"' in out
    assert f'? clients "{JOB}" is not in the file, and stays; --prune removes it' in out
    plan = json.loads(run("admin", "apply", "fleet.toml", "--prune", "--dry-run", "--json").out)
    assert plan["dry_run"] is True
    assert plan["changes"] == [{"table": "clients", "name": JOB, "action": "remove", "members": {}}]
    out = done(run, "apply", "fleet.toml", "--prune")
    assert out == f'- clients "{JOB}"; 0 grants have ended, and its tokens are refused\n1 removed.\n'


def test_apply_reads_standard_input(run: Run, here: Path) -> None:
    assert "4 added." in done(run, "apply", "-", "--secrets-dir", ".", stdin=FLEET.encode())
    assert "-: issuer: no such setting" in refused(run, "apply", "-", stdin=b'issuer = "x"')


def test_secrets_go_to_files_of_their_own_and_never_over_another(run: Run, here: Path) -> None:
    assert "there is no folder" in refused(run, "apply", "fleet.toml", "--secrets-dir", "secrets")
    (here / "secrets").mkdir()
    file = here / "secrets" / "https%3A%2F%2Fjob.example%2F.secret"
    file.write_text("precious")
    assert "exists already" in refused(run, "apply", "fleet.toml", "--secrets-dir", "secrets")
    assert file.read_text() == "precious"
    assert done(run, "clients", "list").count("\n") == 2  # nothing was registered without its secret
    file.unlink()
    out = done(run, "apply", "fleet.toml", "--secrets-dir", "secrets")
    assert not SECRET.search(out)
    assert str(file.relative_to(here)) in out
    assert SECRET.fullmatch(file.read_text().strip())
    assert file.stat().st_mode & 0o777 == 0o600
    assert "exists already" in refused(run, "clients", "new-secret", JOB, "--secret-file", file)
    told = json.loads(done(run, "clients", "new-secret", JOB, "--secret-file", "new", "--json"))
    assert told["client_secrets"] == {}
    assert told["client_secret_files"] == {JOB: "new"}
    assert (here / "new").read_text() != file.read_text()


def test_a_person_is_made_with_the_password_of_a_file_and_without_in_clear(run: Run, here: Path) -> None:
    (here / "bob.password").write_text("a calm and legible phrase")
    (here / "bob.password").chmod(0o600)
    people = '[[people]]\nusername = "bob"\npassword_file = "bob.password"\n'
    (here / "people.toml").write_text(people)
    assert "1 added." in done(run, "apply", "people.toml")
    with sqlite3.connect(here / "auth.db") as database:
        ((stored,),) = database.execute("select password_hash from people").fetchall()
    database.close()
    assert stored.startswith("$argon2id$")
    (here / "bob.password").unlink()
    assert done(run, "apply", "people.toml") == "Nothing changes.\n"
    clear = people.replace("password_file", "password").replace("bob", "carol")
    assert "demo = true" in refused(run, "apply", "-", stdin=clear.encode())


def test_one_client_is_added_changed_shown_and_removed(run: Run, here: Path) -> None:
    done(run, "resources", "add", "orders", "--scope", "orders:read", "--scope", "orders:write")
    facts = ("--grant", "client_credentials", "--resource", "orders", "--resource", "billing")
    added = done(
        run,
        "clients",
        "add",
        "job",
        "--kind",
        "confidential",
        *facts,
        "--scope",
        "orders:read",
        "--name",
        "Job",
    )
    (secret,) = SECRET.findall(added)
    changed = done(run, "clients", "set", "job", "--scope", "orders:write", "--unset", "name")
    assert 'scopes  + "orders:write"  - "orders:read"' in changed
    assert 'name    "Job" -> (none)' in changed
    assert done(run, "clients", "set", "job", "--scope", "orders:write") == "Nothing changes.\n"
    shown = done(run, "clients", "show", "job")
    assert tomllib.loads(shown)["clients"] == [
        {
            "client_id": "job",
            "kind": "confidential",
            "grants": ["client_credentials"],
            "scopes": ["orders:write"],
            "resources": ["orders", "billing"],
        }
    ]
    assert secret not in shown
    again = done(run, "clients", "new-secret", "job", "--overlap", "3600")
    assert SECRET.findall(again) != [secret]
    assert "the secret before the present one works until" in done(run, "clients", "show", "job")
    assert json.loads(done(run, "clients", "show", "job", "--json"))["previous_secret_until"] > 0
    assert "0 grants have ended, and its tokens are refused" in done(run, "clients", "remove", "job")
    assert "there is no" in refused(run, "clients", "show", "job")


def test_what_is_shown_can_be_applied_again(run: Run, here: Path) -> None:
    done(run, "apply", "fleet.toml", "--secrets-dir", ".")
    shown = "".join(
        done(run, *command)
        for command in (
            ("resources", "show", "orders"),
            ("clients", "show", "shop"),
            ("clients", "show", JOB),
        )
    )
    (here / "shown.toml").write_text(shown)
    assert done(run, "apply", "shown.toml") == "Nothing changes.\n"


def test_an_empty_list_says_what_to_do(run: Run, here: Path) -> None:
    (here / "empty.toml").write_text('issuer = "http://127.0.0.1:8700"\ndatabase = "sqlite:///auth.db"\n')
    said = done(run, "resources", "list", "--settings", "empty.toml")
    assert said == "There are no resources; see: mintmark admin resources add --help\n"


def test_a_resource_can_have_its_tokens_in_status_lists(run: Run, here: Path) -> None:
    done(run, "resources", "add", "invoices", "--scope", "invoices:read", "--status-list")
    assert "status_list = true" in done(run, "resources", "show", "invoices")
    done(run, "resources", "set", "invoices", "--no-status-list")
    assert "status_list = true" not in done(run, "resources", "show", "invoices")


def test_lists_say_who_registers_what_and_what_is_left_out(run: Run, here: Path) -> None:
    done(run, "apply", "fleet.toml", "--secrets-dir", ".")
    lines = done(run, "clients", "list").splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["CLIENT_ID", "SOURCE"],
        ["old-hand", "settings"],
        [JOB, "database"],
        ["shop", "database"],
    ]
    assert done(run, "resources", "list").split() == [
        *("AUDIENCE", "SOURCE", "SCOPES"),
        "billing",
        "settings",
        "billing:read",
        "orders",
        "database",
        "orders:read",
        "orders:write",
    ]
    without = SETTINGS.replace('audience = "billing"', 'audience = "elsewhere"').replace("old-hand", "shop")
    (here / "mintmark.toml").write_text(without)
    entries = json.loads(done(run, "clients", "list", "--json"))["clients"]
    assert [(each["registered_by"], each["left_out"]) for each in entries] == [
        ("settings", None),
        ("database", None),
        ("database", "the settings file registers it, and wins"),
    ]
    (here / "mintmark.toml").write_text(without.replace('"shop"', '"old-hand"'))
    (left_out,) = [line for line in done(run, "clients", "list").splitlines() if "left out" in line]
    assert 'no resource has the audience "billing"' in left_out


REFUSED = {
    "a client of the settings": ("clients", "set", "old-hand", "--name", "x"),
    "its removal": ("clients", "remove", "old-hand"),
    "its secret": ("clients", "new-secret", "old-hand"),
    "its name taken": ("clients", "add", "old-hand", "--kind", "public"),
    "a resource of the settings": ("resources", "set", "billing", "--name", "x"),
    "its removal, too": ("resources", "remove", "billing"),
    "its name, too": ("resources", "add", "billing"),
}


@pytest.mark.parametrize("command", REFUSED.values(), ids=REFUSED.keys())
def test_what_the_settings_register_is_changed_there(run: Run, here: Path, command: tuple[str, ...]) -> None:
    assert "is registered by the settings file; change it there, and restart" in refused(run, *command)


WRONG = {
    "no such client": (("clients", "set", "shp", "--name", "x"), 'there is no "shp"; did you mean "shop"?'),
    "no such resource": (("resources", "remove", "zzz"), "see: mintmark admin resources list"),
    "it is there": (("clients", "add", "shop", "--kind", "public"), "mintmark admin clients set shop"),
    "it is there, too": (("resources", "add", "orders"), "mintmark admin resources set orders"),
    "no kind": (("clients", "add", "x"), 'clients "x": kind: is missing; add it'),
    "another kind": (("clients", "add", "x", "--kind", "cloudy"), "'public' or 'confidential'"),
    "a control character": (("clients", "set", "shop", "--name", "\x1b[2J"), "has control characters"),
    "an id that is none": (("clients", "add", "a b\x1b", "--kind", "public"), "visible ASCII"),
    "no text": (("clients", "set", "shop", "--name", ""), "name: "),
    "an unsafe address": (("clients", "set", "shop", "--redirect-uri", "http://x.example/"), "use https"),
    "a scope that is nowhere": (("clients", "set", "shop", "--scope", "orders:reed"), '"orders:read"?'),
    "a resource that is nowhere": (("clients", "set", "shop", "--resource", "zzz"), "no resource has"),
    "a member that is none": (("clients", "set", "shop", "--unset", "nmae"), 'did you mean "name"?'),
    "set and unset": (("clients", "set", "shop", "--name", "x", "--unset", "name"), "keep one of the two"),
    "a needed member": (("clients", "set", "shop", "--unset", "kind"), "kind: is missing"),
    "a public client's secret": (("clients", "new-secret", "shop"), "is public, and has no secret"),
    "an overlap before": (("clients", "new-secret", JOB, "--overlap", "-1"), "--overlap"),
    "an overlap without an end": (("clients", "new-secret", JOB, "--overlap", "9999999999"), "--overlap"),
    "a resource in use": (("resources", "remove", "orders"), '"orders" is named by the client'),
    "a scope in use": (("resources", "set", "orders", "--scope", "orders:write"), "would be left behind"),
    "half a description": (("resources", "set", "orders", "--description", "orders:read"), "SCOPE=TEXT"),
    "a description of nothing": (("resources", "set", "orders", "--description", "x=y"), 'no scope "x"'),
    "a file that is not there": (("apply", "nothing.toml"), "nothing.toml: cannot be read"),
    "a folder": (("apply", "."), "cannot be read"),
    "a file without an end": (("apply", "/dev/zero"), "larger than"),
    "a file of something else": (("apply", "auth.db"), "is not"),
    "no database": (("apply", "fleet.toml", "--database", "sqlite:///none.db"), "There is no database"),
    "nothing to do": (("clients", "set"), "CLIENT_ID"),
}


@pytest.mark.parametrize(("command", "told"), WRONG.values(), ids=WRONG.keys())
def test_wrong_use_is_one_line_that_names_the_fix_and_changes_nothing(
    run: Run, here: Path, command: tuple[str, ...], told: str
) -> None:
    done(run, "apply", "fleet.toml", "--secrets-dir", ".")
    assert told in refused(run, *command)
    assert done(run, "apply", "fleet.toml") == "Nothing changes.\n"


def test_a_scope_goes_when_its_client_gives_it_up_in_the_same_file(run: Run, here: Path) -> None:
    done(run, "apply", "fleet.toml", "--secrets-dir", ".")
    less = FLEET.replace('scopes = ["orders:read", "orders:write"]', 'scopes = ["orders:write"]')
    assert "none of its resources has" in refused(run, "apply", "-", stdin=less.encode())
    less = less.replace('scopes = ["openid", "orders:read"]', 'scopes = ["openid"]')
    assert "2 changed." in done(run, "apply", "-", stdin=less.encode())


def test_names_from_the_database_cannot_rewrite_a_terminal(run: Run, here: Path) -> None:
    with sqlite3.connect(here / "auth.db") as database:
        document = json.dumps({"client_id": "x", "name": "\x1b[2J\u202e", "\x1b]0;": 1})
        database.execute("insert into clients values ('x\x1b[2J', ?, null, null, null, 1, 1)", (document,))
    database.close()
    for command in (("clients", "list"), ("clients", "show", "x\x1b[2J")):
        out = done(run, *command)
        assert all(line.isprintable() for line in out.splitlines())
    out = done(run, "apply", "fleet.toml", "--secrets-dir", ".")
    assert all(line.isprintable() for line in out.splitlines())


def test_the_help_names_the_members_and_says_what_only_apply_does(run: Run, here: Path) -> None:
    said = run("admin", "clients", "add", "--help").out
    for option in (
        "--redirect-uri",
        "--grant",
        "--scope",
        "--resource",
        "--resource-server",
        "--secret-file",
    ):
        assert option in said
    assert "claim rules" in run("admin", "clients", "--help").out
    assert "apply" in run("admin", "--help").out


def test_what_the_document_says_works_as_it_stands(run: Run, here: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "server.md").read_text("utf-8")
    section = text.partition("\n## Clients and resources while it runs\n")[2].partition("\n## ")[0]
    (fleet,) = re.findall(r"^```toml\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    (here / "fleet.toml").write_text(fleet)
    commands = [
        shlex.split(line, comments=True)
        for block in re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    assert len(commands) > 10
    for program, *arguments in commands:
        if program == "mkdir":
            (here / arguments[-1]).mkdir(0o700)
        else:
            outcome = run(*arguments)
            assert outcome.status == (1 if "--dry-run" in arguments else 0), (arguments, outcome.err)
    assert done(run, "apply", "fleet.toml") == "Nothing changes.\n"
    assert [path.name for path in (here / "secrets").iterdir()] == ["nightly.secret"]
