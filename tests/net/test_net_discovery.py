"""An issuer's metadata is believed only about the issuer itself (RFC 8414 3.3)."""

from __future__ import annotations

import json

import pytest

from mintmark.errors import FetchFailed
from mintmark.net import Fetcher
from mintmark.net.discovery import discover, metadata_addresses, read_metadata
from net.scripted_server import reply, serving

ISSUER = "https://auth.example.com"


@pytest.mark.parametrize(
    ("issuer", "addresses"),
    [
        (ISSUER, ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")),
        (f"{ISSUER}/", ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")),
        (
            f"{ISSUER}/one",
            ("/one/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/one"),
        ),
    ],
)
def test_openid_appends_and_oauth_inserts_the_well_known_path(
    issuer: str, addresses: tuple[str, str]
) -> None:
    assert metadata_addresses(issuer) == tuple(ISSUER + address for address in addresses)


@pytest.mark.parametrize(
    "document",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"issuer":null}',
        b'{"issuer":["https://auth.example.com"]}',
        b'{"issuer":"https://auth.example.com/"}',
        b'{"issuer":"https://AUTH.example.com"}',
        b'{"issuer":"https://auth.example.com:443"}',
        b'{"issuer":"https://evil.example","issuer":"https://auth.example.com"}',
    ],
)
def test_a_document_that_does_not_name_the_very_issuer_is_refused(document: bytes) -> None:
    with pytest.raises(FetchFailed):
        read_metadata(document, ISSUER)


def test_an_endpoint_that_is_not_published_is_named() -> None:
    metadata = read_metadata(json.dumps({"issuer": ISSUER, "jwks_uri": 7}).encode(), ISSUER)
    for name in ("jwks_uri", "token_endpoint"):
        with pytest.raises(FetchFailed, match=name):
            metadata.address(name)


@pytest.mark.parametrize(("status", "asked"), [("500 No", 1), ("404 Not Found", 2)])
def test_only_a_404_leads_to_the_second_place(status: str, asked: int) -> None:
    with serving(lambda seen, _: reply(status=status)) as server, pytest.raises(FetchFailed, match="status"):
        discover(Fetcher(), server.url)
    assert len(server.seen) == asked
