"""The file for ``admin apply``: the settings file's own rules, and one line for whatever is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mintmark.authorization_server.registry.declaring import password_of
from mintmark.authorization_server.registry.documents import OUR_SECRET
from mintmark.authorization_server.settings_file import parse_toml, read_toml
from mintmark.errors import ConfigurationError

from .given import APP, JOB, ORDERS, file_says

ALICE = {"username": "alice"}


def refusal(data: dict[str, Any], **more: Any) -> str:
    with pytest.raises(ConfigurationError) as refused:
        file_says(data, **more)
    message = refused.value.message
    assert message.startswith("fleet.toml: ")
    assert "\n" not in message
    assert message.isprintable()
    assert len(message) < 400
    return message


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a table of the settings": (
        {"issuer": "https://x.example"},
        "issuer: no such setting; known are clients,",
    ),
    "a misspelt table": ({"client": []}, 'did you mean "clients"'),
    "a misspelt member": (
        {"clients": [APP | {"scope": []}]},
        'clients[0] "app".scope: no such setting; did you',
    ),
    "no list": ({"clients": APP}, "write each as [[clients]]"),
    "a list of texts": ({"clients": ["app"]}, "clients[0]"),
    "the wrong type": (
        {"clients": [APP | {"scopes": "openid"}]},
        'clients[0] "app".scopes: is a list; write it in square brackets',
    ),
    "the wrong type of an id": (
        {"clients": [APP | {"client_id": 5}]},
        "client_id: is a text; write it in quotes",
    ),
    "a client twice": ({"clients": [APP, APP]}, 'clients: "app" is there twice'),
    "a resource twice": ({"resources": [ORDERS, ORDERS]}, 'resources: "orders" is there twice'),
    "a person twice": ({"people": [ALICE, {"username": "ALICE"}]}, 'people: "alice" is there twice'),
    "control characters in a name": (
        {"clients": [APP | {"name": "\x1b[2J"}]},
        '"app".name: has control char',
    ),
    "a line break in a name": ({"resources": [ORDERS | {"name": "a\nb"}]}, '"orders".name: has control'),
    "a change of direction": ({"people": [ALICE | {"name": "\u202egnp.exe"}]}, "changes of direction"),
    "control characters in a username": ({"people": [{"username": "al\x07ice"}]}, "cannot be shown"),
    "control characters in an id": ({"clients": [APP | {"client_id": "a\x1b"}]}, "visible ASCII"),
    "a long name": ({"people": [ALICE | {"name": "x" * 201}]}, "200"),
    "an unsafe address": ({"clients": [APP | {"redirect_uris": ["http://x.example/"]}]}, "https"),
    "a claim of the protocol": (
        {"resources": [ORDERS | {"claims": [{"claim": "sub", "value": 1}]}]},
        "the protocol owns that claim",
    ),
    "a password": (
        {"people": [ALICE | {"password": "hunter2 hunter2"}]},
        'people "alice".password: stands in',
    ),
    "two passwords": ({"people": [ALICE | {"password": "a", "password_file": "b"}]}, "keep one"),
    "a secret in clear": (
        {"clients": [JOB | {"client_secret": "hunter2"}]},
        "client_secret: no such setting",
    ),
    "two secrets": (
        {"clients": [JOB | {"client_secret_file": "hunter2", "client_secret_sha256": "0" * 64}]},
        "keep one",
    ),
    "a secret of a public client": ({"clients": [APP | {"client_secret_sha256": "0" * 64}]}, "is public but"),
    "attributes that are not JSON": (
        parse_toml(b'people = [{ username = "alice", attributes = { since = 2026-01-01 } }]', "x"),
        "not JSON",
    ),
    "a member of a file's own": (
        {"clients": [APP | {"previous_secret_sha256": "0" * 64}]},
        "no such setting",
    ),
}


@pytest.mark.parametrize(("data", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told_in_one_line_without_a_secret(data: dict[str, Any], told: str) -> None:
    message = refusal(data)
    assert told in message
    assert "hunter2" not in message


def test_a_confidential_client_that_names_no_secret_has_ours() -> None:
    said = file_says({"clients": [APP, JOB]})
    assert [client.client_secret_sha256 for client in said.clients] == [None, OUR_SECRET]


def test_a_demo_may_have_passwords_in_its_file() -> None:
    (person,) = file_says({"people": [ALICE | {"password": "hunter2 hunter2"}]}, demo=True).people
    assert password_of(person, base=Path(), where="x") == "hunter2 hunter2"
    assert "hunter2" not in repr(person)


def test_secrets_come_from_files_beside_it_that_not_everybody_can_read(tmp_path: Path) -> None:
    data = {
        "clients": [JOB | {"client_secret_file": "job.secret"}],
        "people": [ALICE | {"password_file": "alice.password"}],
    }
    assert "there is no" in refusal(data, base=tmp_path)
    secret = tmp_path / "job.secret"
    secret.write_text("a secret of my own\n")
    secret.chmod(0o644)
    assert f"chmod 600 {secret}" in refusal(data, base=tmp_path)
    secret.chmod(0o600)
    said = file_says(data, base=tmp_path)
    assert said.clients[0].client_secret_sha256 not in (None, OUR_SECRET)
    (alice,) = said.people
    with pytest.raises(ConfigurationError, match=r'people "alice".password_file: there is no .*openssl rand'):
        password_of(alice, base=tmp_path, where="fleet.toml")
    password = tmp_path / "alice.password"
    password.write_bytes(b"\xff\xfe\n")
    password.chmod(0o600)
    with pytest.raises(ConfigurationError, match="UTF-8"):
        password_of(alice, base=tmp_path, where="fleet.toml")
    password.write_text("a calm and legible phrase\n")
    assert password_of(alice, base=tmp_path, where="fleet.toml") == "a calm and legible phrase"


@pytest.mark.parametrize("path", ["a\x00b", "", "/", "x" * 5000])
def test_a_path_that_is_none_is_one_line(path: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^fleet.toml: [^\n]*client_secret_file[^\n]*$"):
        file_says({"clients": [JOB | {"client_secret_file": path}]})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"#" * (4 * 1024 * 1024 + 1), "larger than"),
        (b"a = " + b"[" * 100_000, "not TOML|too long or too deep"),
        (b"a = " + b"9" * 10_000, "too long or too deep"),
        (b"\xff", "UTF-8"),
        (b"[[clients]", "not TOML"),
        (b'client_secret = "hunter2', "not TOML"),
    ],
)
def test_bytes_that_are_no_settings_are_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "fleet.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=told) as refused:
        read_toml(file)
    assert "\n" not in refused.value.message
    assert "hunter2" not in refused.value.message


def test_a_file_without_an_end_is_not_read_to_its_end() -> None:
    with pytest.raises(ConfigurationError, match="larger than"):
        read_toml(Path("/dev/zero"))
