"""Sign-in at the real issuer: the good way, and everything that somebody else may try at the callback."""

from __future__ import annotations

import base64
import hashlib
import logging

import pytest

from authorization_server.running import BOB, Running
from mintmark.client.sign_in import Reply, SessionStore, SignIn

from .person import Person, location, query_of, sign_in_at

RETURNS = [  # what a link asks to return to, and where the person goes
    ("/orders?page=2#last", "/orders?page=2#last"),
    ("/", "/"),
    ("https://evil.example/", "/"),
    ("//evil.example", "/"),
    ("/\\evil.example", "/"),
    ("\\\\evil.example", "/"),
    ("/\t/evil.example", "/"),
    ("/\n/evil.example", "/"),
    (" //evil.example", "/"),
    ("///evil.example", "/"),
    ("/orders//evil.example", "/"),
    ("/.//evil.example", "/"),
    ("/..//evil.example", "/"),
    ("/orders/../..//evil.example", "/"),
    ("javascript:alert(1)", "/"),
    ("orders", "/"),
    ("", "/"),
    ("@evil.example", "/"),
    ("/sign-in?return_to=/sign-in", "/"),
    ("/callback?code=x", "/"),
    ("/ｅvil", "/"),
    ("/" + "a" * 2000, "/"),
]


@pytest.mark.parametrize("client_id", ["shop", "kiosk"])
def test_a_person_signs_in_and_is_recognised(
    server: Running, store: SessionStore | None, client_id: str
) -> None:
    app = sign_in_at(server, client_id, store=store)
    with Person(server, app) as alice:
        assert location(alice.sign_in("/orders?page=2")) == "/orders?page=2"
        session = app.current(alice.visit("/orders")).session
        assert session is not None
        assert session.claims["name"] == "Alice <Archer>"
        assert set(alice.cookies) == {"mintmark-session"}  # the attempt's cookie is gone


def test_the_authorization_request_is_bound_and_random(server: Running) -> None:  # O3
    with Person(server, sign_in_at(server)) as alice:
        first, second = query_of(alice.begin()), query_of(alice.begin())
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) == 43
        assert first[name] != second[name]
    assert first["code_challenge_method"] == "S256"
    assert len({first["state"], first["nonce"], first["code_challenge"]}) == 3
    hashed = base64.urlsafe_b64encode(hashlib.sha256(first["state"].encode()).digest()).rstrip(b"=")
    assert first["code_challenge"] != hashed.decode()


def test_two_tabs_can_sign_in_at_once(server: Running) -> None:
    with Person(server, sign_in_at(server)) as alice:
        first, second = alice.begin("/one"), alice.begin("/two")
        for url, expected in ((first, "/one"), (second, "/two")):
            query = alice.at_issuer(url)
            assert location(alice.send(alice.visit("/callback", query))) == expected


@pytest.mark.parametrize(("asked", "expected"), RETURNS)
def test_O6_nobody_is_sent_to_another_site(asked: str, expected: str) -> None:
    from mintmark.client.sign_in.places import Places

    places = Places.of("https://app.example/callback", "/sign-in", "/sign-out", "/backchannel-logout", "/")
    assert places.return_to(asked) == expected


def refused(reply: Reply, status: int = 400) -> None:
    assert reply.status == status, reply.body
    assert b"Try again" in reply.body
    assert not any(cookie.name == "mintmark-session" and cookie.max_age for cookie in reply.cookies)


def test_a_tampered_state_is_refused(server: Running) -> None:
    with Person(server, sign_in_at(server)) as alice:
        query = alice.at_issuer(alice.begin())
        state = query_of(f"?{query}")["state"]
        for changed in (state[:-1] + ("A" if state[-1] != "A" else "B"), "", "é", state * 2):
            refused(alice.send(alice.visit("/callback", query.replace(state, changed))))
        assert alice.send(alice.visit("/callback", query)).status == 303  # nothing was spoilt


def test_a_code_of_another_browser_is_refused(server: Running) -> None:  # login CSRF
    app = sign_in_at(server)
    with Person(server, app) as mallory, Person(server, app) as alice:
        query = mallory.at_issuer(mallory.begin(), BOB)
        refused(alice.send(alice.visit("/callback", query)))
        alice.begin()  # even in the middle of an attempt of her own
        refused(alice.send(alice.visit("/callback", query)))
        own = query_of(f"?{alice.at_issuer(alice.begin())}")
        stolen = query_of(f"?{query}")
        refused(
            alice.send(
                alice.visit("/callback", f"code={stolen['code']}&state={own['state']}&iss={own['iss']}")
            )
        )
        assert app.current(alice.visit("/")).session is None


def test_O4_a_replayed_callback_is_refused(server: Running, store: SessionStore | None) -> None:
    with Person(server, app := sign_in_at(server, store=store)) as alice:
        query = alice.at_issuer(alice.begin())
        before = alice.visit("/callback", query)
        assert alice.send(before).status == 303
        refused(alice.send(alice.visit("/callback", query)))
        refused(app.answer(before, "/callback"))  # with the attempt's cookie as it was
        server.clock.advance(1000)  # and the session of the first use lives on: the code was not sent twice
        assert app.current(alice.visit("/")).session is not None


def test_another_issuers_answer_is_refused(server: Running) -> None:  # mix-up, RFC 9207
    with Person(server, sign_in_at(server)) as alice:
        for change in (
            lambda q, iss: q.replace(iss, "https%3A%2F%2Fevil.example"),
            lambda q, iss: q.replace(iss, ""),
        ):
            query = alice.at_issuer(alice.begin())
            refused(alice.send(alice.visit("/callback", change(query, query.partition("iss=")[2]))))
        query = alice.at_issuer(alice.begin())
        refused(alice.send(alice.visit("/callback", query.partition("&iss=")[0])))  # none at all


def test_an_attempt_ends_after_ten_minutes(server: Running) -> None:
    with Person(server, sign_in_at(server)) as alice:
        url = alice.begin()
        server.clock.advance(601)
        refused(alice.send(alice.visit("/callback", alice.at_issuer(url))))


def test_an_error_of_the_issuer_is_a_page_that_repeats_nothing(server: Running) -> None:
    with Person(server, sign_in_at(server)) as alice:
        for error, status in (("access_denied", 403), ("<script>", 400)):
            sent = query_of(alice.begin())
            query = f"error={error}&error_description=<b>hm</b>&state={sent['state']}&iss={server.url}"
            reply = alice.send(alice.visit("/callback", query))
            refused(reply, status)
            assert b"<b>" not in reply.body
            assert b"script" not in reply.body


@pytest.mark.parametrize("query", ["code=a&code=b&state=x", "&" * 100, "state=%ff", "code", ""])
def test_an_unreadable_callback_is_refused(server: Running, query: str) -> None:
    with Person(server, sign_in_at(server)) as alice:
        alice.begin()
        refused(alice.send(alice.visit("/callback", query)))


def test_the_session_has_a_new_name_after_each_sign_in(server: Running, store: SessionStore | None) -> None:
    app = sign_in_at(server, store=store)
    with Person(server, app) as alice:
        alice.sign_in()
        before = dict(alice.cookies)
        old = app.current(alice.visit("/")).session
        alice.sign_in()
        new = app.current(alice.visit("/")).session
        assert old is not None
        assert new is not None
        assert old.session_id != new.session_id
        assert old.csrf_token != new.csrf_token
        alice.cookies = before
        assert app.current(alice.visit("/")).session is None


def test_O16_no_token_is_in_a_repr_a_log_or_a_page(
    server: Running, store: SessionStore | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app = sign_in_at(server, store=store)
    with Person(server, app) as alice:
        begun = app.answer(alice.visit("/sign-in"), "/sign-in")
        done = alice.sign_in()
        visit = alice.visit("/", "")
        current = app.current(visit)
        session = current.session
        assert session is not None
        shown = " ".join(map(repr, (begun, done, visit, current, session, session.tokens, app)))
        tokens = session.tokens
        secrets = [session.session_id, tokens.access_token, tokens.refresh_token, tokens.id_token]
        secrets += [cookie.value for cookie in done.cookies if cookie.value]
        page = done.body.decode() + location(done)
        for secret in secrets:
            assert secret
            assert secret not in shown
            assert secret not in caplog.text
            assert secret not in page


def test_O17_cookies_are_guarded() -> None:
    from mintmark.client.sign_in.cookies import CookieJar
    from mintmark.client.sign_in.visit import Visit

    (cookie,) = CookieJar.of("mintmark-session", secure=True).write(Visit("GET", "/"), "value", 600)
    assert cookie.header == (
        "__Host-mintmark-session=1~value; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"
    )


def test_an_issuer_that_is_down_is_503(server: Running) -> None:
    from .person import CALLBACK, COOKIE_KEY, SECRET

    app = SignIn(
        "http://127.0.0.1:1", "shop", CALLBACK, keys=COOKIE_KEY, cookie_key=COOKIE_KEY, client_secret=SECRET
    )
    with Person(server, app) as alice:
        assert alice.send(alice.visit("/sign-in")).status == 503


@pytest.mark.parametrize("secret", ["nonce", "verifier"])
def test_O2_C14_the_code_and_the_id_token_belong_to_this_very_attempt(server: Running, secret: str) -> None:
    """An attempt whose secrets differ from what the issuer was sent: as if the code had been injected."""
    app = sign_in_at(server)
    with Person(server, app) as alice:
        query = alice.at_issuer(alice.begin())
        sealer, text = app._flow._sealer, alice.cookies["mintmark-session-attempts"].removeprefix("1~")
        members = sealer.open("attempts", text)
        assert members is not None
        members["attempts"][0][secret] = "A" * 43
        alice.cookies["mintmark-session-attempts"] = "1~" + sealer.seal("attempts", members)
        refused(alice.send(alice.visit("/callback", query)))


def test_a_code_for_another_client_gives_no_session(server: Running) -> None:  # O4
    with Person(server, sign_in_at(server, "kiosk")) as thief, Person(server, sign_in_at(server)) as alice:
        stolen = query_of("?" + alice.at_issuer(alice.begin()))["code"]
        state = query_of(thief.begin())["state"]
        refused(thief.send(thief.visit("/callback", f"code={stolen}&state={state}&iss={server.url}")))
