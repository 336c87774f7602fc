"""The whole service on PostgreSQL: one instance, two at once, and ``mintmark serve`` as a process."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from mintmark.authorization_server.settings_file import load_settings
from mintmark.errors import ConfigurationError
from ports import free_ports

from .running import ORDERS_SECRET, Browser, Running, basic, claims_of
from .status_lists import INVALID, VALID, reference_of, resources, status_of
from .storage.backends import MakeUrl, needs_postgresql

ORDERS = basic("orders", ORDERS_SECRET)


@pytest.fixture
def url(postgresql: MakeUrl) -> str:
    return postgresql()


@contextmanager
def instance(folder: Path, url: str, **more: Any) -> Iterator[Browser]:
    """One instance of the service, and a browser at it. What is in ``folder`` is this machine's own."""
    folder.mkdir(exist_ok=True)
    with Running(folder, database=url, **more) as server, Browser(server) as browser:
        yield browser


@contextmanager
def two_instances(tmp_path: Path, url: str, **more: Any) -> Iterator[tuple[Browser, Browser]]:
    """Two on one database, under one issuer, with one key-encryption key: as behind one address."""
    key_file = str(tmp_path / "mintmark.kek")
    with (
        instance(tmp_path / "one", url, key_file=key_file, **more) as one,
        instance(tmp_path / "other", url, key_file=key_file, issuer=one.server.url, **more) as other,
    ):
        yield one, other


@contextmanager
def feed_of(browser: Browser) -> Iterator[Iterator[dict[str, Any]]]:
    """The entries of the revocation feed, from the first on."""
    with browser.http.stream("GET", "/revocations", headers=ORDERS) as response:
        assert response.status_code == 200
        lines = response.iter_lines()
        yield (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))


def is_active(browser: Browser, token: str) -> bool:
    answer = browser.http.post("/introspect", headers=ORDERS, data={"token": token})
    return bool(answer.json()["active"])


@needs_postgresql
def test_P2_P11_sign_in_code_tokens_refresh_sign_out_and_the_feed(tmp_path: Path, url: str) -> None:
    with instance(tmp_path / "one", url, key_file="the.kek") as browser:
        assert (tmp_path / "one" / "the.kek").stat().st_mode & 0o777 == 0o600
        tokens = browser.tokens()
        assert browser.userinfo(tokens["access_token"]).json()["name"] == "Alice <Archer>"
        renewed = browser.refresh(tokens["refresh_token"]).json()
        assert renewed["refresh_token"] != tokens["refresh_token"]
        assert is_active(browser, renewed["access_token"])
        with feed_of(browser) as entries:
            begun = time.monotonic()
            browser.submit(browser.http.get("/sign-out"))
            entry = next(entries)
            assert time.monotonic() - begun < 1
        assert (entry["kind"], entry["value"]) == ("sid", claims_of(renewed["access_token"])["sid"])
        assert not is_active(browser, renewed["access_token"])
        assert browser.refresh(renewed["refresh_token"]).status_code == 400
        assert browser.http.get("/ready").status_code == 200


@needs_postgresql
def test_O11_two_instances_on_one_database_are_one_service(tmp_path: Path, url: str) -> None:
    with two_instances(tmp_path, url) as (one, other):
        tokens = one.tokens()
        renewed = other.refresh(tokens["refresh_token"])
        assert renewed.status_code == 200, renewed.text
        access_token = renewed.json()["access_token"]
        assert one.userinfo(access_token).status_code == 200
        assert is_active(one, access_token)
        with feed_of(other) as entries:
            begun = time.monotonic()
            one.submit(one.http.get("/sign-out"))
            entry = next(entries)
            assert time.monotonic() - begun < 1
        assert (entry["kind"], entry["value"]) == ("sid", claims_of(access_token)["sid"])
        assert not is_active(other, access_token)
        assert other.refresh(renewed.json()["refresh_token"]).status_code == 400


@needs_postgresql
def test_B6_a_code_of_one_instance_is_redeemed_at_the_other_once(tmp_path: Path, url: str) -> None:
    with two_instances(tmp_path, url) as (one, other):
        assert one.http.get("/jwks").json() == other.http.get("/jwks").json()
        code = one.code()
        other.verifier = one.verifier
        tokens = other.redeem(code)
        assert tokens.status_code == 200, tokens.text
        assert one.redeem(code).json()["error"] == "invalid_grant"
        assert not is_active(one, tokens.json()["access_token"])  # a replay ends what the code gave


@needs_postgresql
def test_P8_a_second_machine_without_the_key_encryption_key_does_not_make_another(
    tmp_path: Path, url: str
) -> None:
    with instance(tmp_path / "one", url, key_file="the.kek"):
        pass
    with (
        pytest.raises(ConfigurationError, match="put the file back"),
        instance(tmp_path / "other", url, key_file="the.kek"),
    ):
        raise AssertionError("it started")
    assert not (tmp_path / "other" / "the.kek").exists()


@needs_postgresql
def test_two_instances_publish_one_status_list(tmp_path: Path, url: str) -> None:
    wanted = resources("orders", "billing")
    with two_instances(tmp_path, url, resources=wanted) as (one, other):
        ended, tokens = one.tokens(), [one.tokens()["access_token"]]
        for browser in (one, other) * 3:
            answer = browser.http.post("/token", data={"grant_type": "client_credentials"}, headers=ORDERS)
            tokens.append(answer.json()["access_token"])
        assert len({reference_of(token) for token in (ended["access_token"], *tokens)}) == 8
        assert other.http.get("/status-lists").json() == one.http.get("/status-lists").json()
        renewed = other.refresh(ended["refresh_token"]).json()["access_token"]
        assert reference_of(renewed) == reference_of(ended["access_token"])
        assert status_of(other, renewed) is VALID
        with feed_of(other) as entries:
            one.http.post("/revoke", data={"client_id": "app", "token": ended["refresh_token"]})
            next(entries)  # heard there, and so is the status
        for browser in (one, other):
            assert status_of(browser, renewed) is INVALID
            assert {status_of(browser, token) for token in tokens} == {VALID}


@needs_postgresql
def test_a_status_list_that_is_not_there_is_404_however_large_its_number(tmp_path: Path, url: str) -> None:
    with instance(tmp_path / "one", url, key_file="the.kek", resources=resources("orders")) as browser:
        for number in (0, 1, 999_999_999, 10**9, 2**63):
            assert browser.http.get(f"/status-lists/{number}").status_code == 404


def put_away(postgresql: MakeUrl, url: str, away: bool) -> None:
    """Let nobody in to a database and send out who is there, as at a restart of its server; or end that."""
    name = sa.make_url(url).database
    aside = sa.create_engine(
        sa.make_url(postgresql()).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        poolclass=sa.NullPool,
    )
    with aside.connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {'false' if away else 'true'}")
        connection.exec_driver_sql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )


@needs_postgresql
def test_a_database_that_is_away_is_503_and_nobody_is_signed_out(
    tmp_path: Path, url: str, postgresql: MakeUrl
) -> None:
    with instance(tmp_path / "one", url, key_file="the.kek") as browser:
        tokens = browser.tokens()
        put_away(postgresql, url, True)
        refused = browser.refresh(tokens["refresh_token"])
        assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
        assert int(refused.headers["retry-after"]) > 0
        assert browser.http.get("/").status_code == 503
        assert browser.http.get("/ready").status_code == 503
        assert browser.http.get("/jwks").status_code == 200
        assert is_active(browser, tokens["access_token"])  # tokens are told from others in memory
        put_away(postgresql, url, False)
        assert browser.refresh(tokens["refresh_token"]).status_code == 200
        assert browser.http.get("/ready").status_code == 200


@contextmanager
def serving(here: Path, url: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``mintmark serve`` as a process of its own, with nothing but the address of its database."""
    port = free_ports(1)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "mintmark", "serve", "--port", str(port), "--database", url],
        cwd=here,
        env=clean | variables,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def wait_until_it_answers(process: subprocess.Popen[str], url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            assert httpx.get(f"{url}/ready").status_code == 200
            return
        except httpx.TransportError:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            assert time.monotonic() < deadline
            time.sleep(0.05)


def admin(here: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "mintmark", "admin", *arguments]
    environment = os.environ | {"MINTMARK_KEY_FILE": "mintmark.kek"}
    return subprocess.run(
        command, cwd=here, env=environment, capture_output=True, text=True, check=True
    ).stdout


@needs_postgresql
def test_serve_on_postgresql_starts_stops_and_starts_again(tmp_path: Path, url: str) -> None:
    key_sets = []
    for _ in range(2):
        with serving(tmp_path, url, MINTMARK_KEY_FILE="mintmark.kek") as (process, address):
            wait_until_it_answers(process, address)
            key_sets.append(httpx.get(f"{address}/jwks").json())
            told = admin(tmp_path, "keys", "list", "--json", "--database", url)
            assert all(key["kid"] in told for key in key_sets[-1]["keys"])
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=30)
            assert process.returncode == 0
            assert "Traceback" not in errors
    assert key_sets[0] == key_sets[1]
    assert {path.name for path in tmp_path.iterdir()} == {"mintmark.kek", "mintmark.kek.administrator"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


@needs_postgresql
def test_two_that_start_together_on_an_empty_database_share_its_keys(tmp_path: Path, url: str) -> None:
    with (
        serving(tmp_path, url, MINTMARK_KEY_FILE="mintmark.kek") as (first, at_first),
        serving(tmp_path, url, MINTMARK_KEY_FILE="mintmark.kek") as (second, at_second),
    ):
        wait_until_it_answers(first, at_first)
        wait_until_it_answers(second, at_second)
        assert httpx.get(f"{at_first}/jwks").json() == httpx.get(f"{at_second}/jwks").json()


@needs_postgresql
def test_with_the_key_in_the_environment_nothing_is_left_on_the_disk(tmp_path: Path, url: str) -> None:
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    with serving(tmp_path, url, MINTMARK_KEY_ENCRYPTION_KEY=key) as (process, address):
        wait_until_it_answers(process, address)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert list(tmp_path.iterdir()) == []
    assert "admin people set-password" in errors
    assert key not in errors


def one_line(process: subprocess.Popen[str]) -> str:
    """The complaint of a process that could not start."""
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2, errors
    assert "Traceback" not in errors
    line = errors.splitlines()[-1]
    assert line.startswith("mintmark: ")
    return line


@needs_postgresql
def test_nowhere_to_keep_the_key_encryption_key_is_one_line(tmp_path: Path, url: str) -> None:
    with serving(tmp_path, url) as (process, _):
        line = one_line(process)
    assert "key_file" in line
    assert "MINTMARK_KEY_ENCRYPTION_KEY" in line


@needs_postgresql
def test_a_database_that_cannot_be_reached_is_one_line_without_its_password(tmp_path: Path) -> None:
    with serving(tmp_path, "postgresql://auth:hunter2@127.0.0.1:1/auth", MINTMARK_KEY_FILE="kek") as (
        process,
        _,
    ):
        line = one_line(process)
    assert "127.0.0.1" in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    "missing", ["sys.modules['psycopg'] = None", "os.environ['PSYCOPG_IMPL'] = 'no such library'"]
)
def test_without_the_driver_one_line_names_the_extra(tmp_path: Path, missing: str) -> None:
    code = (
        f"import os, sys; {missing}; "
        "sys.argv = ['mintmark', 'serve', '--port', '0', '--database', 'postgresql://127.0.0.1:1/auth']; "
        "from mintmark.__main__ import main; sys.exit(main())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"MINTMARK_KEY_FILE": "kek"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert "mintmark[postgres]" in one_line(process)


def test_settings_name_the_database_and_keep_its_password_to_themselves(tmp_path: Path) -> None:
    file = tmp_path / "mintmark.toml"
    url = "postgresql://auth:hunter2@db.example.com:5432/auth"
    said = f'issuer = "https://auth.example.com"\nkey_file = "keys/auth.kek"\ndatabase = "{url}"\n'
    file.write_text(said)
    settings = load_settings(file)
    assert settings.database == url
    assert settings.key_file == str(tmp_path / "keys" / "auth.kek")
    assert "hunter2" not in repr(settings) + str(settings)
    for right, wrong in ((":5432", ":port"), ("postgresql:", "postgres:"), ("postgresql://", "postgresql:/")):
        file.write_text(said.replace(right, wrong))
        with pytest.raises(
            ConfigurationError, match=r"^[^\n]*database: [^\n]*postgresql://[^\n]*$"
        ) as refused:
            load_settings(file)
        assert "hunter2" not in str(refused.value)
