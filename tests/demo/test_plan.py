"""What is decided before a process starts."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mintmark.authorization_server.settings_file import load_settings
from mintmark.demo.plan import make_plan
from mintmark.errors import ConfigurationError


def test_the_settings_are_what_the_authorization_server_reads(tmp_path: Path) -> None:
    plan = make_plan(8700, access_token_lifetime=6)
    for client, secret in plan.client_secrets.items():
        (tmp_path / f"{client}.secret").write_text(secret)
        (tmp_path / f"{client}.secret").chmod(0o600)
    file = tmp_path / "settings.toml"
    file.write_text(plan.settings_toml())
    file.chmod(0o600)
    settings = load_settings(file)
    assert settings.issuer == "http://127.0.0.1:8700"
    assert settings.tokens.access_token_lifetime == 6
    assert [client.client_id for client in settings.clients] == ["demo-app", "orders", "billing"]
    assert tomllib.loads(plan.settings_toml()) == plan.settings()


def test_every_plan_has_secrets_of_its_own_and_shows_none() -> None:
    one, other = make_plan(8700), make_plan(8700)
    secrets = {one.password, other.password, *one.client_secrets.values(), *other.client_secrets.values()}
    assert len(secrets) == 6
    assert not any(secret in repr(one) for secret in secrets)


@pytest.mark.parametrize("port", [0, 80, 65533, 70000])
def test_ports_that_cannot_be_are_refused(port: int) -> None:
    with pytest.raises(ConfigurationError, match="four ports in a row"):
        make_plan(port)
