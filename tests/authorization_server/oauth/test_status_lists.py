"""Status lists over HTTP: what tokens say, what the lists say, and what strangers get. Numbers: the draft."""

from __future__ import annotations

import asyncio
import http.client
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mintmark.authorization_server.people import NewPerson
from mintmark.authorization_server.sessions import SessionPolicy
from mintmark.authorization_server.sessions.ending import end_client
from mintmark.authorization_server.storage import Connection
from mintmark.authorization_server.storage.records import STATUS_LIST_SIZE
from mintmark.jwt.policy import MAX_LEEWAY

from ..running import LEDGER_SECRET, ORDERS_SECRET, Browser, Running, basic, claims_of
from ..status_lists import INVALID, VALID, fetched, reference_of, resources, status_of
from .test_exchange import exchange

METADATA = "/.well-known/oauth-authorization-server"


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose resources orders and billing want status lists; ledger does not."""
    with Running(tmp_path_factory.mktemp("lists"), resources=resources("orders", "billing")) as server:
        yield server


@pytest.fixture
def here(lists: Running) -> Iterator[Browser]:
    with Browser(lists) as browser:
        yield browser


def somebody(browser: Browser) -> tuple[str, str]:
    """A new person of this test's own."""
    name, password = f"person-{secrets.token_hex(8)}", "a calm and legible phrase"
    service, now = browser.server.service, browser.server.clock()
    browser.server.do(service.people.create(NewPerson(name, password), now))
    return name, password


def of_service(browser: Browser, client_id: str, secret: str) -> str:
    data = {"grant_type": "client_credentials"}
    answer = browser.http.post("/token", headers=basic(client_id, secret), data=data)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def test_off_is_the_default_and_leaves_no_trace(browser: Browser) -> None:
    tokens = browser.tokens()
    assert "status" not in claims_of(tokens["access_token"])
    assert "status" not in claims_of(browser.refresh(tokens["refresh_token"]).json()["access_token"])
    assert "status" not in claims_of(of_service(browser, "ledger-job", LEDGER_SECRET))
    assert "status_list_aggregation_endpoint" not in browser.http.get(METADATA).json()
    assert browser.http.get("/status-lists").json() == {"status_lists": []}
    assert browser.http.get("/status-lists/0").status_code == 404


def test_only_tokens_for_the_resources_that_want_it_name_a_place(here: Browser) -> None:
    assert reference_of(of_service(here, "orders", ORDERS_SECRET)) is not None
    assert reference_of(of_service(here, "ledger-job", LEDGER_SECRET)) is None
    tokens = here.tokens()
    assert reference_of(tokens["access_token"]) is not None
    assert reference_of(tokens["id_token"]) is None


def test_6_1_a_token_names_its_list_and_its_place(here: Browser) -> None:
    token = here.tokens()["access_token"]
    (status,) = claims_of(token)["status"].values()
    assert set(status) == {"idx", "uri"}
    assert status["uri"].startswith(f"{here.server.url}/status-lists/")
    assert 0 <= status["idx"] < STATUS_LIST_SIZE
    assert status_of(here, token) is VALID


def test_tokens_of_a_grant_share_its_place_and_all_others_have_their_own(here: Browser) -> None:
    tokens = here.tokens()
    place = reference_of(tokens["access_token"])
    renewed = here.refresh(tokens["refresh_token"]).json()["access_token"]
    exchanged = exchange(here, renewed).json()["access_token"]
    assert reference_of(renewed) == reference_of(exchanged) == place
    others = [reference_of(here.tokens()["access_token"])]
    others += [reference_of(of_service(here, "orders", ORDERS_SECRET)) for _ in range(5)]
    assert len({place, *others}) == 7


# How a grant ends


def by_sign_out(browser: Browser, who: tuple[str, str], tokens: dict[str, Any], code: str) -> None:
    browser.submit(browser.http.get("/sign-out"))


def by_reuse(browser: Browser, who: tuple[str, str], tokens: dict[str, Any], code: str) -> None:
    browser.refresh(tokens["refresh_token"])
    browser.server.clock.advance(31)
    assert browser.refresh(tokens["refresh_token"]).status_code == 400


def by_code_replay(browser: Browser, who: tuple[str, str], tokens: dict[str, Any], code: str) -> None:
    assert browser.redeem(code).status_code == 400


def by_revocation(browser: Browser, who: tuple[str, str], tokens: dict[str, Any], code: str) -> None:
    browser.http.post("/revoke", data={"client_id": "app", "token": tokens["refresh_token"]})


def by_revoking_the_access_token(
    browser: Browser, who: tuple[str, str], tokens: dict[str, Any], code: str
) -> None:
    browser.http.post("/revoke", data={"client_id": "app", "token": tokens["access_token"]})


def by_disabling(browser: Browser, who: tuple[str, str], tokens: dict[str, Any], code: str) -> None:
    service, now = browser.server.service, browser.server.clock()
    person_id = claims_of(tokens["access_token"])["sub"]
    browser.server.do(service.database.write(service.people.disabling(person_id, now)))
    browser.server.do(service.sessions.end_person(person_id, now, reason="disabled"))


def by_refresh_of_a_disabled_person(
    browser: Browser, who: tuple[str, str], tokens: dict[str, Any], code: str
) -> None:
    service, now = browser.server.service, browser.server.clock()
    browser.server.do(
        service.database.write(service.people.disabling(claims_of(tokens["access_token"])["sub"], now))
    )
    assert browser.refresh(tokens["refresh_token"]).status_code == 400


def by_another_person_in_this_browser(
    browser: Browser, who: tuple[str, str], tokens: dict[str, Any], code: str
) -> None:
    browser.sign_in(browser.authorize(prompt="login"), somebody(browser))


ENDS = [
    by_sign_out,
    by_reuse,
    by_code_replay,
    by_revocation,
    by_revoking_the_access_token,
    by_disabling,
    by_refresh_of_a_disabled_person,
    by_another_person_in_this_browser,
]


@pytest.mark.parametrize("ended", ENDS)
def test_whatever_ends_a_grant_is_in_the_next_list(
    here: Browser, ended: Callable[[Browser, tuple[str, str], dict[str, Any], str], None]
) -> None:
    with Browser(here.server) as elsewhere:
        spared = elsewhere.tokens(who=somebody(elsewhere))
        who = somebody(here)
        code = here.code(who=who)
        tokens = here.redeem(code).json()
        exchanged = exchange(here, tokens["access_token"]).json()["access_token"]
        assert status_of(here, tokens["access_token"]) is VALID
        ended(here, who, tokens, code)
        assert status_of(here, tokens["access_token"]) is INVALID
        assert status_of(here, exchanged) is INVALID
        assert status_of(here, spared["access_token"]) is VALID


def test_a_client_that_ends_takes_the_grants_of_all_people_with_it(tmp_path: Path) -> None:
    with Running(tmp_path, resources=resources("orders")) as server, Browser(server) as browser:
        clients, scope = ("app", "app", "other-app"), "openid orders:read"
        tokens = [browser.tokens(client_id, scope=scope)["access_token"] for client_id in clients]
        now = server.clock()
        server.do(
            server.service.database.write(
                lambda connection: end_client(connection, "app", now, SessionPolicy(), reason="client_ended")
            )
        )
        assert [status_of(browser, token) for token in tokens] == [INVALID, INVALID, VALID]


def test_a_password_change_spares_the_sign_in_where_it_was_asked_for(here: Browser) -> None:
    who = somebody(here)
    with Browser(here.server) as elsewhere:
        there = elsewhere.tokens(who=who)["access_token"]
        kept = here.tokens(who=who)["access_token"]
        service, now = here.server.service, here.server.clock()
        claims = claims_of(kept)
        end = service.sessions.end_person(
            claims["sub"], now, reason="password_changed", except_sid=claims["sid"]
        )
        here.server.do(end)
        assert status_of(here, there) is INVALID
        assert status_of(here, kept) is VALID


def test_one_access_token_taken_back_lets_its_grant_go_on_at_another_place(here: Browser) -> None:
    tokens = here.tokens(who=somebody(here))
    by_revoking_the_access_token(here, ("", ""), tokens, "")
    by_revoking_the_access_token(here, ("", ""), tokens, "")  # nothing more happens
    renewed = here.refresh(tokens["refresh_token"]).json()
    assert status_of(here, tokens["access_token"]) is INVALID
    assert status_of(here, renewed["access_token"]) is VALID
    again = here.refresh(renewed["refresh_token"]).json()["access_token"]
    assert reference_of(again) == reference_of(renewed["access_token"])


def test_a_service_takes_back_one_of_its_tokens_and_no_other(here: Browser) -> None:
    taken, kept = (of_service(here, "orders", ORDERS_SECRET) for _ in range(2))
    credentials = basic("orders", ORDERS_SECRET)
    here.http.post("/revoke", headers=basic("ledger-job", LEDGER_SECRET), data={"token": taken})
    assert status_of(here, taken) is VALID  # another's
    here.http.post("/revoke", headers=credentials, data={"token": taken})
    assert status_of(here, taken) is INVALID
    assert status_of(here, kept) is VALID


def test_a_grant_from_before_it_was_turned_on_gets_a_place_with_its_next_token(tmp_path: Path) -> None:
    with Running(tmp_path) as server, Browser(server) as before:
        tokens = before.tokens()
    with Running(tmp_path, resources=resources("orders")) as server, Browser(server) as after:
        renewed = after.refresh(tokens["refresh_token"]).json()
        assert status_of(after, renewed["access_token"]) is VALID
        by_revocation(after, ("", ""), renewed, "")
        assert status_of(after, renewed["access_token"]) is INVALID


def test_turned_off_again_the_lists_go_on_for_the_tokens_that_need_them(tmp_path: Path) -> None:
    with Running(tmp_path, resources=resources("orders")) as server, Browser(server) as before:
        tokens, issuer = before.tokens(), server.url
    with Running(tmp_path, issuer=issuer) as server, Browser(server) as after:
        by_revocation(after, ("", ""), tokens, "")
        assert status_of(after, tokens["access_token"]) is INVALID


def test_a_grant_that_ends_while_its_token_is_made_gives_none(tmp_path: Path) -> None:
    """Else a token would be out that no list could ever call INVALID."""
    with Running(tmp_path, resources=resources("orders")) as server, Browser(server) as browser:
        service = server.service
        code = browser.code()
        give, sessions = service.sessions.give_status_index, service.sessions

        async def give_late(grant: Any, index: int) -> int | None:
            await sessions.end_grant(grant.grant_id, server.clock(), reason="revoked")
            return await give(grant, index)

        sessions.give_status_index = give_late  # type: ignore[method-assign]
        answer = browser.redeem(code)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


# The lists


def test_5_1_8_2_a_list_says_what_it_is_and_how_long_it_is_good_for(here: Browser) -> None:
    token = here.tokens()["access_token"]
    response = fetched(here, token)
    assert response.headers["content-type"] == "application/statuslist+jwt"
    assert response.headers["cache-control"] == "public, max-age=60"
    assert response.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in response.headers
    claims = claims_of(response.text)
    assert claims["sub"] == claims_of(token)["status"]["status_list"]["uri"]
    assert claims["ttl"] == 60
    assert claims["exp"] - claims["iat"] == 600
    assert claims["status_list"]["bits"] == 1


def test_9_the_lists_that_matter_are_listed(here: Browser) -> None:
    token = here.tokens()["access_token"]
    address = here.http.get(METADATA).json()["status_list_aggregation_endpoint"]
    response = here.http.get(address)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["access-control-allow-origin"] == "*"
    assert claims_of(token)["status"]["status_list"]["uri"] in response.json()["status_lists"]
    tagged = here.http.get(address, headers={"If-None-Match": response.headers["etag"]})
    assert tagged.status_code == 304


def test_8_4_12_7_nobody_learns_how_a_token_stood_once(here: Browser) -> None:
    path = fetched(here, here.tokens()["access_token"]).url.path
    assert here.http.get(path, params={"time": "1686925000"}).status_code == 501


def test_a_list_is_signed_once_while_nothing_changes_and_anew_before_it_is_old(tmp_path: Path) -> None:
    with Running(tmp_path, resources=resources("orders")) as server, Browser(server) as browser:
        token = browser.tokens()["access_token"]
        first = fetched(browser, token).text
        browser.tokens()  # something changes, but not what the list says
        server.clock.advance(58)
        assert fetched(browser, token).text == first
        second = fetched(browser, token).text
        assert claims_of(second)["iat"] == claims_of(first)["iat"] + 60
        server.clock.advance(-3601)  # a clock that was wrong
        assert claims_of(fetched(browser, token).text)["iat"] == claims_of(second)["iat"] - 3600


def test_readers_in_number_make_one_look_in_a_second(tmp_path: Path) -> None:
    """However many ask, and however much is revoked meanwhile."""
    with Running(tmp_path, resources=resources("orders")) as server, Browser(server) as browser:
        tokens = [browser.tokens() for _ in range(3)]
        path = fetched(browser, tokens[0]["access_token"]).url.path
        lists, looks = server.service.status_lists, []
        db = lists._db

        class Watched:
            changes = staticmethod(db.changes)

            async def read(self, work: Callable[[Connection], Any]) -> Any:
                looks.append(work)
                return await db.read(work)

        lists._db = Watched()  # type: ignore[assignment]
        for each in tokens:
            by_revocation(browser, ("", ""), each, "")
            looks.clear()
            assert browser.http.get(path).status_code == 200
            assert looks == []
        server.clock.advance(1)

        async def many() -> set[str | None]:
            now = server.clock()
            return set(await asyncio.gather(*(lists.signed(0, now) for _ in range(50))))

        assert len(server.do(many())) == 1
        assert len(looks) == 1
        assert status_of(browser, tokens[2]["access_token"]) is INVALID


def test_O12_a_list_is_never_signed_with_a_key_that_was_revoked(tmp_path: Path) -> None:
    with Running(tmp_path, resources=resources("orders")) as server, Browser(server) as browser:
        token = browser.tokens()["access_token"]
        assert status_of(browser, token) is VALID
        keys = server.service.keys
        server.do(keys.revoke(keys.current("ES256").kid, server.clock()))
        assert status_of(browser, token) is VALID  # the list is good; the token falls with its key


def test_what_no_token_can_point_to_any_more_goes(tmp_path: Path) -> None:
    with Running(tmp_path, resources=resources("orders")) as server, Browser(server) as browser:
        service, clock = server.service, server.clock
        tokens = browser.tokens()
        by_revocation(browser, ("", ""), tokens, "")
        clock.advance(600 + 30 + MAX_LEEWAY - 10)
        server.do(service.database.clean_up(clock()))
        path = fetched(browser, tokens["access_token"]).url.path
        assert status_of(browser, tokens["access_token"]) is INVALID  # for the most lenient of verifiers
        clock.advance(10)
        server.do(service.database.clean_up(clock()))
        assert status_of(browser, tokens["access_token"]) is VALID  # and expired everywhere
        clock.advance(2 * 86_400)
        server.do(service.database.clean_up(clock()))
        assert browser.http.get(path).status_code == 404
        assert browser.http.get("/status-lists").json() == {"status_lists": []}


def test_a_token_from_the_last_moment_of_its_grant_can_still_be_revoked(tmp_path: Path) -> None:
    tokens_settings = {"refresh_absolute": 7200.0, "refresh_idle": 7200.0}
    with (
        Running(tmp_path, resources=resources("orders"), tokens=tokens_settings) as server,
        Browser(server) as browser,
    ):
        tokens = browser.tokens()
        server.clock.advance(7190)
        last = browser.refresh(tokens["refresh_token"]).json()["access_token"]
        server.clock.advance(60)
        server.do(server.service.database.clean_up(server.clock()))
        assert status_of(browser, last) is VALID
        browser.submit(browser.http.get("/sign-out"))
        assert status_of(browser, last) is INVALID


# Strangers


def raw(server: Running, path: str, method: str = "GET") -> int:
    """A request whose path no client library tidies up."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    "last",
    [
        "-1",
        "01",
        "1e3",
        "0x0",
        "0.0",
        "999999999",  # a number of a list that nobody has
        "1000000000",
        "9223372036854775808",
        "99999999999999999999",
        "9" * 4000,
        "%2e%2e",
        "..",
        ".",
        "%2e%2e%2fjwks",
        "0%00",
        "0%0a",
        "%30%20",
        "%D9%A0",  # ARABIC-INDIC DIGIT ZERO
        "%EF%BC%90",  # FULLWIDTH DIGIT ZERO
        "%C2%B2",
        "%FF",
        "%",
        "0;x",
        "%7Bnumber%7D",  # the route as the table writes it
        "0/",
        "0/0",
        "",
    ],
)
def test_hostile_paths_lead_nowhere(lists: Running, last: str) -> None:
    assert raw(lists, f"/status-lists/{last}") == 404


def test_one_list_has_no_other_methods(here: Browser) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert here.http.request(method, "/status-lists/0").status_code == 405
        assert here.http.request(method, "/status-lists").status_code == 405


def test_an_unknown_list_is_refused_as_every_endpoint_refuses(here: Browser) -> None:
    answer = here.http.get("/status-lists/7")
    assert answer.status_code == 404
    assert answer.json() == {
        "error": "invalid_request",
        "error_description": "there is no such status list",
    }
