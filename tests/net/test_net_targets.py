"""Which URLs and addresses may be fetched (research rows K9, K10)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.errors import FetchFailed
from mintmark.net import check_url, public_addresses


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://auth.example.com", "https://auth.example.com", "/"),
        ("https://auth.example.com:443/jwks", "https://auth.example.com", "/jwks"),
        ("https://Auth.Example.com:8443/a?b=c", "https://auth.example.com:8443", "/a?b=c"),
        ("http://127.0.0.1:8700/jwks", "http://127.0.0.1:8700", "/jwks"),
        ("http://127.8.9.1/", "http://127.8.9.1", "/"),
        ("http://localhost:80/", "http://localhost", "/"),
        ("http://[::1]:8700/x", "http://[::1]:8700", "/x"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]", "/"),
    ],
)
def test_good_urls_are_taken_apart(url: str, origin: str, path: str) -> None:
    target = check_url(url)
    assert (target.origin, target.path) == (origin, path)


@pytest.mark.parametrize(
    "url",
    [
        "http://auth.example.com/jwks",
        "http://2130706433/",  # 127.0.0.1 for some resolvers; not loopback by its text
        "http://0x7f.1/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://localhost@example.com/",
        "https://user:password@auth.example.com/",
        "https://user@auth.example.com/",
        "https://auth.example.com/#fragment",
        "https://auth.example.com\\@evil.example/",
        "https://auth.example.com/a b",
        "https://auth.example.com/\r\nX-Evil: 1",
        "ht\ttps://auth.example.com/",
        " https://auth.example.com/",
        "https://aüth.example.com/",
        "https://auth.example.com:99999/",
        "https://auth.example.com:0/",
        "https://auth.example.com:x/",
        "https://[::1/",
        "https://[v1.fe80]/",
        "https:///jwks",
        "https:jwks",
        "file:///etc/passwd",
        "ftp://auth.example.com/",
        "data:application/json,{}",
        "//auth.example.com/",
        "auth.example.com",
        "",
        "https://auth.example.com/" + "a" * 3000,
    ],
)
def test_K9_refused_urls(url: str) -> None:
    with pytest.raises(FetchFailed):
        check_url(url)


def test_K9_http_only_for_hosts_named() -> None:
    assert check_url("http://keys.internal/jwks", allow_http={"keys.internal"}).scheme == "http"
    with pytest.raises(FetchFailed):
        check_url("http://other.internal/jwks", allow_http={"keys.internal"})


def test_a_refusal_never_repeats_credentials() -> None:
    with pytest.raises(FetchFailed) as caught:
        check_url("https://user:hunter2@auth.example.com/?secret=s3cret")
    assert "hunter2" not in str(caught.value.details())
    assert "s3cret" not in str(caught.value.details())


@given(st.text(max_size=60))
def test_no_other_error_escapes(text: str) -> None:
    for url in (text, "https://" + text, "http://[" + text):
        try:
            check_url(url)
        except FetchFailed:
            continue


PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "64:ff9b:1::7f00:1",  # local translation (RFC 8215)
    "::127.0.0.1",  # IPv4-compatible (RFC 4291 2.5.5.1)
    "::ffff:0:127.0.0.1",  # IPv4-translated (RFC 2765)
    "fec0::1",  # site-local (RFC 3879)
    "5f00::1",
    "not an address",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_K10_private_addresses_are_refused_even_beside_a_public_one(address: str) -> None:
    with pytest.raises(FetchFailed):
        public_addresses("evil.example", [address])
    with pytest.raises(FetchFailed):
        public_addresses("evil.example", ["93.184.215.14", address])


def test_K10_public_addresses_pass() -> None:
    assert public_addresses("example.com", ["93.184.215.14", "2606:2800:21f::1"])[0] == "93.184.215.14"
    with pytest.raises(FetchFailed):
        public_addresses("example.com", [])
