"""The pure rules: redirect URIs, parameters, proof keys, delays, credentials. No server."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.authorization_server.oauth.attempts import Attempts, Record, after_failure, seconds_to_wait
from mintmark.authorization_server.oauth.client_auth import presented
from mintmark.authorization_server.oauth.errors import InvalidClient, InvalidRequest, OAuthError
from mintmark.authorization_server.oauth.parameters import Parameters, form_decoded
from mintmark.authorization_server.oauth.redirect_uris import (
    form_action_source,
    matching,
    registration_problem,
)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com/callback",
        "https://app.example.com:8443/callback?x=1&y=%20",
        "https://app.example.com",
        "http://127.0.0.1:8701/callback",
        "http://[::1]:8701/callback",
        "http://localhost/callback",
    ],
)
def test_A11_A12_what_can_be_registered(uri: str) -> None:
    assert registration_problem(uri, native=False) is None


@pytest.mark.parametrize(
    ("uri", "word"),
    [
        ("http://app.example.com/callback", "https"),
        ("http://127.0.0.2/callback", "https"),
        ("http://127.0.0.1.evil.example/", "https"),
        ("http://localhost.evil.example/", "https"),
        ("https://app.example.com/#x", "fragment"),
        ("https://app.example.com/#", "fragment"),
        ("https://*.example.com/", "wildcard"),
        ("https://user:pw@app.example.com/", "@"),
        ("https:///callback", "no host"),
        ("https://app.example.com;sandbox/", "host"),  # it would stand in a page's policy
        ("https://app.example.com,b/", "host"),
        ("https://%61pp.example.com/", "host"),
        ("https://app.example.com:port/", "not a URI"),
        ("https://[::1/", "not a URI"),
        ("https://app.example.com/a b", "characters"),
        ("https://app.example.com/\n", "characters"),
        ("https://app.example.com/ä", "characters"),
        ("https:\\\\app.example.com/", "characters"),
        ("/callback", "not absolute"),
        ("", "not absolute"),
        ("javascript:alert(1)", "dot"),
        ("data:text/html,x", "dot"),
        ("com.example.app:/callback", "native"),
        ("https://app.example.com/" + "x" * 2000, "longer"),
    ],
)
def test_A11_A12_O5_what_cannot(uri: str, word: str) -> None:
    assert word in (registration_problem(uri, native=False) or "")


def test_a_native_application_may_have_a_scheme_of_its_own() -> None:
    assert registration_problem("com.example.app:/callback", native=True) is None
    assert "dot" in (registration_problem("myapp:/callback", native=True) or "")


@given(st.text(max_size=60))
def test_O5_only_the_very_same_text_matches(presented_uri: str) -> None:
    registered = ("https://app.example.com/callback",)
    assert (matching(registered, presented_uri, native=True) is not None) == (presented_uri == registered[0])


@given(st.integers(0, 65535), st.sampled_from(["127.0.0.1", "[::1]"]))
def test_A8_any_port_of_a_loopback_address(port: int, host: str) -> None:
    registered = (f"http://{host}:1/done?x=1",)
    assert matching(registered, f"http://{host}:{port}/done?x=1", native=True)
    assert (matching(registered, f"http://{host}:{port}/done?x=1", native=False) is not None) == (port == 1)


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://app.example.com/callback", "https://app.example.com"),
        ("http://127.0.0.1:8701/callback?x", "http://127.0.0.1:8701"),
        ("http://[::1]:8701/callback", "http:"),
        ("com.example.app:/callback", "com.example.app:"),
    ],
)
def test_where_a_forms_answer_may_lead(uri: str, source: str) -> None:
    assert form_action_source(uri) == source


def test_parameters_empty_is_absent_and_lists_have_no_doubles() -> None:
    parameters = Parameters.parse(b"a=&b=1&scope=x+y++x&resource=r1&resource=r2&resource=")
    assert "a" not in parameters
    assert parameters.words("scope") == ("x", "y")
    assert parameters.every("resource") == ("r1", "r2")
    assert parameters.every("audience") == ()
    with pytest.raises(InvalidRequest):
        parameters.required("a")


@pytest.mark.parametrize("text", [b"a=1&a=2", b"a=1&a=", b"a=%ff", b"\xff=1", b"a=%00", b"a&" * 101])
def test_parameters_are_strict(text: bytes) -> None:
    with pytest.raises(InvalidRequest):
        Parameters.parse(text)


@given(st.binary(max_size=300))
def test_no_text_brings_the_parser_down(text: bytes) -> None:
    with suppress(InvalidRequest):
        Parameters.parse(text)


def test_parameters_do_not_show_values() -> None:
    assert "hunter2" not in repr(Parameters.parse(b"password=hunter2&resource=hunter2"))


@given(st.text(max_size=100))
def test_A34_descriptions_hold_only_what_the_wire_allows(text: str) -> None:
    description = OAuthError(text).description
    assert all(c in "\x20\x21" or "\x23" <= c <= "\x5b" or "\x5d" <= c <= "\x7e" for c in description)


def test_B25_the_first_wrong_secrets_are_free_then_the_delay_doubles() -> None:
    record = None
    delays = []
    for _ in range(14):
        record = after_failure(record, 1000.0)
        delays.append(seconds_to_wait(record, 1000.0))
    assert delays[:4] == [0, 0, 0, 0]
    assert delays[4:] == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert seconds_to_wait(record, 1060.0) == 0
    assert after_failure(record, 3000.0) == Record(1, 3000.0)


def test_B25_one_network_does_not_slow_down_another_and_memory_is_bounded() -> None:
    attempts = Attempts(most=3)
    for _ in range(20):
        attempts.failed("client", "stranger", 0.0)
    assert attempts.seconds_to_wait("client", "stranger", 0.0) > 0
    assert attempts.seconds_to_wait("client", "home", 0.0) == 0
    attempts.succeeded("client", "stranger")
    assert attempts.seconds_to_wait("client", "stranger", 0.0) == 0
    for number in range(10):
        attempts.failed(f"client-{number}", "stranger", 0.0)
    assert len(attempts._records) == 3


@given(st.text(max_size=80) | st.from_regex(r"Basic [A-Za-z0-9+/=]{0,60}", fullmatch=True))
def test_no_authorization_header_brings_the_reader_down(header: str) -> None:
    with suppress(InvalidClient, InvalidRequest):
        presented(header, Parameters())


def test_credentials_do_not_show_the_secret() -> None:
    credentials = presented(None, Parameters.parse(b"client_id=a&client_secret=hunter2"))
    assert "hunter2" not in repr(credentials)


FORM_TEXT = st.text(st.sampled_from("%+=&aZ09~.c3Ae2Fé\x00")) | st.text()


@given(FORM_TEXT)
def test_forms_are_decoded_as_the_standard_library_decodes_them(text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        return  # no header and no form gives these
    try:
        expected = unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        with pytest.raises(UnicodeDecodeError):
            form_decoded(text)
    else:
        assert form_decoded(text) == expected


@given(st.binary() | st.text(st.sampled_from("%0a1+=&\x00")).map(str.encode))
def test_no_parameter_ever_holds_a_null_character(text: bytes) -> None:
    try:
        parameters = Parameters.parse(text)
    except InvalidRequest:
        return
    for name, _, value in (field.partition(b"=") for field in text.split(b"&")):
        for part in (name, value):
            assert "\x00" not in unquote_plus(part.decode("ascii"))
    assert "\x00" not in parameters.text


@pytest.mark.parametrize("text", ["a=%00", "%00=a", "a=b%%00", "a=\x00", "a=b&c=d%00e"])
def test_a_null_character_is_refused_however_it_is_spelt(text: str) -> None:
    with pytest.raises(InvalidRequest, match="null"):
        Parameters.parse(text.encode())
