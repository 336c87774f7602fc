"""What every database must do. A second backend is added in backends.py and passes this unchanged."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.exc import IntegrityError

from mintmark.authorization_server.storage import Database, StorageUnavailable
from mintmark.authorization_server.storage.records import DenyEntry, DenyKind, Event, KeyState
from mintmark.authorization_server.storage.repositories import (
    codes,
    deny_entries,
    events,
    grants,
    notices,
    one_time,
    people,
    registrations,
    secrets,
    sign_in_failures,
    sign_ins,
    signing_keys,
    status_lists,
)
from mintmark.authorization_server.storage.repositories.sign_in_failures import Count

from .rows import ALICE, CLIENT, CODE, GRANT, KEY, RESOURCE, SIGN_IN, add_alice, grant


class TroubleError(Exception):
    """Raised by a unit of work."""


def test_every_record_comes_back_as_it_was_written(db: Database) -> None:
    def write(connection: sa.Connection) -> None:
        add_alice(connection)
        sign_ins.insert(connection, SIGN_IN, b"c" * 32)
        grants.insert(connection, GRANT)
        codes.insert(connection, CODE, kept_until=500.0)
        signing_keys.insert(connection, KEY, "sealed")
        secrets.insert(connection, "root", "sealed", 1.0)
        events.record(connection, Event(1.0, "sign_in", "p_alice", details={"a": 1}))
        notices.add(connection, person_id="p_alice", kind="refresh_reuse", at=3.0, client_id="app")
        registrations.put_resource(connection, RESOURCE)
        registrations.put_client(connection, CLIENT)

    db.write_now(write)
    assert db.read_now(lambda c: people.by_id(c, "p_alice")) == ALICE
    assert db.read_now(lambda c: people.by_username_key(c, "alice")) == (ALICE, "hash")
    assert db.read_now(lambda c: list(people.every(c))) == [ALICE]
    assert db.read_now(lambda c: sign_ins.by_cookie_hash(c, b"c" * 32)) == SIGN_IN
    assert db.read_now(lambda c: sign_ins.by_sid(c, "sid")) == SIGN_IN
    assert db.read_now(lambda c: grants.by_id(c, "grant")) == GRANT
    assert db.read_now(lambda c: codes.by_hash(c, b"h" * 32)) == CODE
    assert db.read_now(signing_keys.every) == ((KEY, "sealed"),)
    assert db.read_now(lambda c: secrets.get(c, "root")) == "sealed"
    (event,) = db.read_now(lambda c: events.latest(c, person_id="p_alice"))
    assert (event.at, event.kind, event.details) == (1.0, "sign_in", {"a": 1})
    (notice,) = db.read_now(lambda c: notices.of_person(c, "p_alice"))
    assert (notice.kind, notice.at, notice.client_id) == ("refresh_reuse", 3.0, "app")
    assert db.read_now(registrations.every) == ((RESOURCE,), (CLIENT,))


def test_what_is_not_there_is_none(db: Database) -> None:
    assert db.read_now(lambda c: people.by_id(c, "x")) is None
    assert db.read_now(lambda c: people.by_username_key(c, "x")) is None
    assert db.read_now(lambda c: sign_ins.by_sid(c, "x")) is None
    assert db.read_now(lambda c: grants.by_id(c, "x")) is None
    assert db.read_now(lambda c: codes.by_hash(c, b"x")) is None
    assert db.read_now(lambda c: secrets.get(c, "x")) is None
    assert not db.read_now(people.any_exist)
    assert not db.read_now(secrets.anything_sealed)


def test_a_unit_that_fails_undoes_itself_alone(db: Database) -> None:
    def half(connection: sa.Connection) -> None:
        grants.insert(connection, grant("half"))
        raise TroubleError

    async def main() -> list[object]:
        db.write_now(add_alice)
        works = [lambda c, n=n: grants.insert(c, grant(n)) for n in ("one", "two")]
        return await asyncio.gather(
            db.write(works[0]), db.write(half), db.write(works[1]), return_exceptions=True
        )

    first, second, third = asyncio.run(main())
    assert first is None
    assert isinstance(second, TroubleError)
    assert third is None
    assert {g.grant_id for g in db.read_now(lambda c: grants.live(c, sid="sid"))} == {"one", "two"}


def test_an_acknowledged_write_is_seen_by_every_read_after_it(db: Database) -> None:
    async def main() -> None:
        for number in range(50):
            await db.write(lambda c, n=str(number): secrets.insert(c, n, "s", 1.0))
            assert await db.read(lambda c, n=str(number): secrets.get(c, n)) == "s"

    asyncio.run(main())


def test_a_read_sees_one_moment(db: Database) -> None:
    def read(connection: sa.Connection) -> tuple[object, object]:
        before = secrets.get(connection, "a")
        db.write_now(lambda c: secrets.insert(c, "a", "s", 1.0))
        return before, secrets.get(connection, "a")

    assert db.read_now(read) == (None, None)
    assert db.read_now(lambda c: secrets.get(c, "a")) == "s"


def test_a_read_cannot_write(db: Database) -> None:
    with pytest.raises(Exception, match=r"read-?only|readonly|does not accept") as refused:
        db.read_now(lambda c: secrets.insert(c, "a", "s", 1.0))
    assert refused.value is not None
    assert db.read_now(lambda c: secrets.get(c, "a")) is None


def test_constraints_hold(db: Database) -> None:
    with pytest.raises(IntegrityError):  # nobody of that name exists
        db.write_now(lambda c: grants.insert(c, GRANT))
    db.write_now(add_alice)
    namesake = replace(ALICE, person_id="p2")
    with pytest.raises(IntegrityError):
        db.write_now(lambda c: people.insert(c, namesake, username_key="alice", password_hash=None))
    db.write_now(lambda c: signing_keys.insert(c, KEY, "s"))
    with pytest.raises(IntegrityError):  # two current keys of one algorithm
        db.write_now(lambda c: signing_keys.insert(c, replace(KEY, kid="k2"), "s"))
    for kid, state in (("k3", KeyState.NEXT), ("k4", KeyState.PREVIOUS), ("k5", KeyState.PREVIOUS)):
        db.write_now(lambda c, k=kid, s=state: signing_keys.insert(c, replace(KEY, kid=k, state=s), "s"))
    with pytest.raises(IntegrityError):
        db.write_now(lambda c: signing_keys.insert(c, replace(KEY, kid="k6", state=KeyState.NEXT), "s"))


def test_one_of_many_rotations_of_one_generation_wins(db: Database) -> None:
    db.write_now(add_alice)
    db.write_now(lambda c: grants.insert(c, GRANT))
    after = replace(GRANT, generation=2, rotated_at=20.0, idle_end=120.0)

    async def main() -> list[bool]:
        return await asyncio.gather(*(db.write(lambda c: grants.rotate(c, GRANT, after)) for _ in range(20)))

    assert asyncio.run(main()).count(True) == 1
    assert db.read_now(lambda c: grants.by_id(c, "grant")) == after


def test_an_ended_grant_rotates_no_more_and_keeps_its_first_reason(db: Database) -> None:
    db.write_now(add_alice)
    db.write_now(lambda c: grants.insert(c, GRANT))
    for reason in ("sign_out", "reuse"):
        db.write_now(lambda c, r=reason: grants.end(c, [GRANT], now=30.0, reason=r, kept_until=660.0))
    assert not db.write_now(lambda c: grants.rotate(c, GRANT, replace(GRANT, generation=2)))
    found = db.read_now(lambda c: grants.by_id(c, "grant"))
    assert found is not None
    assert (found.ended_at, found.end_reason, found.generation) == (30.0, "sign_out", 1)
    assert db.read_now(lambda c: grants.live(c, person_id="p_alice")) == ()


def test_B6_a_code_and_a_one_time_thing_are_used_by_exactly_one(db: Database) -> None:
    db.write_now(add_alice)
    db.write_now(lambda c: codes.insert(c, CODE, kept_until=500.0))

    def use(name: str) -> Callable[[sa.Connection], bool]:
        return lambda c: codes.use(c, b"h" * 32, now=20.0, grant_id=name)

    async def main() -> tuple[list[bool], list[bool]]:
        used = [db.write(use(str(number))) for number in range(20)]
        once = [db.write(lambda c: one_time.use(c, "dpop", "jti", expires_at=99.0)) for _ in range(20)]
        return await asyncio.gather(*used), await asyncio.gather(*once)

    used, once = asyncio.run(main())
    assert used.count(True) == 1
    assert once.count(True) == 1
    found = db.read_now(lambda c: codes.by_hash(c, b"h" * 32))
    assert found is not None
    assert found.grant_id == str(used.index(True))
    assert db.write_now(lambda c: one_time.use(c, "assertion", "jti", expires_at=99.0))


def test_deny_entries_have_numbers_that_never_return(db: Database) -> None:
    entry = DenyEntry(DenyKind.SID, "s", iat=1.0, exp=50.0)
    longer = replace(entry, exp=500.0, before=7.5)

    async def main() -> None:
        written = await asyncio.gather(
            *(db.write(lambda c: deny_entries.append(c, [entry])) for _ in range(20))
        )
        numbers = {one.seq for (one,) in written}
        assert len(numbers) == 20
        assert await db.clean_up(350.0) == 0  # a lenient verifier still takes those tokens
        assert await db.clean_up(350.1) == 20
        (later,) = await db.write(lambda c: deny_entries.append(c, [longer]))
        assert later.seq > max(numbers)
        assert await db.read(lambda c: deny_entries.after(c, 0, 799.9)) == (later,)
        assert await db.read(lambda c: deny_entries.after(c, later.seq, 60.0)) == ()
        assert await db.read(lambda c: deny_entries.after(c, 0, 800.0)) == ()

    asyncio.run(main())


def test_a_key_changes_only_from_the_state_that_was_seen_and_loses_its_private_half(db: Database) -> None:
    db.write_now(lambda c: signing_keys.insert(c, KEY, "sealed"))
    retire = {"state": KeyState.PREVIOUS, "gone_at": 9.0}
    assert not db.write_now(lambda c: signing_keys.change(c, "k1", seen=KeyState.NEXT, values=retire))
    assert db.write_now(lambda c: signing_keys.change(c, "k1", seen=KeyState.CURRENT, values=retire))
    assert not db.write_now(lambda c: signing_keys.change(c, "k1", seen=KeyState.CURRENT, values=retire))
    ((record, sealed),) = db.read_now(signing_keys.every)
    assert (record.state, record.gone_at, sealed) == (KeyState.PREVIOUS, 9.0, None)
    assert not db.write_now(lambda c: signing_keys.remove(c, "k1", seen=KeyState.CURRENT))
    assert db.write_now(lambda c: signing_keys.remove(c, "k1", seen=KeyState.PREVIOUS))


def test_touching_a_sign_in_never_goes_beyond_its_absolute_end_and_not_too_often(db: Database) -> None:
    db.write_now(add_alice)
    db.write_now(lambda c: sign_ins.insert(c, SIGN_IN, b"c" * 32))
    for now, idle_end, seen_before, expected in (
        (20.0, 120.0, 5.0, (10.0, 100.0)),  # was noted at 10 already
        (30.0, 130.0, 25.0, (30.0, 130.0)),
        (90.0, 190.0, 85.0, (90.0, 150.0)),
    ):
        db.write_now(
            lambda c, n=now, i=idle_end, s=seen_before: sign_ins.touch(
                c, "sid", now=n, idle_end=i, seen_before=s
            )
        )
        found = db.read_now(lambda c: sign_ins.by_sid(c, "sid"))
        assert found is not None
        assert (found.last_seen, found.expires_at) == expected


def test_clean_up_removes_what_is_due_and_nothing_else(db: Database) -> None:
    def write(connection: sa.Connection) -> None:
        add_alice(connection)
        for number in range(1200):  # several batches
            one_time.use(connection, "k", str(number), expires_at=50.0 if number % 2 else 5000.0)
        sign_ins.insert(connection, SIGN_IN, b"c" * 32)
        grants.insert(connection, GRANT)
        codes.insert(connection, CODE, kept_until=500.0)
        sign_in_failures.put(connection, {b"b" * 32: Count(1, 1.0, 40.0)})

    db.write_now(write)
    assert asyncio.run(db.clean_up(50.0)) == 1
    assert asyncio.run(db.clean_up(101.0)) == 600 + 1 + 1  # half of the things, the sign-in, the idle grant
    assert db.read_now(lambda c: codes.by_hash(c, b"h" * 32)) == CODE
    assert asyncio.run(db.clean_up(501.0)) == 1
    assert asyncio.run(db.clean_up(501.0)) == 0
    assert db.read_now(lambda c: people.by_id(c, "p_alice")) == ALICE


def test_rotation_moves_when_a_grant_is_cleaned_up(db: Database) -> None:
    db.write_now(add_alice)
    db.write_now(lambda c: grants.insert(c, GRANT))
    db.write_now(lambda c: grants.rotate(c, GRANT, replace(GRANT, generation=2, idle_end=2000.0)))
    assert asyncio.run(db.clean_up(999.0)) == 0
    assert asyncio.run(db.clean_up(1000.1)) == 1  # the absolute end


def test_failure_counts_are_put_read_and_forgotten(db: Database) -> None:
    one, two = b"1" * 32, b"2" * 32
    for count in (1, 2):
        db.write_now(lambda c, n=count: sign_in_failures.put(c, {one: Count(n, 3.0, 9.0)}))
    assert db.read_now(lambda c: sign_in_failures.get(c, [one, two])) == {one: (2, 3.0, 9.0)}
    db.write_now(lambda c: sign_in_failures.forget(c, one))
    assert db.read_now(lambda c: sign_in_failures.get(c, [one, two])) == {}


def test_removing_a_person_removes_what_is_theirs(db: Database) -> None:
    db.write_now(add_alice)
    db.write_now(lambda c: grants.insert(c, GRANT))
    db.write_now(lambda c: sign_ins.insert(c, SIGN_IN, b"c" * 32))
    db.write_now(lambda c: c.execute(sa.text("DELETE FROM people")))
    assert db.read_now(lambda c: grants.by_id(c, "grant")) is None
    assert db.read_now(lambda c: sign_ins.by_sid(c, "sid")) is None


def _deny(connection: sa.Connection) -> None:
    deny_entries.append(connection, [DenyEntry(DenyKind.SID, "s", iat=1.0, exp=50.0)])


def _mark(connection: sa.Connection) -> None:
    there = status_lists.invalid_in(connection, 0, 1.0)
    status_lists.mark_invalid(connection, [len(there)], expires_at=50.0)


@pytest.mark.parametrize("work", [_deny, _mark])
def test_changes_move_with_writes_of_this_and_of_other_processes(
    db: Database, url: str, work: Callable[[sa.Connection], None]
) -> None:
    seen = db.changes()
    db.write_now(work)
    assert db.changes() != seen  # at once
    time.sleep(0.3)  # whatever was still on its way has arrived
    seen = db.changes()
    assert db.changes() == seen
    other = Database.open(url)
    other.write_now(work)
    other.close_now()
    deadline = time.monotonic() + 10.0
    while db.changes() == seen:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_writers_of_one_database_wait_for_each_other(db: Database, url: str) -> None:
    other = Database.open(url)
    count = 100

    def fill(database: Database, name: str) -> None:
        for number in range(count):
            database.write_now(lambda c, n=number: secrets.insert(c, f"{name}{n}", "s", 1.0))

    threads = [threading.Thread(target=fill, args=pair) for pair in ((db, "a"), (other, "b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close_now()
    assert db.read_now(lambda c: c.execute(sa.text("SELECT COUNT(*) FROM secrets")).scalar()) == 2 * count


def test_closing_finishes_what_was_accepted_and_refuses_the_rest(db: Database, url: str) -> None:
    async def main() -> None:
        waiting = [
            asyncio.ensure_future(db.write(lambda c, n=n: secrets.insert(c, str(n), "s", 1.0)))
            for n in range(200)
        ]
        await asyncio.sleep(0)  # let them be accepted
        await db.close()
        await asyncio.gather(*waiting)
        with pytest.raises(StorageUnavailable):
            await db.write(lambda c: secrets.insert(c, "late", "s", 1.0))

    asyncio.run(main())
    again = Database.open(url, create=False)
    assert again.read_now(lambda c: c.execute(sa.text("SELECT COUNT(*) FROM secrets")).scalar()) == 200
    again.close_now()


def test_a_caller_that_goes_away_takes_nothing_back(db: Database, url: str) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(db.write(lambda c: secrets.insert(c, "a", "s", 1.0)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await db.close()  # which finishes what was accepted

    asyncio.run(main())
    later = Database.open(url)
    assert later.read_now(lambda c: secrets.get(c, "a")) == "s"
    later.close_now()


def test_a_registration_is_put_in_the_place_of_the_one_before_and_removed(db: Database) -> None:
    others = (replace(CLIENT, client_id="a", created_at=3.0), replace(CLIENT, client_id="z", created_at=3.0))
    for record in (*others, CLIENT):
        db.write_now(lambda c, r=record: registrations.put_client(c, r))
    changed = replace(CLIENT, document="{}", previous_secret_sha256=None, previous_secret_until=None)
    db.write_now(lambda c: registrations.put_client(c, changed))
    db.write_now(lambda c: registrations.put_resource(c, RESOURCE))
    db.write_now(lambda c: registrations.put_resource(c, replace(RESOURCE, updated_at=4.0)))
    assert db.read_now(registrations.every) == ((replace(RESOURCE, updated_at=4.0),), (changed, *others))
    db.write_now(lambda c: registrations.remove_client(c, "a"))
    db.write_now(lambda c: registrations.remove_resource(c, "orders"))
    assert db.read_now(registrations.every) == ((), (changed, others[1]))


ENTRY = DenyEntry(DenyKind.SID, "s", iat=1.0, exp=50.0)
REGISTERING = {
    "(first we must be listening)": lambda c: deny_entries.append(c, [ENTRY]),
    "a client comes": lambda c: registrations.put_client(c, CLIENT),
    "a client changes": lambda c: registrations.put_client(c, replace(CLIENT, document="{}")),
    "a client goes": lambda c: registrations.remove_client(c, "app"),
    "a resource comes": lambda c: registrations.put_resource(c, RESOURCE),
    "a resource changes": lambda c: registrations.put_resource(c, replace(RESOURCE, document="{}")),
    "a resource goes": lambda c: registrations.remove_resource(c, "orders"),
}


def test_another_process_hears_of_every_change_of_a_registration(db: Database, url: str) -> None:
    other = Database.open(url)
    try:
        for number, change in enumerate(REGISTERING.values()):
            seen = db.changes()
            other.write_now(change)
            deadline = time.monotonic() + 15.0
            while db.changes() == seen:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert db.read_now(registrations.revision) == number  # the first is no registration
    finally:
        other.close_now()
