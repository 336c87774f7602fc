"""Claim rules in the settings file: what cannot be followed, or must not be, ends the start in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mintmark.authorization_server.claims import REGISTERED
from mintmark.authorization_server.settings_file import load_settings
from mintmark.errors import ConfigurationError

FILE = """
issuer = "http://127.0.0.1:8700"

[[resources]]
audience = "orders"
scopes = ["orders:read"]
claims = [{resource}]

[[clients]]
client_id = "app"
kind = "public"
grants = ["authorization_code"]
redirect_uris = ["http://127.0.0.1:1/callback"]
resources = ["orders"]
scopes = ["openid"]
claims = [{client}]
"""


def refusal(tmp_path: Path, *, resource: str = "", client: str = "") -> str:
    file = tmp_path / "mintmark.toml"
    file.write_text(FILE.format(resource=resource, client=client))
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file)
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("claim", sorted(REGISTERED))
def test_P13_no_rule_names_a_claim_of_the_protocol(tmp_path: Path, claim: str) -> None:
    rule = f'{{ claim = "{claim}", value = 1 }}'
    said = refusal(tmp_path, resource=rule)
    assert 'resources[0] "orders".claims[0]' in said
    assert claim in said
    assert "the protocol owns that claim" in said
    assert "the protocol owns that claim" in refusal(tmp_path, client=rule)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ('{ claim = "x" }', "exactly one of"),
        ('{ claim = "x", value = 1, source = "email" }', "exactly one of"),
        ('{ claim = "x", source = "password" }', "a person has"),
        ('{ claim = "x", value = 2026-01-01 }', "not JSON"),
        ('{ claim = "x", value = nan }', "not JSON"),
        ('{ claim = "x", value = 99999999999999999999 }', "not JSON"),
        ('{ claim = "", value = 1 }', "claims[0].claim"),
        ("{ value = 1 }", "claim: is missing"),
        ('{ claim = "x", by_roles = {} }', 'did you mean "by_role"'),
        ('{ claim = "x", by_role = { a = "b" } }', "by_role"),
        ('{ claim = "x", value = 1, tokens = ["refresh"] }', "tokens"),
        ('{ claim = "x", value = 1, tokens = [] }', "tokens"),
        ('{ claim = "x", value = 1, scopes = ["openid "] }', "scopes"),
        ('{ claim = "x", value = 1, scopes = ["opendi"] }', 'did you mean "openid"'),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(tmp_path: Path, rule: str, words: str) -> None:
    assert words in refusal(tmp_path, resource=rule)
    assert words in refusal(tmp_path, client=rule)


def test_a_resource_has_no_say_in_tokens_that_it_never_sees(tmp_path: Path) -> None:
    said = refusal(tmp_path, resource='{ claim = "x", value = 1, tokens = ["access", "id"] }')
    assert "under the client" in said
