"""Sessions: renewed once for all who wait, ended when the issuer says so, worthless when altered."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from authorization_server.running import Running
from mintmark.client.sign_in import (
    Current,
    MemorySessionStore,
    Record,
    Reply,
    Session,
    SessionStore,
    SignIn,
    SignInRefused,
    SignInUnavailable,
    SQLiteSessionStore,
    Tokens,
)
from mintmark.client.sign_in.sessions import Need, need
from mintmark.errors import ConfigurationError, FetchFailed, KeysUnavailable
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.net import Fetcher, Response

from .person import APP, COOKIE_KEY, Person, location, sign_in_at


def signed_in(person: Person) -> Session:
    person.sign_in()
    return session_of(person)


def session_of(person: Person) -> Session:
    current = person.app.current(person.visit("/"))
    person.keep(current.cookies)
    assert current.session is not None
    return current.session


def expire(server: Running, session: Session) -> None:
    server.clock.advance(session.tokens.expires_at - server.clock.now + 1)


@pytest.fixture
def refreshes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Counts the refreshes that go over the wire."""
    seen: list[str] = []
    fetch = Fetcher.fetch

    def counting(self: Fetcher, url: str, **more: object) -> Response:
        if url.endswith("/token") and b"refresh_token" in (more.get("body") or b""):  # type: ignore[operator]
            seen.append(url)
        return fetch(self, url, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Fetcher, "fetch", counting)
    return seen


def test_a_session_is_renewed_ahead_of_its_tokens_end(
    server: Running, store: SessionStore | None, refreshes: list[str]
) -> None:
    with Person(server, sign_in_at(server, store=store)) as alice:
        first = signed_in(alice)
        server.clock.advance(first.tokens.renew_at - server.clock.now - 1)
        assert session_of(alice).revision == 0
        server.clock.advance(2)
        second = session_of(alice)
        assert second.revision == 1
        assert second.access_token != first.access_token
        assert second.subject == first.subject
        server.clock.advance(100)
        assert session_of(alice).revision == 1
        assert len(refreshes) == 1


@pytest.mark.parametrize("way", ["threads", "tasks"])
def test_parallel_requests_make_one_refresh(
    server: Running, store: SessionStore | None, refreshes: list[str], way: str
) -> None:
    app = sign_in_at(server, store=store)
    with Person(server, app) as alice:
        expire(server, signed_in(alice))
        visit = alice.visit("/")
        if way == "threads":
            together = threading.Barrier(8)

            def ask() -> Current:
                together.wait()
                return app.current(visit)

            with ThreadPoolExecutor(8) as pool:
                found = [future.result() for future in [pool.submit(ask) for _ in range(8)]]
        else:

            async def all_at_once() -> list[Current]:
                return await asyncio.gather(*(app.acurrent(visit) for _ in range(8)))

            found = asyncio.run(all_at_once())
        assert len(refreshes) == 1
        assert {current.session.access_token for current in found if current.session} == {
            session_of(alice).access_token
        }
        assert app.current(visit).session is not None  # the cookie from before, a moment later
        assert len(refreshes) == 1


def test_two_processes_renew_one_session_without_ending_it(
    server: Running, store: SessionStore | None
) -> None:
    one, other = sign_in_at(server, store=store), sign_in_at(server, store=store)
    with Person(server, one) as alice:
        expire(server, signed_in(alice))
        visit = alice.visit("/")
        first, second = one.current(visit), other.current(visit)
        assert first.session is not None
        assert second.session is not None
        assert first.session.tokens.refresh_token == second.session.tokens.refresh_token


def test_O11_a_refused_refresh_ends_the_session(server: Running, store: SessionStore | None) -> None:
    app = sign_in_at(server, store=store)
    with Person(server, app) as alice:
        session = signed_in(alice)
        assert session.sid is not None
        server.do(server.service.sessions.sign_out(session.sid, server.clock.now))
        expire(server, session)
        page, script = alice.visit("/orders", "page=2"), alice.visit("/orders", sec_fetch_mode="cors")
        sent = app.admit(page)
        assert isinstance(sent, Reply)
        assert location(sent) == "/sign-in?return_to=%2Forders%3Fpage%3D2"
        assert any(cookie.max_age == 0 for cookie in sent.cookies)
        refused = app.admit(script)
        assert isinstance(refused, Reply)
        assert refused.status == 401
        assert "WWW-Authenticate" in dict(refused.headers)


def test_a_session_has_an_end_however_often_it_is_renewed(
    server: Running, store: SessionStore | None
) -> None:
    with Person(server, app := sign_in_at(server, store=store, lifetime=3600)) as alice:
        signed_in(alice)
        for _ in range(6):
            server.clock.advance(595)
            session_of(alice)
        server.clock.advance(40)
        assert app.current(alice.visit("/")).session is None


def test_an_outage_of_the_issuer_ends_no_session(
    server: Running, store: SessionStore | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Person(server, app := sign_in_at(server, store=store)) as alice:
        session = signed_in(alice)
        server.clock.advance(session.tokens.renew_at - server.clock.now + 1)
        with monkeypatch.context() as patch:

            def down(*_: object, **__: object) -> Response:
                raise FetchFailed("down")

            patch.setattr(Fetcher, "fetch", down)
            assert session_of(alice).revision == 0  # the old token still serves
            expire(server, session)
            with pytest.raises(SignInUnavailable):
                app.current(alice.visit("/"))
            reply = app.admit(alice.visit("/"))
            assert isinstance(reply, Reply)
            assert reply.status == 503
            assert reply.cookies == ()
        server.clock.advance(6)
        assert session_of(alice).revision == 1


def test_a_tampered_cookie_is_nobody(server: Running, store: SessionStore | None) -> None:
    with Person(server, app := sign_in_at(server, store=store)) as alice:
        signed_in(alice)
        value = alice.cookies["mintmark-session"]
        half = len(value) // 2
        for changed in (
            value[:half] + ("A" if value[half] != "A" else "B") + value[half + 1 :],
            value[:-5],
            value.replace("1~", "2~"),
            value.removeprefix("1~"),
            "1~",
            "",
            "9~" + value,
            "1~" + "A" * 43,
        ):
            alice.cookies["mintmark-session"] = changed
            assert app.current(alice.visit("/")).session is None
        double = alice.visit("/", cookie=f"mintmark-session={value}; mintmark-session={value}")
        alice.cookies.clear()
        assert app.current(alice.visit("/", cookie=f"mintmark-session={value}")).session is not None
        assert app.current(double).session is None


def test_a_cookie_opens_for_its_own_purpose_client_and_key_only(server: Running) -> None:
    with Person(server, sign_in_at(server)) as alice:
        alice.begin()
        attempt = alice.cookies["mintmark-session-attempts"]
        signed_in(alice)
        visit = alice.visit("/")
        other_key = Key.generate("A256GCM")
        assert sign_in_at(server, "kiosk").current(visit).session is None
        assert sign_in_at(server, cookie_key=other_key).current(visit).session is None
        changed = sign_in_at(server, cookie_key=KeySet([other_key, COOKIE_KEY]))
        assert changed.current(visit).session is not None  # a new key in front signs nobody out
        alice.cookies = {"mintmark-session": attempt}
        assert alice.app.current(alice.visit("/")).session is None


def test_a_row_of_a_store_is_sealed_and_bound_to_its_name(server: Running) -> None:
    store = MemorySessionStore()
    app = sign_in_at(server, store=store)
    with Person(server, app) as alice, Person(server, app) as bob:
        session = signed_in(alice)
        signed_in(bob)
        first, second = store._records.values()
        for secret in (session.session_id, session.access_token, session.tokens.refresh_token):
            assert secret is not None
            assert secret not in str([first, first.sealed, first.key])
        store.replace(second.key, first.sealed)
        assert app.current(bob.visit("/")).session is None


def test_a_session_that_ends_while_it_is_renewed_stays_ended(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemorySessionStore()
    app = sign_in_at(server, store=store)
    with Person(server, app) as alice:
        session = signed_in(alice)
        expire(server, session)
        refresh = app._provider.refresh

        def ended_meanwhile(known: Session) -> object:
            store.end_matching(subject=session.subject, sid=None)
            return refresh(known)

        monkeypatch.setattr(app._provider, "refresh", ended_meanwhile)
        assert app.current(alice.visit("/")).session is None
        assert not store._records


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_another_sites_post_is_refused(server: Running, headers: dict[str, str]) -> None:
    with Person(server, app := sign_in_at(server)) as alice:
        signed_in(alice)
        with pytest.raises(SignInRefused):
            app.current(alice.visit("/orders", form={"item": "1"}, **headers))
        reply = app.admit(alice.visit("/orders", form={"item": "1"}, **headers))
        assert isinstance(reply, Reply)
        assert reply.status == 403
        own = app.current(
            alice.visit("/orders", form={"item": "1"}, origin=APP, sec_fetch_site="same-origin")
        )
        assert own.session is not None


def test_two_tabs_a_request_without_a_session_removes_none(
    server: Running, store: SessionStore | None
) -> None:
    """Its answer may come after that of the sign-in in another tab, whose cookie it would take away."""
    with Person(server, app := sign_in_at(server, store=store)) as alice:
        query = alice.at_issuer(alice.begin())
        polling = alice.visit("/orders")
        alice.send(alice.visit("/callback", query))
        alice.keep(app.current(polling).cookies)
        assert session_of(alice).subject


def test_long_sessions_come_in_pieces_and_too_long_ones_are_refused() -> None:
    from mintmark.client.sign_in.cookies import CookieJar
    from mintmark.client.sign_in.visit import Visit

    jar = CookieJar.of("s", secure=True)
    cookies = jar.write(Visit("GET", "/"), "x" * 5000, 60)
    assert [cookie.name for cookie in cookies] == ["__Host-s", "__Host-s.1"]
    assert all(len(cookie.header) < 4096 for cookie in cookies)
    sent = "; ".join(f"{cookie.name}={cookie.value}" for cookie in cookies)
    there = Visit("GET", "/", headers={"cookie": sent})
    assert jar.read(there) == "x" * 5000
    assert jar.read(Visit("GET", "/", headers={"cookie": sent.split("; ")[0]})) is None
    assert [cookie.name for cookie in jar.write(there, "short", 60) if cookie.max_age == 0] == ["__Host-s.1"]
    assert [cookie.name for cookie in jar.remove(there)] == ["__Host-s", "__Host-s.1"]
    with pytest.raises(ConfigurationError, match="store"):
        jar.write(there, "x" * 8000, 60)


def test_what_cannot_be_safe_is_refused_at_once(server: Running, tmp_path: object) -> None:
    for options in (
        {"client_secret": None},
        {"public": True},
        {"client_secret": ""},
        {"cookie_key": Key.generate("HS256")},
        {"cookie_key": b"x" * 32},
        {"scope": "profile"},
        {"sign_out_path": "/sign-in"},
        {"home": "//evil.example"},
    ):
        with pytest.raises(ConfigurationError):
            sign_in_at(server, **options)
    for address in ("http://app.example.com/callback", "/callback", "https://a@app.example.com/c"):
        with pytest.raises(ConfigurationError):
            SignIn(server.url, "kiosk", address, keys=COOKIE_KEY, cookie_key=COOKIE_KEY, public=True)
    with pytest.raises(ConfigurationError):
        SQLiteSessionStore(str(tmp_path))


def test_without_a_refresh_token_a_session_ends_with_its_access_token() -> None:
    tokens = Tokens("a", expires_at=100.0, renew_at=80.0)
    session = Session.begin({"sub": "alice"}, tokens, ends_at=1000.0)
    assert [need(session, now) for now in (0.0, 79.0, 90.0, 100.0)] == [Need.NOTHING] * 3 + [Need.SIGN_IN]
    session = replace(session, tokens=replace(tokens, refresh_token="r"))
    expected = [Need.NOTHING, Need.RENEWAL_SOON, Need.RENEWAL, Need.SIGN_IN]
    assert [need(session, now) for now in (79.0, 80.0, 100.0, 1000.0)] == expected


def test_new_tokens_are_kept_when_the_keys_for_the_new_id_token_are_not_to_be_had(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Person(server, app := sign_in_at(server)) as alice:
        first = signed_in(alice)
        expire(server, first)

        def none(*_: object, **__: object) -> object:
            raise KeysUnavailable("none")

        monkeypatch.setattr(app._provider, "_verified", none)
        second = session_of(alice)
        assert second.access_token != first.access_token
        assert second.tokens.id_token == first.tokens.id_token
        assert second.claims.to_dict() == first.claims.to_dict()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_store_forgets_what_has_ended_and_tells_first_uses(kind: str, tmp_path: Path) -> None:
    store: SessionStore = (
        MemorySessionStore(most=3) if kind == "memory" else SQLiteSessionStore(tmp_path / "s.db")
    )
    store.put(Record("k", "sealed", "alice", "sid", 100.0), now=0.0)
    assert store.get("k", now=99.0) == "sealed"
    assert store.get("k", now=100.0) is None
    assert store.replace("k", "other")
    assert store.get("k", now=1.0) == "other"
    assert store.end_matching(subject=None, sid=None) == 0
    assert store.end_matching(subject="bob", sid="sid") == 0
    assert store.end_matching(subject="alice", sid="sid") == 1
    assert not store.replace("k", "again")
    assert store.first_use("n", expires_at=50.0, now=0.0)
    assert not store.first_use("n", expires_at=50.0, now=49.0)
    assert store.first_use("n", expires_at=90.0, now=50.0)
    if isinstance(store, MemorySessionStore):
        for number in range(3):
            store.put(Record(str(number), "", "a", None, 10.0), now=0.0)
        with pytest.raises(SignInUnavailable):
            store.put(Record("one too many", "", "a", None, 10.0), now=9.0)
        store.put(Record("later", "", "a", None, 20.0), now=10.0)
    else:
        assert isinstance(store, SQLiteSessionStore)
        assert (tmp_path / "s.db").stat().st_mode & 0o777 == 0o600
        store.close()
        with pytest.raises(SignInUnavailable):
            store.get("k", now=0.0)
