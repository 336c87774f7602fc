"""From a wish to a commit, on every database: all or nothing, one after the other, and a trail of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mintmark.authorization_server.oauth.attempts import Attempts
from mintmark.authorization_server.oauth.client_auth import Credentials, authenticate
from mintmark.authorization_server.oauth.errors import InvalidClient
from mintmark.authorization_server.people import PasswordRefused
from mintmark.authorization_server.registry import Registry
from mintmark.authorization_server.registry.carrying_out import Done, Want, carry_out, look
from mintmark.authorization_server.registry.client_secrets import secret_digest
from mintmark.authorization_server.registry.declaring import Declared
from mintmark.authorization_server.registry.documents import client_of
from mintmark.authorization_server.registry.planning import Present, Wanted
from mintmark.authorization_server.sessions import Refreshed
from mintmark.authorization_server.settings import Settings
from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.storage.records import Event
from mintmark.authorization_server.storage.repositories import events, people, registrations
from mintmark.errors import ConfigurationError

from ..storage.backends import BACKENDS, MakeUrl, sqlite_url
from ..world import World
from .given import APP, DIGEST, JOB, NOW, ORDERS, client, file_says, resource, settings, wanted

FLEET = {"resources": [ORDERS], "clients": [APP, JOB], "people": [{"username": "alice", "roles": ["clerk"]}]}
OURS = settings()


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    make: MakeUrl = request.getfixturevalue("postgresql")
    return make()


@pytest.fixture
def db(url: str) -> Iterator[Database]:
    database = Database.open(url)
    yield database
    database.close_now()


def whole(said: Declared, there: Present, *, prune: bool = False) -> Wanted:
    resources = {each.audience: each for each in said.resources}
    clients = {each.client_id: each for each in said.clients}
    return Wanted(
        resources=resources,
        clients=clients,
        people={person.key: person for person in said.people},
        removed_resources=frozenset(there.resources.keys() - resources.keys()) if prune else frozenset(),
        removed_clients=frozenset(there.clients.keys() - clients.keys()) if prune else frozenset(),
        is_whole=True,
    )


def apply(
    db: Database, data: dict[str, Any], *, prune: bool = False, ours: Settings = OURS, **more: Any
) -> Done:
    said = file_says(data)
    keys = [person.key for person in said.people]
    return carry_out(db, ours, lambda there: whole(said, there, prune=prune), NOW, person_keys=keys, **more)


def do(db: Database, wish: Wanted, now: float = NOW, **more: Any) -> Done:
    return carry_out(db, OURS, lambda there: wish, now, **more)


def trail(db: Database) -> list[Event]:
    return list(reversed(db.read_now(lambda c: events.latest(c))))


def is_let_in(db: Database, client_id: str, secret: str, now: float) -> bool:
    registry = Registry(db, OURS)
    asyncio.run(registry.start(now))
    credentials = Credentials(client_id, "client_secret_basic", secret)
    try:
        authenticate(credentials, registry.catalogue.clients, Attempts(), network="192.0.2.1", now=now)
    except InvalidClient:
        return False
    return True


def test_a_file_is_applied_and_a_second_time_changes_nothing(db: Database) -> None:
    done = apply(db, FLEET)
    assert [(change.table, change.name, change.action) for change in done.changes] == [
        ("resources", "orders", "add"),
        ("clients", "app", "add"),
        ("clients", "job", "add"),
        ("people", "alice", "add"),
    ]
    assert set(done.secrets) == {"job"}
    assert done.secrets["job"].startswith("mms_")
    assert len(done.secrets["job"]) == 47
    assert done.secrets["job"] not in repr(done)
    assert is_let_in(db, "job", done.secrets["job"], NOW)
    before = db.read_now(registrations.every), trail(db)
    again = apply(db, FLEET)
    assert (again.changes, again.secrets) == ((), {})
    assert (db.read_now(registrations.every), trail(db)) == before


def test_nothing_of_a_secret_is_kept_but_one_digest(db: Database) -> None:
    secret = apply(db, FLEET).secrets["job"]
    _, clients = db.read_now(registrations.every)
    assert {row.client_id: row.secret_sha256 for row in clients} == {
        "app": None,
        "job": secret_digest(secret),
    }
    kept = str(clients) + str(trail(db))
    assert secret not in kept
    assert secret_digest(secret) not in str([row.document for row in clients]) + str(trail(db))


def test_a_look_changes_nothing(db: Database) -> None:
    said = file_says(FLEET)
    done = look(db, OURS, lambda there: whole(said, there), [person.key for person in said.people])
    assert len(done.changes) == 4
    assert done.secrets == {}
    assert db.read_now(registrations.every) == ((), ())
    assert not db.read_now(people.any_exist)
    assert trail(db) == []


def test_what_is_changed_leaves_a_trail_with_its_values_and_without_secrets(db: Database) -> None:
    apply(db, FLEET)
    elsewhere = APP | {"redirect_uris": ["https://elsewhere.example/"]}
    do(db, wanted(fresh_secrets=frozenset({"job"})))
    apply(db, {"resources": [ORDERS], "clients": [elsewhere]}, prune=True)
    told = [(event.kind, event.client_id) for event in trail(db)]
    assert told == [
        ("resource_added", None),
        ("client_added", "app"),
        ("client_added", "job"),
        ("person_created", None),
        ("client_secret_changed", "job"),
        ("client_changed", "app"),
        ("client_removed", "job"),
        ("client_ended", "job"),
    ]
    changed = trail(db)[5].details
    assert changed == {
        "by": "command line",
        "members": {"redirect_uris": [["https://app.example/callback"], ["https://elsewhere.example/"]]},
    }
    assert trail(db)[0].details["audience"] == "orders"
    assert all(event.details.get("by", "command line") == "command line" for event in trail(db))


def test_prune_removes_what_the_file_does_not_have_but_no_person(db: Database) -> None:
    apply(db, FLEET)
    left = apply(db, {"resources": [ORDERS]})
    assert [(change.name, change.action) for change in left.changes] == [("app", "leave"), ("job", "leave")]
    pruned = apply(db, {}, prune=True)
    assert [(change.name, change.action) for change in pruned.changes] == [
        ("app", "remove"),
        ("job", "remove"),
        ("orders", "remove"),
    ]
    assert db.read_now(registrations.every) == ((), ())
    assert db.read_now(people.any_exist)


def test_prune_leaves_alone_what_the_settings_register_by_now(db: Database) -> None:
    apply(db, FLEET)
    ours = settings(resources=[ORDERS], clients=[APP])
    done = apply(db, {}, prune=True, ours=ours)
    assert [change.name for change in done.changes] == ["job"]
    assert "app" not in done.ended


@pytest.mark.parametrize(
    "spoiled",
    [
        {"clients": [APP, JOB | {"resources": ["gone"]}]},
        {"people": [{"username": "alice"}, {"username": "bob"}]},  # whose password is refused
    ],
)
def test_all_or_nothing(db: Database, spoiled: dict[str, Any]) -> None:
    with pytest.raises((ConfigurationError, PasswordRefused)):
        apply(db, FLEET | spoiled, passwords=lambda key: "short" if key == "bob" else None)
    assert db.read_now(registrations.every) == ((), ())
    assert not db.read_now(people.any_exist)
    assert trail(db) == []


def test_a_failure_in_the_middle_of_writing_undoes_it_all(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any, **more: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(people, "insert", broken)  # the last step of the plan
    with pytest.raises(RuntimeError):
        apply(db, FLEET)
    assert db.read_now(registrations.every) == ((), ())
    assert trail(db) == []


def test_secrets_that_cannot_be_kept_are_not_made(db: Database) -> None:
    @contextmanager
    def full(secrets: Any) -> Iterator[None]:
        raise ConfigurationError("the disk is full")
        yield

    with pytest.raises(ConfigurationError, match="the disk is full"):
        apply(db, FLEET, hold=full)
    assert db.read_now(registrations.every) == ((), ())


def test_a_new_secret_ends_the_one_before_or_lets_it_go_on_for_a_while(db: Database) -> None:
    first = apply(db, FLEET).secrets["job"]
    overlapping = wanted(fresh_secrets=frozenset({"job"}), overlap=60.0)
    second = do(db, overlapping).secrets["job"]
    assert [is_let_in(db, "job", secret, NOW + 59.9) for secret in (first, second)] == [True, True]
    assert [is_let_in(db, "job", secret, NOW + 60.0) for secret in (first, second)] == [False, True]
    apply(db, FLEET | {"clients": [APP, JOB | {"name": "Job"}]})  # another change leaves both alone
    assert is_let_in(db, "job", first, NOW + 59.9)
    third = do(db, replace(overlapping, overlap=0.0)).secrets["job"]
    assert [is_let_in(db, "job", secret, NOW) for secret in (first, second, third)] == [False, False, True]


def test_a_client_keeps_its_secret_until_the_file_names_another(db: Database) -> None:
    made = apply(db, FLEET).secrets["job"]
    apply(db, FLEET | {"clients": [APP, JOB | {"client_secret_sha256": DIGEST}]})
    assert not is_let_in(db, "job", made, NOW)
    assert is_let_in(db, "job", "the secret of the job", NOW)
    assert apply(db, FLEET).changes == ()  # one that is no longer named is kept
    public = APP | {"client_id": "job"}
    apply(db, FLEET | {"clients": [APP, public]})
    assert not is_let_in(db, "job", "the secret of the job", NOW)
    _, clients = db.read_now(registrations.every)
    assert [row.secret_sha256 for row in clients] == [None, None]


def test_people_are_made_with_a_password_or_without_and_later_brought_to_the_file(db: Database) -> None:
    both = {"people": [{"username": "alice"}, {"username": "bob", "email": "b@example.org"}]}
    passwords = {"alice": "a calm and legible phrase"}
    apply(db, both, passwords=passwords.get)
    alice, alice_hash = db.read_now(lambda c: people.by_username_key(c, "alice")) or (None, None)
    bob, bob_hash = db.read_now(lambda c: people.by_username_key(c, "bob")) or (None, None)
    assert alice_hash is not None
    assert alice_hash.startswith("$argon2id$")
    assert bob_hash is None
    assert bob is not None
    assert bob.password_changed_at is None
    changed = {"people": [{"username": "Alice", "roles": ["clerk"]}, {"username": "bob"}]}
    apply(db, changed, passwords=lambda key: pytest.fail("a password is for the first time"))
    found = db.read_now(lambda c: people.by_username_key(c, "alice"))
    assert found is not None
    assert (found[0].username, found[0].roles, found[1]) == ("Alice", ("clerk",), alice_hash)
    assert alice is not None
    assert found[0].person_id == alice.person_id
    assert apply(db, changed).changes == ()


def test_another_address_is_not_verified(db: Database) -> None:
    apply(db, {"people": [{"username": "alice", "email": "a@example.org"}]})
    found = db.read_now(lambda c: people.by_username_key(c, "alice"))
    assert found is not None
    assert not found[0].email_verified
    db.write_now(lambda c: people.update(c, found[0].person_id, {"email_verified": True}))
    for email, verified in (("a@example.org", True), ("b@example.org", False)):
        apply(db, {"people": [{"username": "alice", "email": email, "roles": ["x"]}]})
        alice = db.read_now(lambda c: people.by_id(c, found[0].person_id))
        assert alice is not None
        assert (alice.email, alice.email_verified) == (email, verified)


@pytest.mark.anyio
async def test_O11_removing_a_client_ends_its_grants_and_denies_its_living_tokens(url: str) -> None:
    world = await World.begin(url)
    try:
        await asyncio.to_thread(do, world.db, wanted(resource(), client()), world.now)
        granted, other = await world.grant(), await world.grant(client_id="other")
        code = await world.sessions.create_code(world.request(await world.sign_in()), world.now)
        removal = wanted(removed_clients=frozenset({"app"}))
        done = await asyncio.to_thread(do, world.db, removal, world.now)
        assert done.ended == {"app": 1}
        await world.deny_log.tick(world.now)
        (entry,) = [entry for entry in world.entries() if entry.kind == "client_id"]
        # whoever has not heard yet may make tokens for a moment more
        assert (entry.value, entry.before) == ("app", world.now + 2.0)
        assert entry.exp >= world.now + 2.0 + 600.0
        assert not isinstance(await world.refresh(granted.refresh_token or ""), Refreshed)
        assert isinstance(await world.refresh(other.refresh_token or "", client_id="other"), Refreshed)
        assert not hasattr(await world.redeem(code), "refresh_token")
        ended = await world.sessions.grant(granted.grant.grant_id)
        assert ended is not None
        assert ended.end_reason == "client_ended"
    finally:
        await world.end()


def test_of_many_applies_at_once_each_is_whole_and_the_last_one_holds(db: Database, url: str) -> None:
    """Each file has its own version of everything; a mixture would be half of two."""

    def version(number: int) -> dict[str, Any]:
        name = {"name": f"Version {number}"}
        return {
            "resources": [ORDERS | name],
            "clients": [APP | name, JOB | name, JOB | {"client_id": f"job-{number}"} | name],
            "people": [{"username": "alice"} | name],
        }

    others = [Database.open(url) for _ in range(3)]
    gate = threading.Barrier(4)

    def work(number: int, database: Database) -> list[Done]:
        gate.wait(30)
        return [apply(database, version(number + 4 * turn), prune=True) for turn in range(3)]

    try:
        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(work, range(4), [db, *others]))
    finally:
        for other in others:
            other.close_now()
    resources, clients = db.read_now(registrations.every)
    found = db.read_now(lambda c: people.by_username_key(c, "alice"))
    assert found is not None
    (number,) = {name.removeprefix("Version ") for name in [found[0].name]}
    assert all(f'"Version {number}"' in row.document for row in (*resources, *clients))
    assert {row.client_id for row in clients} == {"app", "job", f"job-{number}"}
    secrets = [secret for outcomes in done for each in outcomes if (secret := each.secrets.get("job"))]
    assert len(secrets) == 1  # it was made once, by whoever was first
    assert is_let_in(db, "job", secrets[0], NOW)


def test_no_change_among_others_is_lost(db: Database, url: str) -> None:
    """Two that each change another member of one client: a change is made to what is there by then."""
    apply(db, FLEET)
    other = Database.open(url)
    gate = threading.Barrier(2)

    def rename(there: Present) -> Wanted:
        now = client_of(there.clients["app"])
        return wanted(now.model_copy(update={"name": f"{now.name or ''}x"}))

    def add_origin(there: Present) -> Wanted:
        now = client_of(there.clients["app"])
        origins = (*now.origins, f"https://{len(now.origins)}.example")
        return wanted(now.model_copy(update={"origins": origins}))

    def work(database: Database, want: Want) -> None:
        gate.wait(30)
        for _ in range(10):
            carry_out(database, OURS, want, NOW)

    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, [db, other], [rename, add_origin]))
    finally:
        other.close_now()
    _, (app, _) = db.read_now(registrations.every)
    assert client_of(app).name == "x" * 10
    assert len(client_of(app).origins) == 10
