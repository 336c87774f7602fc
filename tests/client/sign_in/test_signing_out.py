"""Sign-out: by the page's own form, at the issuer as well, and by the issuer's word."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from authorization_server.running import Running
from mintmark.client.sign_in import MemorySessionStore, Reply, Session, SessionStore, SignIn
from mintmark.jose.encoding import json_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jws import sign

from .person import APP, CALLBACK, COOKIE_KEY, Person, location, query_of, sign_in_at

EVENT = "http://schemas.openid.net/event/backchannel-logout"
ISSUER = "http://127.0.0.1:1"
KEY = Key.generate("ES256")


def signed_in(person: Person) -> Session:
    person.sign_in()
    session = person.app.current(person.visit("/")).session
    assert session is not None
    return session


def test_O11_after_sign_out_the_old_cookie_is_refused_here_and_at_the_issuer(
    server: Running, store: SessionStore | None
) -> None:
    app = sign_in_at(server, store=store, post_logout_redirect_uri=f"{APP}/bye")
    with Person(server, app) as alice:
        session = signed_in(alice)
        before = dict(alice.cookies)
        form = {"csrf_token": session.csrf_token}
        to = location(alice.send(alice.visit("/sign-out", form=form, origin=APP)))
        assert alice.cookies == {}
        sent = query_of(to)
        assert sent["id_token_hint"] == session.tokens.id_token
        assert session.access_token not in to
        answer = alice.issuer.http.get(to)
        assert answer.headers["location"] == f"{APP}/bye"
        alice.cookies = before
        assert app.current(alice.visit("/")).session is None
        # elsewhere, too: a process that has not heard of it finds the refresh token revoked
        server.clock.advance(601)
        assert sign_in_at(server, store=store).current(alice.visit("/")).session is None


def test_without_an_address_to_come_back_to_the_person_is_signed_out_here(server: Running) -> None:
    with Person(server, sign_in_at(server)) as alice:
        form = {"csrf_token": signed_in(alice).csrf_token}
        assert location(alice.send(alice.visit("/sign-out", form=form))) == "/"
        assert location(alice.send(alice.visit("/sign-out", form=form))) == "/"  # twice does no harm


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ({}, {}),
        ({"csrf_token": ""}, {}),
        ({"csrf_token": "é"}, {}),
        ({"csrf_token": "of another session"}, {}),
        ({"csrf_token": None}, {"origin": "https://evil.example"}),
        ({"csrf_token": None}, {"origin": "null"}),
        ({"csrf_token": None}, {"sec_fetch_site": "same-site"}),
        ({"csrf_token": None}, {"content_type": "text/plain"}),
    ],
)
def test_a_forged_sign_out_is_refused(
    server: Running, form: dict[str, str | None], headers: dict[str, str]
) -> None:
    app = sign_in_at(server)
    with Person(server, app) as alice:
        session = signed_in(alice)
        sent = {name: session.csrf_token if value is None else value for name, value in form.items()}
        reply = alice.send(alice.visit("/sign-out", form=sent, **headers))
        assert reply.status == 403
        assert app.current(alice.visit("/")).session is not None


def test_sign_out_is_a_post_and_the_others_are_gets(server: Running) -> None:
    app = sign_in_at(server)
    with Person(server, app) as alice:
        signed_in(alice)
        assert dict(app.answer(alice.visit("/sign-out"), "/sign-out").headers)["Allow"] == "POST"
        for path in ("/sign-in", "/callback"):
            assert app.answer(alice.visit(path, form={}), path).status == 405
        assert app.current(alice.visit("/")).session is not None


# --- the issuer's word (the authorization server sends none yet, so the tokens are made here) ---


def told(app: SignIn, person: Person, **changes: object) -> Reply:
    now = app._clock()
    claims = {
        "iss": app._provider.issuer,
        "aud": "shop",
        "iat": now,
        "exp": now + 120,
        "jti": "one",
        "events": {EVENT: {}},
    }
    claims |= changes
    claims = {name: value for name, value in claims.items() if value is not None}
    token = sign(json_encode(claims), KEY, header={"typ": "logout+jwt"})
    return app.answer(
        person.visit("/backchannel-logout", form={"logout_token": token}), "/backchannel-logout"
    )


@pytest.fixture
def listening(server: Running) -> SignIn:
    """An application that hears logout tokens signed by a key of the test's."""
    from mintmark.jwt import LOGOUT_TOKEN, Verifier

    app = sign_in_at(server, store=MemorySessionStore())
    assert app._backchannel is not None
    app._backchannel._verifier = Verifier(
        issuer=server.url, audience="shop", keys=KEY.public, profile=LOGOUT_TOKEN, clock=server.clock
    )
    return app


def alive(app: SignIn, person: Person) -> bool:
    return app.current(person.visit("/")).session is not None


def test_a_logout_token_ends_the_sessions_of_its_sid_or_person(server: Running, listening: SignIn) -> None:
    with (
        Person(server, listening) as phone,
        Person(server, listening) as laptop,
        Person(server, listening) as tv,
    ):
        first = signed_in(phone)
        signed_in(laptop)
        reply = told(listening, Person(server, listening), sid=first.sid, jti="a")
        assert reply.status == 200
        assert ("Cache-Control", "no-store") in reply.headers
        assert not alive(listening, phone)
        assert alive(listening, laptop)
        signed_in(tv)
        assert told(listening, phone, sub="somebody else", jti="b").status == 200
        assert alive(listening, laptop)
        assert told(listening, phone, sub=first.subject, jti="c").status == 200
        assert not alive(listening, laptop)
        assert not alive(listening, tv)


def test_a_bad_or_replayed_logout_token_ends_nothing(server: Running, listening: SignIn) -> None:
    with Person(server, listening) as alice:
        subject = signed_in(alice).subject
        for change in (
            {"aud": "kiosk"},
            {"iss": "https://evil.example"},
            {"exp": 1.0},
            {"jti": None},
            {"events": None},
            {"events": {}},
            {"nonce": "n"},
        ):
            assert told(listening, alice, **{"sub": subject, **change}).status == 400
        assert told(listening, alice, sub=None, sid=None).status == 400
        empty = alice.visit("/backchannel-logout", form={})
        assert listening.answer(empty, "/backchannel-logout").status == 400
        assert alive(listening, alice)
        assert told(listening, alice, sub=subject).status == 200
        signed_in(alice)
        assert told(listening, alice, sub=subject).status == 400  # the same jti again
        assert alive(listening, alice)


def test_without_a_store_there_is_no_backchannel() -> None:
    app = SignIn(ISSUER, "kiosk", CALLBACK, keys=KEY.public, cookie_key=COOKIE_KEY, public=True)
    assert "/backchannel-logout" not in app.paths
    assert urlsplit(CALLBACK).path in app.paths
