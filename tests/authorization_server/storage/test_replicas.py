"""Two replicas of the service on one database, of each kind: what one does, the other knows."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future

import pytest

from mintmark.authorization_server.keys import KeyPolicy, SigningKeys
from mintmark.authorization_server.sessions import Granted, Refreshed, Refused
from mintmark.authorization_server.sessions.renewing import Renewal, renew
from mintmark.authorization_server.sessions.tokens import Presented
from mintmark.authorization_server.storage import Connection, Database
from mintmark.authorization_server.storage.records import DenyEntry, DenyKind, Grant, KeyState
from mintmark.authorization_server.storage.repositories import deny_entries, grants, status_lists

from ..world import POLICY, REFRESH, World

pytestmark = pytest.mark.anyio

DAY = 86400.0


@pytest.fixture
async def replicas(url: str, anyio_backend: str) -> AsyncIterator[tuple[World, World]]:
    one = await World.begin(url)
    other = await World.begin(url)
    yield one, other
    await one.end()
    await other.end()


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    """Wait for something that happens by itself, as a service that ticks would."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.01)


async def test_P11_parallel_refreshes_at_two_replicas_give_one_grant_that_goes_on(
    replicas: tuple[World, World],
) -> None:
    one, other = replicas
    token = (await one.grant()).refresh_token or ""
    outcomes = await asyncio.gather(*(world.refresh(token) for world in replicas for _ in range(10)))
    assert all(isinstance(outcome, Refreshed) for outcome in outcomes), outcomes
    refreshed = [outcome for outcome in outcomes if isinstance(outcome, Refreshed)]
    assert len({outcome.refresh_token for outcome in refreshed}) == 1
    assert [outcome.rotated for outcome in refreshed].count(True) == 1
    assert isinstance(await other.refresh(refreshed[0].refresh_token), Refreshed)


async def test_refreshes_of_two_grants_side_by_side_are_not_undone_for_each_other(
    replicas: tuple[World, World],
) -> None:
    """PostgreSQL sees meetings by pages; these two stand on one page and concern one row each."""
    one, other = replicas
    first, second = await one.grant(), await one.grant()
    first_is_there, second_is_done = threading.Event(), threading.Event()
    begun: list[str] = []

    def renewed(granted: Granted, wait: bool) -> Callable[[Connection], object]:
        def work(connection: Connection) -> object:
            begun.append(granted.grant.grant_id)
            presented = Presented(granted.grant.grant_id, 1)
            renewal = renew(connection, presented, one.now, REFRESH, POLICY, scope=None, resources=None)
            if wait:
                first_is_there.set()
                assert second_is_done.wait(30)
            return renewal

        return work

    held = asyncio.create_task(one.db.write(renewed(first, True), locking=True))
    if one.db.path is None:  # SQLite has one writer: there nothing is side by side
        assert await asyncio.to_thread(first_is_there.wait, 30)
        assert isinstance(await other.db.write(renewed(second, False), locking=True), Renewal)
    second_is_done.set()
    assert isinstance(await held, Renewal)
    assert len(begun) == len(set(begun))


async def test_B6_a_code_is_used_once_among_replicas(replicas: tuple[World, World]) -> None:
    one, _ = replicas
    code = await one.sessions.create_code(one.request(await one.sign_in()), one.now)
    outcomes = await asyncio.gather(*(world.redeem(code) for world in replicas for _ in range(8)))
    assert [isinstance(outcome, Granted) for outcome in outcomes].count(True) == 1


async def test_O11_a_grant_that_is_given_while_its_person_signs_out_does_not_survive(
    replicas: tuple[World, World],
) -> None:
    one, other = replicas
    for _ in range(10):
        sign_in = await one.sign_in()
        code = await one.sessions.create_code(one.request(sign_in), one.now)
        outcome, _ = await asyncio.gather(one.redeem(code), other.sessions.sign_out(sign_in.sid, other.now))
        if isinstance(outcome, Granted):
            assert not isinstance(await one.refresh(outcome.refresh_token or ""), Refreshed)


async def test_O11_a_sign_out_here_is_heard_there(replicas: tuple[World, World]) -> None:
    one, other = replicas
    sign_in = await one.sign_in()
    follower = other.deny_log.subscribe()
    await one.sessions.sign_out(sign_in.sid, one.now)
    await until(lambda: _heard(other))
    (entry,) = await follower.next(other.now, timeout=1.0)
    assert (entry.kind, entry.value) == ("sid", sign_in.sid)


async def test_the_first_tokens_of_a_grant_at_two_replicas_share_one_place(
    replicas: tuple[World, World],
) -> None:
    grant = (await replicas[0].grant()).grant
    places = await asyncio.gather(
        *(world.sessions.give_status_index(grant, index) for index, world in enumerate(replicas * 5))
    )
    assert len(set(places)) == 1


async def test_a_place_that_is_given_while_its_grant_ends_is_invalid(replicas: tuple[World, World]) -> None:
    one, other = replicas
    for index in range(1, 11):
        grant = (await one.grant()).grant
        place, ended = await asyncio.gather(
            one.sessions.give_status_index(grant, index),
            other.sessions.end_grant(grant.grant_id, other.now, reason="revoked"),
        )
        assert ended is not None
        invalid = await one.db.read(lambda connection: status_lists.invalid_in(connection, 0, one.now))
        assert place is None or place in invalid


async def _heard(world: World) -> bool:
    return await world.deny_log.tick(world.now) > 0


async def test_who_reads_while_many_append_misses_nothing(replicas: tuple[World, World]) -> None:
    """Numbers of a sequence are given before the commits: without care, readers overtake slow writers."""
    total = 80
    seen: list[int] = []

    async def append(world: World, number: int) -> None:
        entry = DenyEntry(DenyKind.JTI, str(number), iat=world.now, exp=world.now + 600)
        await world.db.write(lambda c: deny_entries.append(c, [entry]))

    async def read(db: Database) -> None:
        while len(seen) < total:
            last = seen[-1] if seen else 0
            found = await db.read(lambda c, last=last: deny_entries.after(c, last, 0.0))  # type: ignore[misc]
            seen.extend(entry.seq for entry in found)

    one, other = replicas
    async with asyncio.timeout(60):
        await asyncio.gather(
            read(one.db), *(append(world, number) for number in range(total // 2) for world in (one, other))
        )
    assert len(set(seen)) == total


async def test_P8_replicas_rotate_once_and_agree(replicas: tuple[World, World]) -> None:
    one, other = replicas
    policy = KeyPolicy(algs=("ES256", "EdDSA"))
    keys = [SigningKeys(world.db, world.sealer, policy, world.deny_log) for world in replicas]
    await asyncio.gather(*(each.start(one.now) for each in keys))
    now = one.now
    for step in (29 * DAY, DAY, 700.0):
        now += step
        await asyncio.gather(*(each.tick(now) for each in keys))

        async def agree(now: float = now) -> bool:
            for each in keys:
                await each.tick(now)
            return keys[0].timeline() == keys[1].timeline()

        await until(agree)
        for alg in policy.algs:
            states = [record.state for record in keys[0].timeline() if record.alg == alg]
            assert states.count(KeyState.CURRENT) == 1
            assert states.count(KeyState.NEXT) <= 1
            assert keys[0].current(alg) == keys[1].current(alg)
    kinds = [event.kind for kind in ("key_next", "key_retired") for event in one.events(kind)]
    assert kinds == ["key_next"] * 2 + ["key_retired"] * 2
    assert other.events("key_next") == one.events("key_next")


async def test_counts_of_failures_are_one_among_replicas(replicas: tuple[World, World]) -> None:
    outcomes = await asyncio.gather(
        *(world.try_password("alice", "wrong", network="192.0.2.1") for world in replicas for _ in range(8))
    )
    assert outcomes.count(None) == 5


async def test_replicas_that_start_together_share_schema_and_secret(url: str) -> None:
    keys = await asyncio.gather(*(asyncio.to_thread(asyncio.run, _key(url)) for _ in range(4)))
    assert len(set(keys)) == 1


async def _key(url: str) -> bytes:
    world = await World.begin(url)
    try:
        return world.secrets.key("x")
    finally:
        await world.end()


async def test_sign_out_and_a_refresh_that_touches_its_sign_in_never_wait_for_each_other(
    replicas: tuple[World, World],
) -> None:
    """Both lock the grant before the sign-in: else each would hold what the other needs."""
    one, other = replicas
    sign_in = await one.sign_in()
    granted = await one.grant(sign_in)
    loop, meanwhile = asyncio.get_running_loop(), list[Future[tuple[Grant, ...]]]()
    one.now = other.now = one.now + 600.0  # so that the refresh has to note that somebody is here

    def work(connection: Connection) -> Renewal | Refused:
        grants.with_person(connection, granted.grant.grant_id)
        if not meanwhile:
            signing_out = other.sessions.sign_out(sign_in.sid, other.now)
            meanwhile.append(asyncio.run_coroutine_threadsafe(signing_out, loop))
            if one.db.path is None:
                _until_somebody_waits(one.db)
        presented = Presented(granted.grant.grant_id, granted.grant.generation)
        return renew(connection, presented, one.now, REFRESH, POLICY, scope=None, resources=None)

    assert isinstance(await one.db.write(work, locking=True), Renewal)
    (ended,) = await asyncio.wrap_future(meanwhile[0])
    assert ended.grant_id == granted.grant.grant_id
    if one.db.path is None:
        asked = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert one.db.read_now(lambda c: c.exec_driver_sql(asked).scalar()) == 0


def _until_somebody_waits(db: Database) -> None:
    asked = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while db.read_now(lambda connection: connection.exec_driver_sql(asked).scalar()) == 0:
        time.sleep(0.01)
