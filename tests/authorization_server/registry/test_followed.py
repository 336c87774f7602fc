"""Running services follow commands of other processes: two on one file, two on one PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mintmark.authorization_server.storage import Database

from ..running import basic, claims_of
from ..storage.backends import BACKENDS, MakeUrl
from ..test_on_postgresql import serving, wait_until_it_answers

SETTINGS = """
issuer = "http://127.0.0.1:8700"
[[resources]]
audience = "orders"
scopes = ["orders:read"]
"""
FLEET = """
[[resources]]
audience = "stock"
scopes = ["stock:read", "stock:write"]

[[clients]]
client_id = "stock"
kind = "confidential"
resource_server = "stock"

[[clients]]
client_id = "job"
kind = "confidential"
grants = ["client_credentials"]
resources = ["stock"]
scopes = ["stock:read", "stock:write"]
"""


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'mintmark.db'}"
    make: MakeUrl = request.getfixturevalue("postgresql")
    return make()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "mintmark.toml").write_text(SETTINGS)
    (tmp_path / "fleet.toml").write_text(FLEET)
    return tmp_path


@pytest.fixture
def replicas(here: Path, url: str) -> Iterator[tuple[str, str]]:
    """Two that run on one database."""
    key = {"MINTMARK_KEY_FILE": str(here / "mintmark.kek")}
    with serving(here, url, **key) as (one, at_one), serving(here, url, **key) as (other, at_other):
        wait_until_it_answers(one, at_one)
        wait_until_it_answers(other, at_other)
        yield at_one, at_other


@pytest.fixture
def admin(here: Path, url: str) -> Callable[..., Any]:
    """Run a command in a process of its own; it needs the database, and no key."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}

    def run(*arguments: str) -> Any:
        command = [sys.executable, "-m", "mintmark", "admin", *arguments, "--json", "--database", url]
        done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def token(at: str, client_id: str, secret: str) -> httpx.Response:
    data = {"grant_type": "client_credentials"}
    return httpx.post(f"{at}/token", data=data, headers=basic(client_id, secret))


def is_active(at: str, secret: str, access_token: str) -> bool:
    answer = httpx.post(f"{at}/introspect", headers=basic("stock", secret), data={"token": access_token})
    return bool(answer.json()["active"])


def soon(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_both_follow_what_is_registered_changed_and_removed(
    replicas: tuple[str, str], admin: Callable[..., Any]
) -> None:
    assert [token(at, "job", "no secret yet").status_code for at in replicas] == [401, 401]
    secrets = admin("apply", "fleet.toml")["client_secrets"]
    for at in replicas:
        soon(lambda at=at: token(at, "job", secrets["job"]).status_code == 200)  # type: ignore[misc]
    access_token = token(replicas[0], "job", secrets["job"]).json()["access_token"]
    assert (claims_of(access_token)["aud"], claims_of(access_token)["client_id"]) == ("stock", "job")
    assert all(is_active(at, secrets["stock"], access_token) for at in replicas)

    fresh = admin("clients", "new-secret", "job")["client_secrets"]["job"]
    for at in replicas:
        soon(lambda at=at: token(at, "job", secrets["job"]).status_code == 401)  # type: ignore[misc]
        assert token(at, "job", fresh).status_code == 200

    admin("clients", "set", "job", "--scope", "stock:read")
    for at in replicas:
        soon(lambda at=at: token(at, "job", fresh).json()["scope"] == "stock:read")  # type: ignore[misc]
        assert is_active(at, secrets["stock"], access_token)

    admin("clients", "remove", "job")
    for at in replicas:
        soon(lambda at=at: token(at, "job", fresh).status_code == 401)  # type: ignore[misc]
        soon(lambda at=at: not is_active(at, secrets["stock"], access_token))  # type: ignore[misc]


def test_applies_at_once_register_everything_once(here: Path, url: str, admin: Callable[..., Any]) -> None:
    Database.open(url).close_now()
    command = [sys.executable, "-m", "mintmark", "admin", "apply", "fleet.toml", "--json", "--database", url]
    started = [subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = [json.loads(process.communicate(timeout=120)[0]) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert sorted(len(each["changes"]) for each in told) == [0, 0, 3]
    (secrets,) = [each["client_secrets"] for each in told if each["client_secrets"]]
    assert secrets.keys() == {"stock", "job"}
    assert len(admin("clients", "list")["clients"]) == 2
