"""Status lists on every database: blocks, INVALID places, and which lists are there at all."""

from __future__ import annotations

import subprocess
import sys

import pytest
from msgspec.structs import replace

from mintmark.authorization_server.storage import Connection, Database
from mintmark.authorization_server.storage.records import STATUS_LIST_SIZE
from mintmark.authorization_server.storage.repositories import grants, status_lists
from mintmark.jwt.policy import MAX_LEEWAY

from .rows import GRANT, add_alice, grant

DAY = 86_400.0


def in_use(db: Database) -> list[int]:
    found, number = [], db.read_now(lambda c: status_lists.next_in_use(c, 0))
    while number is not None:
        found.append(number)
        number = db.read_now(lambda c, n=number: status_lists.next_in_use(c, n + 1))
    return found


@pytest.mark.anyio
async def test_a_block_is_taken_once_and_not_again_after_the_clean_up(db: Database) -> None:
    def take(connection: Connection) -> int:
        return status_lists.take_block(connection, expires_at=10.0)

    first = [await db.write(take) for _ in range(3)]
    assert first == sorted(set(first))
    assert in_use(db) == [0]
    await db.clean_up(1000.0)
    assert in_use(db) == []
    assert await db.write(take) > first[-1]


def test_what_is_invalid_is_told_list_by_list_until_it_ends(db: Database) -> None:
    def write(connection: Connection) -> None:
        places = [5, STATUS_LIST_SIZE - 1, STATUS_LIST_SIZE + 7]
        status_lists.mark_invalid(connection, places, expires_at=10.0)
        status_lists.mark_invalid(connection, [5], expires_at=99.0)  # once is enough
        status_lists.mark_invalid(connection, [], expires_at=99.0)

    db.write_now(write)
    assert db.read_now(lambda c: status_lists.invalid_in(c, 0, 1.0)) == {5, STATUS_LIST_SIZE - 1}
    assert db.read_now(lambda c: status_lists.invalid_in(c, 1, 1.0)) == {7}
    assert db.read_now(lambda c: status_lists.invalid_in(c, 2, 1.0)) == set()
    assert db.read_now(lambda c: status_lists.invalid_in(c, 0, 10.0)) == set()


def test_a_list_is_there_while_a_block_a_grant_or_a_revocation_needs_it(db: Database) -> None:
    def write(connection: Connection) -> None:
        add_alice(connection)
        for _ in range(2):
            status_lists.take_block(connection, expires_at=10.0)
        grants.insert(connection, replace(GRANT, status_index=3 * STATUS_LIST_SIZE + 1))
        status_lists.mark_invalid(connection, [900_000_000 * STATUS_LIST_SIZE + 5], expires_at=10.0)

    assert in_use(db) == []
    db.write_now(write)
    assert in_use(db) == [0, 3, 900_000_000]


def test_a_grant_gets_one_place_and_only_while_it_lives(db: Database) -> None:
    def write(connection: Connection) -> None:
        add_alice(connection)
        grants.insert(connection, GRANT)
        grants.insert(connection, grant("ended"))
        grants.end(connection, [grant("ended")], now=20.0, reason="revoked", kept_until=700.0)

    db.write_now(write)
    assert db.write_now(lambda c: grants.give_status_index(c, "grant", 41)) == 41
    assert db.write_now(lambda c: grants.give_status_index(c, "grant", 42)) == 41
    assert db.write_now(lambda c: grants.give_status_index(c, "ended", 43)) is None
    assert db.write_now(lambda c: grants.give_status_index(c, "nobody", 44)) is None
    db.write_now(lambda c: grants.drop_status_index(c, "grant", 40))  # not its place: nothing happens
    assert db.read_now(lambda c: grants.by_id(c, "grant")) == replace(GRANT, status_index=41)
    db.write_now(lambda c: grants.drop_status_index(c, "grant", 41))
    assert db.write_now(lambda c: grants.give_status_index(c, "grant", 42)) == 42


@pytest.mark.anyio
@pytest.mark.parametrize("has_a_status", [True, False])
async def test_a_grant_stays_until_its_last_token_can_no_longer_be_revoked(
    db: Database, has_a_status: bool
) -> None:
    """Its row is how a sign-out finds the place of a token that was made just before the grant's end."""

    def write(connection: Connection) -> None:
        add_alice(connection)
        grants.insert(connection, GRANT)
        if has_a_status:
            grants.give_status_index(connection, "grant", 41)

    await db.write(write)
    await db.clean_up(GRANT.idle_end + DAY)
    kept = await db.read(lambda c: grants.by_id(c, "grant"))
    assert (kept is not None) is has_a_status
    await db.clean_up(GRANT.idle_end + DAY + MAX_LEEWAY + 1)
    assert await db.read(lambda c: grants.by_id(c, "grant")) is None


TAKE_MANY = """
import asyncio, sys
from mintmark.authorization_server.revocation import StatusIndexes
from mintmark.authorization_server.storage import Database

async def main():
    db = Database.open(sys.argv[1])
    indexes = StatusIndexes(db, b"k" * 32, token_lifetime=600.0)
    sys.stdin.readline()
    for _ in range(3500):
        print(await indexes.take(1000.0))
    sys.stdout.flush()
    await db.close()

asyncio.run(main())
"""


def test_processes_that_issue_at_once_never_give_the_same_index(db: Database, url: str) -> None:
    command = [sys.executable, "-c", TAKE_MANY, url]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    given = [index for process in started for index in process.communicate(timeout=120)[0].split()]
    assert all(process.returncode == 0 for process in started)
    assert len(given) == 3 * 3500
    assert len(set(given)) == len(given)
