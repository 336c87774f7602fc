"""Settings: what is accepted, and how every wrong value is told in one line that names key and fix."""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mintmark.authorization_server.settings_file import load_settings
from mintmark.errors import ConfigurationError

from ..running import settings_data, toml_of

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MINTMARK_"):
            monkeypatch.delenv(name)


def write(folder: Path, change: Change | None = None) -> Path:
    data = copy.deepcopy(settings_data("http://127.0.0.1:8700"))
    if change is not None:
        change(data)
    file = folder / "mintmark.toml"
    file.write_text(toml_of(data))
    return file


def refusal(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    message = caught.value.message
    assert "\n" not in message
    assert len(message) < 400
    return message


def test_a_good_file_is_read_and_frozen(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path))
    assert settings.database == f"sqlite:///{tmp_path}/mintmark.db"
    assert settings.tokens.access_token_lifetime == 600
    assert settings.keys.rotate_every == 2_592_000
    with pytest.raises(ValidationError):
        settings.issuer = "https://other.example"  # type: ignore[misc]


def set_issuer(value: Any) -> Change:
    return lambda data: data.update(issuer=value)


def set_client(**values: Any) -> Change:
    return lambda data: data["clients"][0].update(values)


def set_orders(**values: Any) -> Change:
    return lambda data: next(c for c in data["clients"] if c["client_id"] == "orders").update(values)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (set_issuer("http://auth.example.com"), ["issuer", "https"]),
        (set_issuer("http://10.0.0.1:8700"), ["issuer", "loopback"]),
        (set_issuer("http://127.0.0.1.evil.example"), ["issuer", "loopback"]),
        (set_issuer("https://auth.example.com/"), ["issuer", "trailing slash"]),
        (set_issuer("https://auth.example.com/x"), ["issuer", "no path"]),
        (set_issuer("https://auth.example.com?x=1"), ["issuer"]),
        (set_issuer("https://Auth.example.com"), ["issuer", "lower case"]),
        (set_issuer("https://user@auth.example.com"), ["issuer"]),
        (set_issuer("https://auth.example.com:99999"), ["issuer", "not a URL"]),
        (set_issuer("https://auth.example.com:443"), ["issuer", "default port"]),
        (set_issuer("auth.example.com"), ["issuer"]),
        (set_issuer(5), ["issuer", "is a text; write it in quotes"]),
        (lambda d: d.pop("issuer"), ["issuer", "missing"]),
        (lambda d: d.update(resources=d["resources"][0]), ["resources: ", "[[resources]]"]),
        (lambda d: d.update(demo="yes please"), ["demo: is true or false, without quotes"]),
        (
            lambda d: d.update(tokens={"code_lifetime": "long"}),
            ["code_lifetime: is a number, without quotes"],
        ),
        (lambda d: d.update(tokens={"code_lifetime": 601}), ["code_lifetime: must be at most 600"]),
        (lambda d: d.update(tokens={"code_lifetime": -1}), ["code_lifetime: must be greater than 0"]),
        (lambda d: d["clients"][0].update(kind="confidental"), ["kind: must be 'public' or 'confidential'"]),
        (
            lambda d: d["clients"][0].update(client_secret_sha256="abc"),
            ["client_secret_sha256: must be 64 hexadecimal digits"],
        ),
        (lambda d: d["resources"][0].update(audience="a" * 201), ["audience: is longer than 200 characters"]),
        (lambda d: d["resources"][0].update(descriptions=[1]), ["descriptions: is a table"]),
        (lambda d: d.update(isuer="x"), ["isuer", 'did you mean "issuer"']),
        (lambda d: d.update(database="mysql://x"), ["database", "sqlite:///"]),
        (lambda d: d.update(tokens={"access_token_lifetime": 0}), ["tokens.access_token_lifetime"]),
        (
            lambda d: d.update(tokens={"access_token_lifetime": True}),
            ["tokens.access_token_lifetime", "seconds"],
        ),
        (
            lambda d: d.update(tokens={"acess_token_lifetime": 5}),
            ["tokens.acess_token_lifetime", "access_token_life"],
        ),
        (lambda d: d.update(tokens={"refresh_idle": 9e9}), ["tokens", "refresh_absolute"]),
        (lambda d: d.update(tokens={"code_lifetime": 601}), ["tokens.code_lifetime", "600"]),
        (lambda d: d.update(keys={"jwks_max_age": 90_000}), ["keys", "publish_ahead"]),
        (lambda d: d.update(keys={"rotate_every": 3_600, "jwks_max_age": 60}), ["keys", "rotate_every"]),
        (lambda d: d.update(demo=False), ["people", "demo = true"]),
        (lambda d: d["people"].append(d["people"][0]), ["people", "twice"]),
        (lambda d: d["clients"].append(d["clients"][0]), ["clients", "twice"]),
        (lambda d: d["resources"].append(d["resources"][0]), ["resources", "twice"]),
        (
            lambda d: d["resources"][0].update(descriptions={"orders:reed": "x"}),
            ["descriptions", "orders:read"],
        ),
        (set_client(redirect_uris=["http://shop.example/cb"]), ['"app"', "redirect_uris", "https"]),
        (set_client(redirect_uris=["https://shop.example/cb#x"]), ["redirect_uris", "fragment"]),
        (set_client(redirect_uris=["https://*.example/cb"]), ["redirect_uris", "wildcard"]),
        (set_client(redirect_uris=["myapp:/cb"]), ["redirect_uris", "dot"]),
        (set_client(redirect_uris=["com.example.app:/cb"]), ["redirect_uris", "native"]),
        (set_client(redirect_uris=["/cb"]), ["redirect_uris", "scheme"]),
        (set_client(redirect_uris=["https://a@shop.example/"]), ["redirect_uris", "@"]),
        (set_client(redirect_uris=["https://shop.example/ä"]), ["redirect_uris", "percent-encode"]),
        (set_client(redirect_uris=[]), ["redirect_uris", "at least one"]),
        (set_client(redirect_uris=["https://a.example/"] * 2), ["redirect_uris", "twice"]),
        (set_client(origins=["http://127.0.0.1:9/"]), ["origins", "not an origin"]),
        (set_client(origins=["*"]), ["origins"]),
        (set_client(origins=["https://Shop.example"]), ["origins", "lower case"]),
        (set_client(origins=["https://shop.example:443"]), ["origins", "default port"]),
        (set_client(origins=["https://shop.example;sandbox"]), ["origins", "host"]),
        (set_client(origins=["com.example.shop://x"]), ["origins", "native"]),
        (set_client(origins=["http://shop.example"]), ["origins", "https"]),
        (set_client(kind="secret"), ['clients[0] "app".kind']),
        (set_client(kind="confidential"), ['"app"', "client_secret_file"]),
        (set_client(client_secret_sha256="0" * 64), ['"app"', "public"]),
        (set_client(grants=["authorization_code", "client_credentials"]), ['"app"', "confidential"]),
        (set_client(grants=["refresh_token"]), ['"app"', "authorization_code"]),
        (set_client(grants=["password"]), ['"app".grants[0]: ']),
        (set_client(scopes=["orders:reed"]), ["scopes", 'did you mean "orders:read"']),
        (set_client(scopes=["a b"]), ["scopes", "spaces"]),
        (set_client(resources=["order"]), ["resources", 'did you mean "orders"']),
        (set_client(rotate_refresh_tokens=False), ["rotate_refresh_tokens", "9700"]),
        (set_client(token_endpoint_auth_method="client_secret_basic"), ["token_endpoint_auth_method"]),
        (set_client(client_id="a b"), ["client_id", "spaces"]),
        (set_client(resource_server="orders"), ['"app"', "confidential"]),
        (set_client(redirect_uri=["x"]), ['"app".redirect_uri', 'did you mean "redirect_uris"']),
        (set_orders(client_secret_sha256="abc"), ["client_secret_sha256"]),
        (set_orders(client_secret_file="x"), ['"orders"', "keep one"]),
        (set_orders(exchange_to=["bill"]), ["exchange_to", 'did you mean "billing"']),
        (set_orders(scopes=[]), ["exchange_to", "billing:read"]),
        (set_orders(grants=["client_credentials"]), ["exchange_to", "token-exchange"]),
    ],
)
def test_P9_each_wrong_value_is_one_line_with_key_and_fix(
    tmp_path: Path, change: Change, expected: list[str]
) -> None:
    message = refusal(write(tmp_path, change))
    for part in expected:
        assert part in message, message


def test_no_wrong_value_that_may_be_secret_is_repeated(tmp_path: Path) -> None:
    secret = "hunter2-hunter2-hunter2"
    changes: list[Change] = [
        set_orders(client_secret_sha256=secret),
        set_orders(client_secret=secret),
        set_orders(client_secret_file=[secret]),
        lambda d: d["people"][0].update(password=[secret]),
        lambda d: d["people"][0].update(name=5, password=secret),
        lambda d: d.update(demo=secret),
    ]
    for change in changes:
        assert secret not in refusal(write(tmp_path, change))


def test_several_problems_are_counted(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, lambda d: d.update(demo="x", tokens={"refresh_grace": "y"})))
    assert message.endswith("(and 1 more)")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"issuer = ", "not TOML"),
        (b"\xff\xfe", "not UTF-8"),
        (b"issuer = 'a'\nissuer = 'b'", "not TOML"),
        (b"#" * (5 * 1024 * 1024), "larger than"),
    ],
)
def test_unreadable_content(tmp_path: Path, content: bytes, expected: str) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(content)
    assert expected in refusal(file)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "nothing.toml")
    assert "cannot be read" in refusal(tmp_path)


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINTMARK_ISSUER", "https://auth.example.com")
    monkeypatch.setenv("MINTMARK_TOKENS__ACCESS_TOKEN_LIFETIME", "300")
    monkeypatch.setenv("MINTMARK_TRUSTED_PROXIES", '["10.0.0.1"]')
    settings = load_settings(write(tmp_path))
    assert settings.issuer == "https://auth.example.com"
    assert settings.tokens.access_token_lifetime == 300
    assert settings.tokens.refresh_grace == 30
    assert settings.trusted_proxies == ("10.0.0.1",)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MINTMARK_ISUER", "x", 'did you mean "MINTMARK_ISSUER"'),
        ("MINTMARK_TOKENS__REFRESH_IDEL", "5", 'did you mean "refresh_idle"'),
        ("MINTMARK_TOKENS__REFRESH_IDLE", "soon", "tokens.refresh_idle"),
        ("MINTMARK_CLIENTS", "[{", "JSON"),
        ("MINTMARK_ISSUER", "http://auth.example.com", "loopback"),
    ],
)
def test_wrong_variables_are_told_like_wrong_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    assert expected in refusal(write(tmp_path))


@pytest.mark.parametrize(
    "name", ["MINTMARK_SETTINGS", "MINTMARK_KEY_ENCRYPTION_KEY", "MINTMARK_KEY_PASSWORD"]
)
def test_variables_of_other_parts_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "x")
    assert load_settings(write(tmp_path))


def with_secret_file(data: dict[str, Any]) -> None:
    set_orders(client_secret_file="orders.secret")(data)
    next(c for c in data["clients"] if c["client_id"] == "orders").pop("client_secret_sha256")


def test_a_secret_file_is_hashed_and_forgotten(tmp_path: Path) -> None:
    file = write(tmp_path, with_secret_file)
    secret = tmp_path / "orders.secret"
    secret.write_text("a-secret-of-some-length\n")
    secret.chmod(0o600)
    settings = load_settings(file)
    client = next(client for client in settings.clients if client.client_id == "orders")
    assert client.client_secret_sha256 == hashlib.sha256(b"a-secret-of-some-length").hexdigest()
    assert "a-secret-of-some-length" not in repr(settings)
    assert client.client_secret_sha256 not in repr(settings)


def test_a_secret_file_is_missing_open_or_too_short(tmp_path: Path) -> None:
    file = write(tmp_path, with_secret_file)
    assert "make it with" in refusal(file)
    secret = tmp_path / "orders.secret"
    secret.write_text("a-secret-of-some-length")
    secret.chmod(0o644)
    assert "chmod 600" in refusal(file)
    secret.write_text("short")
    secret.chmod(0o600)
    message = refusal(file)
    assert "fewer than 16 bytes" in message
    assert "short" not in message.replace("shorter", "")


def test_the_passwords_of_demo_people_are_not_shown(tmp_path: Path) -> None:
    assert "correct horse" not in repr(load_settings(write(tmp_path)))


def test_defaults_stand_in_and_overrides_win(tmp_path: Path) -> None:
    settings = load_settings(
        None, defaults={"issuer": "http://127.0.0.1:1"}, overrides={"database": "sqlite:////x.db"}
    )
    assert settings.issuer == "http://127.0.0.1:1"
    assert settings.database == "sqlite:////x.db"
    assert load_settings(write(tmp_path), defaults={"issuer": "http://127.0.0.1:1"}).issuer.endswith(":8700")
