"""The issuer for tests: its tokens, its keys over time, its server, its outages."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from http.client import RemoteDisconnected
from typing import Any

import pytest

from mintmark import ACCESS_TOKEN, Claims, Key, Verifier, inspect
from mintmark.errors import (
    ConfigurationError,
    ExpiredToken,
    InvalidClaim,
    InvalidSignature,
    InvalidToken,
    KeysUnavailable,
    RevokedToken,
    UnknownKey,
)
from mintmark.resource_server import RemoteKeys
from mintmark.testing import FrozenClock, LocalIssuer


def verifier_of(issuer: LocalIssuer, **options: Any) -> Verifier[Claims]:
    return Verifier(
        issuer=issuer.issuer,
        audience="orders",
        keys=issuer.keys,
        profile=ACCESS_TOKEN,
        clock=issuer.clock,
        revocations=issuer.revocations,
        **options,
    )


@pytest.fixture
def issuer() -> LocalIssuer:
    return LocalIssuer(audience="orders", clock=FrozenClock(1_800_000_000.0))


def fetch(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=5) as answer:
        document: dict[str, Any] = json.loads(answer.read())
        return document


# --- tokens ---


def test_its_tokens_are_access_tokens_that_a_verifier_accepts(issuer: LocalIssuer) -> None:
    claims = verifier_of(issuer).verify(issuer.mint(sub="bob", scopes=["orders:read", "orders:write"]))
    assert claims.subject == "bob"
    assert claims["scope"] == "orders:read orders:write"
    assert claims.header["typ"] == "at+jwt"
    assert claims.expires_at == issuer.clock() + 600


def test_a_scope_may_be_one_text_and_no_scope_is_no_claim(issuer: LocalIssuer) -> None:
    verifier = verifier_of(issuer)
    assert verifier.verify(issuer.mint(scopes="orders:read"))["scope"] == "orders:read"
    assert "scope" not in verifier.verify(issuer.mint())


def test_P11_expired_tokens_are_expired_and_advancing_the_clock_expires_others(issuer: LocalIssuer) -> None:
    verifier, token = verifier_of(issuer), issuer.mint(lifetime=60)
    with pytest.raises(ExpiredToken):
        verifier.verify(issuer.mint(expired=True))
    verifier.verify(token)
    assert issuer.clock.advance(60 + 31) == 1_800_000_091.0
    with pytest.raises(ExpiredToken):
        verifier.verify(token)


@pytest.mark.parametrize(
    ("said", "claim"),
    [
        ({"audience": "billing"}, "aud"),
        ({"claims": {"iss": "https://other.test"}}, "iss"),
        ({"without": ["client_id"]}, "client_id"),
        ({"claims": {"exp": "soon"}}, "exp"),
        ({"typ": "JWT"}, "typ"),
        ({"typ": None}, "typ"),
    ],
)
def test_it_mints_what_no_honest_issuer_would(issuer: LocalIssuer, said: dict[str, Any], claim: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        verifier_of(issuer).verify(issuer.mint(**said))
    assert refused.value.claim == claim


def test_it_mints_with_any_header_and_any_key(issuer: LocalIssuer) -> None:
    assert inspect(issuer.mint(header={"x": "1"})).header["x"] == "1"
    stranger = Key.generate("ES256", kid=issuer.key.kid)
    with pytest.raises(InvalidSignature):
        verifier_of(issuer).verify(issuer.mint(key=stranger))


def test_revoked_tokens_and_people_are_refused(issuer: LocalIssuer) -> None:
    verifier, token, other = verifier_of(issuer), issuer.mint(), issuer.mint()
    issuer.revoke(token)
    verifier.verify(other)
    with pytest.raises(RevokedToken):
        verifier.verify(token)
    issuer.revoke(sub="alice")
    with pytest.raises(RevokedToken):
        verifier.verify(other)
    with pytest.raises(ConfigurationError):
        issuer.revoke(issuer.mint(without=["jti"]))


# --- keys ---


def test_rotation_keeps_old_tokens_until_the_old_key_is_withdrawn(issuer: LocalIssuer) -> None:
    verifier, old = verifier_of(issuer), issuer.mint()
    kid = issuer.key.kid
    assert issuer.rotate().kid != kid
    verifier.verify(old)
    verifier.verify(issuer.mint())
    assert len(issuer.published) == 2
    issuer.rotate(withdraw=True)
    verifier.verify(issuer.mint())
    with pytest.raises(UnknownKey):
        verifier.verify(old)


def test_rotation_may_change_the_algorithm(issuer: LocalIssuer) -> None:
    issuer.rotate(alg="Ed25519")
    assert verifier_of(issuer).verify(issuer.mint()).header["alg"] == "Ed25519"


async def asked(verifier: Verifier[Claims], token: str) -> Claims:
    return await verifier.averify(token)


def test_while_it_is_down_there_are_no_keys(issuer: LocalIssuer) -> None:
    import asyncio

    verifier, token = verifier_of(issuer), issuer.mint()
    issuer.go_down()
    assert not issuer.is_up
    with pytest.raises(KeysUnavailable):
        verifier.verify(token)
    with pytest.raises(KeysUnavailable):
        asyncio.run(asked(verifier, token))
    issuer.go_up()
    verifier.verify(token)
    assert asyncio.run(asked(verifier, token)).subject == "alice"


@pytest.mark.parametrize("alg", ["HS256", "RS256", "ML-DSA-44"])
def test_it_signs_with_any_algorithm(alg: str) -> None:
    issuer = LocalIssuer(audience="orders", alg=alg)
    assert verifier_of(issuer).verify(issuer.mint()).key.alg == alg


# --- the server ---


def test_nothing_listens_until_the_address_is_asked_for() -> None:
    code = (
        "import socket, threading\n"
        "socket.socket = None\n"
        "from mintmark.testing import LocalIssuer\n"
        "from mintmark import Verifier\n"
        "issuer = LocalIssuer()\n"
        "verifier = Verifier(issuer=issuer.issuer, audience='test', keys=issuer.keys, typ='at+jwt')\n"
        "verifier.verify(issuer.mint())\n"
        "assert threading.active_count() == 1\n"
        "assert issuer.fetches == 0\n"
        "import sys\n"
        "assert 'http.server' not in sys.modules and 'pytest' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_its_server_publishes_discovery_and_keys_and_counts_fetches() -> None:
    with LocalIssuer(audience="orders") as issuer:
        found = fetch(f"{issuer.url}/.well-known/openid-configuration")
        assert found["issuer"] == issuer.issuer == issuer.url
        assert fetch(found["jwks_uri"]) == issuer.published.to_jwks()
        assert "d" not in fetch(issuer.jwks_uri)["keys"][0]
        assert issuer.fetches == 2
        with pytest.raises(urllib.error.HTTPError, match="404") as missing:
            fetch(f"{issuer.url}/authorize")
        missing.value.close()


def test_remote_keys_find_it_follow_its_rotation_and_survive_its_outage() -> None:
    with LocalIssuer(audience="orders") as issuer:
        remote = RemoteKeys(issuer.url, clock=issuer.clock)
        verifier: Verifier[Claims] = Verifier(
            issuer=issuer.url, audience="orders", keys=remote, typ="at+jwt", clock=issuer.clock, cache=None
        )
        verifier.verify(issuer.mint())
        verifier.verify(issuer.mint())
        assert issuer.fetches == 1
        issuer.rotate()
        issuer.clock.advance(31)  # RemoteKeys asks once per 30 seconds because of unknown kids
        verifier.verify(issuer.mint())
        assert issuer.fetches == 2
        issuer.go_down()
        verifier.verify(issuer.mint())
        with pytest.raises((urllib.error.URLError, RemoteDisconnected, ConnectionError)):
            fetch(issuer.jwks_uri)
        issuer.go_up()
        assert fetch(issuer.jwks_uri)["keys"]


def test_an_issuer_that_starts_down_is_down_on_the_socket_too() -> None:
    with LocalIssuer() as issuer:
        issuer.go_down()
        with pytest.raises(KeysUnavailable):
            RemoteKeys(issuer.url, clock=issuer.clock).refresh(None)


def test_closing_stops_the_server_and_its_thread() -> None:
    issuer = LocalIssuer()
    address, before = issuer.url, threading.active_count()
    issuer.close()
    issuer.close()
    assert threading.active_count() < before
    with pytest.raises(urllib.error.URLError):
        fetch(address)


def test_an_issuer_does_not_change_its_name_once_it_is_used() -> None:
    issuer = LocalIssuer()
    issuer.mint()
    with pytest.raises(ConfigurationError, match=r"https://issuer\.test"):
        _ = issuer.url


def test_a_given_name_stays_whatever_the_address() -> None:
    with LocalIssuer("https://auth.example.com") as issuer:
        token = issuer.mint()
        assert issuer.url.startswith("http://127.0.0.1:")
        assert inspect(token).claims is not None
        assert fetch(f"{issuer.url}/.well-known/oauth-authorization-server")["issuer"] == issuer.issuer
        assert issuer.issuer == "https://auth.example.com"
        remote = RemoteKeys(issuer.issuer, jwks_uri=issuer.jwks_uri, clock=issuer.clock)
        with pytest.raises(InvalidClaim):
            Verifier(issuer="https://other.test", audience="test", keys=remote, typ="at+jwt").verify(token)


def test_P8_no_repr_shows_a_secret() -> None:
    issuer = LocalIssuer(alg="HS256")
    assert issuer.key.to_jwk(private=True)["k"] not in repr(issuer)
    assert repr(FrozenClock(5.0)) == "<FrozenClock at 5.0>"


def test_a_clock_stands_at_the_present_unless_told() -> None:
    import time

    assert abs(FrozenClock()() - time.time()) < 2
    clock = FrozenClock(100.0)
    clock.advance(-40)
    clock.now += 1
    assert clock() == 61.0
