"""serve and admin as processes of their own: starting, stopping, and every wrong use in one line."""

from __future__ import annotations

import gc
import hashlib
import importlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from ports import free_ports

from .conftest import Run


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder without settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("MINTMARK_"):
            monkeypatch.delenv(name)
    return tmp_path


@contextmanager
def serving(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_ports(1)
    command = [sys.executable, "-m", "mintmark", "serve", "--port", str(port), *map(str, arguments)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{url}/health")
                break
            except httpx.TransportError:
                assert process.poll() is None, process.stderr.read() if process.stderr else ""
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield process, url
    finally:
        process.kill()
        process.communicate()


def one_line(text: str) -> bool:
    return text.startswith("mintmark: ") and text.count("\n") == 1 and "Traceback" not in text


def test_the_first_start_makes_everything_and_the_administrator_can_sign_in(here: Path) -> None:
    with serving() as (process, url):
        names = {path.name for path in here.iterdir()}
        assert {"mintmark.db", "mintmark.db.kek", "mintmark.db.administrator"} <= names
        for name in ("mintmark.db", "mintmark.db.kek", "mintmark.db.administrator"):
            assert (here / name).stat().st_mode & 0o077 == 0
        left = (here / "mintmark.db.administrator").read_text()
        said = dict(line.split(": ") for line in left.splitlines())
        with httpx.Client(base_url=url) as http:
            page = http.get("/sign-in").text
            token = page.partition('name="token" value="')[2].partition('"')[0]
            response = http.post("/sign-in", data={**said, "token": token, "request": ""})
            assert response.status_code == 303
            assert "Administrator" in http.get("/").text
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0
        assert said["password"] not in errors
        assert "Traceback" not in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_with_an_open_feed_and_starts_again(here: Path, number: signal.Signals) -> None:
    (here / "mintmark.toml").write_text(
        'resources = [{audience = "orders"}]\n'
        '[[clients]]\nclient_id = "orders"\nkind = "confidential"\nresource_server = "orders"\n'
        f'client_secret_sha256 = "{hashlib.sha256(b"secret").hexdigest()}"\n'
    )
    with serving() as (process, url), httpx.Client() as http:
        keys = http.get(f"{url}/jwks").json()
        with http.stream("GET", f"{url}/revocations", auth=("orders", "secret")) as feed:
            assert feed.status_code == 200
            begun = time.monotonic()
            process.send_signal(number)
            process.wait(30)
            assert time.monotonic() - begun < 10
        assert process.returncode == 0
    with serving() as (_, url):
        assert httpx.get(f"{url}/jwks").json() == keys


@pytest.mark.skipif(sys.platform != "linux", reason="the hint is Linux's")
@pytest.mark.parametrize("wanted", [True, False])
def test_none_of_its_threads_interrupts_a_hash_unless_that_is_not_wanted(here: Path, wanted: bool) -> None:
    if not wanted:
        (here / "mintmark.toml").write_text("long_hash_turns = false\n")
    with serving() as (process, _):
        threads = [int(task.name) for task in Path(f"/proc/{process.pid}/task").iterdir()]
        policies = [os.sched_getscheduler(thread) for thread in threads]
    assert len(policies) > 2
    assert set(policies) == {os.SCHED_BATCH if wanted else os.SCHED_OTHER}


def test_a_taken_port(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        outcome = run("serve", "--port", taken.getsockname()[1])
    assert outcome.status == 2
    assert one_line(outcome.err)
    assert "is taken" in outcome.err


def make_database(here: Path) -> None:
    from mintmark.authorization_server.keys import open_sealer
    from mintmark.authorization_server.storage import Database

    database = Database.open(f"sqlite:///{here}/mintmark.db")
    open_sealer(database)
    database.close_now()


def newer_database(here: Path) -> list[str]:
    make_database(here)
    with sqlite3.connect(here / "mintmark.db") as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()
    return []


def open_key_file(here: Path) -> list[str]:
    make_database(here)
    (here / "mintmark.db.kek").chmod(0o644)
    return []


def no_database(here: Path) -> list[str]:
    (here / "mintmark.db").write_bytes(b"this is no database, whatever its name says" * 100)
    return []


def http_issuer(here: Path) -> list[str]:
    (here / "mintmark.toml").write_text('issuer = "http://auth.example.com"\n')
    return []


def broken_settings(here: Path) -> list[str]:
    (here / "mintmark.toml").write_text("issuer = \n")
    return []


@pytest.mark.parametrize(
    ("prepare", "word"),
    [
        (newer_database, "newer"),
        (open_key_file, "chmod 600"),
        (no_database, "database"),
        (http_issuer, "loopback"),
        (broken_settings, "not TOML"),
        (lambda here: ["--settings", "nothing.toml"], "cannot be read"),
        (lambda here: ["--settings", str(here)], "cannot be read"),
        (lambda here: ["--log-level", "loud"], "--log-level"),
        (lambda here: ["--database", "mysql://x"], "sqlite:///"),
        (lambda here: ["--database", "sqlite:////nowhere/at/all/x.db"], "x.db"),
        (lambda here: ["--port", "70000"], "65535"),
        (lambda here: ["--host", "no.such.host.invalid"], "--host"),
        (lambda here: ["--bogus"], "--bogus"),
    ],
)
def test_each_wrong_use_of_serve_is_one_line(run: Run, here: Path, prepare: object, word: str) -> None:
    arguments = prepare(here)  # type: ignore[operator]
    port = [] if "--port" in arguments else ["--port", free_ports(1)]
    outcome = run("serve", *port, *arguments)
    assert outcome.status == 2
    assert one_line(outcome.err.splitlines(keepends=True)[-1])
    assert "Traceback" not in outcome.err
    assert word in outcome.err


def test_admin_keys_and_people_while_the_service_runs(run: Run, here: Path) -> None:
    with serving() as (_, url):
        before = {key["kid"] for key in httpx.get(f"{url}/jwks").json()["keys"]}
        assert "current" in run("admin", "keys", "list").out
        rotated = run("admin", "keys", "rotate", "ES256")
        assert rotated.status == 0
        assert "signs from" in rotated.out
        deadline = time.monotonic() + 5
        while len(httpx.get(f"{url}/jwks").json()["keys"]) == len(before):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        password = here / "password"
        password.write_text("a long and pleasant password\n")
        added = run("admin", "people", "add", "carol", "--name", "Carol", "--password-file", password)
        assert added.status == 0, added.err
        assert "carol" in run("admin", "people", "list").out
        changed = run(
            "admin", "people", "set-password", "carol", "--password-file", "-", stdin=b"another pleasant one"
        )
        assert changed.status == 0, changed.err
        assert run("admin", "people", "disable", "carol").status == 0
        assert "disabled" in run("admin", "people", "list").out
        assert run("admin", "people", "enable", "carol").status == 0
        assert "disabled" not in run("admin", "people", "list").out
        revoked = run("admin", "keys", "revoke", min(before))
        assert revoked.status == 0
        assert "revoked" in revoked.out


@pytest.mark.parametrize("arguments", [[], ["--log-level", "loud"]], ids=["it starts", "it does not"])
def test_garbage_is_collected_again_after_the_start(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    serving = importlib.import_module("mintmark.cli.serving")
    collects: list[bool] = []

    async def serve(self: object, sockets: object) -> None:
        collects.append(gc.isenabled())

    monkeypatch.setattr(serving._Server, "serve", serve)
    monkeypatch.setattr(serving, "configure_logging", lambda **_: None)
    monkeypatch.setattr(gc, "freeze", lambda: None)  # this process lives on
    run("serve", "--port", free_ports(1), *arguments)
    assert collects == [True] * (not arguments)
    assert gc.isenabled()


def test_admin_wrong_use(run: Run, here: Path) -> None:
    for arguments in (
        ["admin", "keys", "list"],  # no database yet
        ["admin"],
        ["admin", "keys", "revoke"],
    ):
        outcome = run(*arguments)
        assert outcome.status == 2, arguments
        assert one_line(outcome.err), outcome.err
    make_database(here)
    for arguments in (
        ["admin", "keys", "revoke", "no-such-kid"],
        ["admin", "keys", "rotate", "HS256"],
        ["admin", "people", "disable", "nobody"],
        ["admin", "people", "add", "carol", "--password-file", "nothing"],
        ["admin", "people", "add", "carol"],  # no terminal to ask on
        ["admin", "people", "add", "carol", "--password", "x"],  # never on the command line
    ):
        outcome = run(*arguments)
        assert outcome.status == 2, arguments
        assert one_line(outcome.err), outcome.err


def test_without_the_extra_one_line_names_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['typer'] = None; sys.argv = ['mintmark', 'serve']; "
        "from mintmark.__main__ import main; sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert one_line(done.stderr)
    assert "mintmark[cli]" in done.stderr


def test_without_the_server_extra_serve_names_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['uvicorn'] = None; sys.argv = ['mintmark', 'serve']; "
        "from mintmark.__main__ import main; sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert one_line(done.stderr)
    assert "mintmark[server]" in done.stderr


@pytest.mark.parametrize(
    ("issuer", "said", "trusted"),
    [
        ("https://auth.example.com", None, ("127.0.0.1", "::1")),
        ("http://127.0.0.1:8700", None, ()),
        ("https://auth.example.com", ["10.0.0.1"], ("10.0.0.1",)),
        ("https://auth.example.com", [], ()),
    ],
)
def test_O15_whose_word_on_the_callers_address_is_taken(
    issuer: str, said: list[str] | None, trusted: tuple[str, ...]
) -> None:
    from mintmark.authorization_server import load_settings
    from mintmark.cli.serving import trusted_proxies

    more = {} if said is None else {"trusted_proxies": said}
    assert trusted_proxies(load_settings(None, defaults={"issuer": issuer, **more})) == trusted


def test_O15_an_invented_address_does_not_help_a_guesser(here: Path) -> None:
    (here / "mintmark.toml").write_text(
        'resources = [{audience = "orders"}]\n'
        '[[clients]]\nclient_id = "orders"\nkind = "confidential"\nresource_server = "orders"\n'
        f'client_secret_sha256 = "{hashlib.sha256(b"secret").hexdigest()}"\n'
    )
    with serving() as (_, url), httpx.Client() as http:
        statuses = {
            http.get(
                f"{url}/revocations",
                auth=("orders", f"wrong-{n}"),
                headers={"X-Forwarded-For": f"10.0.0.{n}"},
            ).status_code
            for n in range(9)
        }
    assert statuses == {401, 429}
