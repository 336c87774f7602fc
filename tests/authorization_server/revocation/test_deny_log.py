"""The deny log: what each entry matches and for how long, and that every follower hears every entry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from mintmark.authorization_server.revocation import DenyLog
from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.storage.records import DenyEntry, DenyKind
from mintmark.authorization_server.storage.repositories import deny_entries
from mintmark.jwt.policy import MAX_LEEWAY

from ..world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def elsewhere(world: World) -> AsyncIterator[Database]:
    """Another process's view of the same database."""
    db = Database.open(f"sqlite:///{world.db.path}")
    yield db
    await db.close()


def entry(world: World, value: str = "s1", kind: DenyKind = DenyKind.SID, **changes: Any) -> DenyEntry:
    return DenyEntry(kind, value, iat=world.now, **{"exp": world.now + 600, **changes})


class Token(dict[str, Any]):
    """Claims with a header."""

    def __init__(self, *, kid: object = "k1", **claims: Any) -> None:
        super().__init__(claims)
        self.header = {"kid": kid}


@pytest.mark.parametrize(
    ("kind", "value", "token"),
    [
        (DenyKind.SID, "v", Token(sid="v")),
        (DenyKind.GRANT_ID, "v", Token(grant_id="v")),
        (DenyKind.JTI, "v", Token(jti="v")),
        (DenyKind.SUB, "v", Token(sub="v")),
        (DenyKind.CLIENT_ID, "v", Token(client_id="v")),
        (DenyKind.KID, "v", Token(kid="v")),
    ],
)
async def test_O11_an_entry_matches_its_claim_and_no_other(
    world: World, kind: DenyKind, value: str, token: Token
) -> None:
    await world.deny_log.add([entry(world, value, kind)], world.now)
    assert world.deny_log.reason(token) == str(kind)
    everything_else = Token(kid="o", sid="o", grant_id="o", jti="o", sub="o", client_id="o", name="v")
    assert world.deny_log.reason(everything_else) is None
    assert world.deny_log.reason(Token(kid=None, sid=7, sub=["v"], jti=None)) is None


async def test_an_entry_with_a_moment_spares_what_was_issued_since(world: World) -> None:
    await world.deny_log.add([entry(world, "alice", DenyKind.SUB, before=world.now)], world.now)
    assert world.deny_log.reason(Token(sub="alice", iat=world.now - 1)) == "sub"
    assert world.deny_log.reason(Token(sub="alice", iat=world.now)) is None
    assert world.deny_log.reason(Token(sub="alice")) == "sub"
    assert world.deny_log.reason(Token(sub="alice", iat="now")) == "sub"


async def test_two_entries_for_one_target_each_keep_their_own_end(world: World) -> None:
    await world.deny_log.add(
        [
            entry(world, "alice", DenyKind.SUB, before=world.now - 100, exp=world.now + 1000),
            entry(world, "alice", DenyKind.SUB, exp=world.now + 10),
        ],
        world.now,
    )
    fresh = Token(sub="alice", iat=world.now)
    assert world.deny_log.reason(fresh) == "sub"
    world.now += 10 + MAX_LEEWAY
    await world.deny_log.tick(world.now)
    assert world.deny_log.reason(fresh) is None
    assert world.deny_log.reason(Token(sub="alice", iat=world.now - 500)) == "sub"


async def test_an_entry_dies_with_the_last_token_that_any_verifier_takes(world: World) -> None:
    await world.deny_log.add([entry(world)], world.now)
    world.now += 600 + MAX_LEEWAY - 0.1
    await world.deny_log.tick(world.now)
    assert world.deny_log.reason(Token(sid="s1")) == "sid"
    assert len(world.entries()) == 1
    world.now += 0.1
    assert world.deny_log.reason(Token(sid="s1")) is None  # even before the next tick
    await world.deny_log.tick(world.now)
    assert world.entries() == ()
    assert world.deny_log.last_seq == 1
    assert await world.deny_log.add([entry(world, "dead", exp=world.now - MAX_LEEWAY)], world.now) == ()


async def test_a_restart_finds_what_is_alive(world: World) -> None:
    await world.deny_log.add([entry(world, "short", exp=world.now + 5), entry(world, "long")], world.now)
    world.now += 5 + MAX_LEEWAY
    again = DenyLog(world.db, clock=lambda: world.now)
    await again.start(world.now)
    assert [found.value for found in again.entries_after(0, world.now)] == ["long"]
    assert again.snapshot(world.now) == (2, again.entries_after(0, world.now))


async def test_a_follower_hears_an_entry_as_soon_as_it_is_durable(world: World) -> None:
    with world.deny_log.subscribe() as follower:
        waiting = asyncio.ensure_future(follower.next(world.now, timeout=10.0))
        await asyncio.sleep(0)
        (written,) = await world.deny_log.add([entry(world)], world.now)
        assert await asyncio.wait_for(waiting, 1.0) == (written,)
        assert await follower.next(world.now, timeout=0.001) == ()  # time for a heartbeat


async def test_a_follower_resumes_where_it_was(world: World) -> None:
    for name in "abc":
        await world.deny_log.add([entry(world, name)], world.now)
    for after, expected in ((None, "abc"), (0, "abc"), (2, "c"), (3, ""), (99, "abc"), (-1, "abc")):
        follower = world.deny_log.subscribe(after)
        heard = await follower.next(world.now, timeout=0.001)
        assert "".join(found.value for found in heard) == expected, after


async def test_entries_of_another_process_are_heard_at_the_next_tick(
    world: World, elsewhere: Database
) -> None:
    follower = world.deny_log.subscribe()
    await elsewhere.write(lambda c: deny_entries.append(c, [entry(world, "theirs")]))
    assert await world.deny_log.tick(world.now) == 1
    (heard,) = await follower.next(world.now, timeout=1.0)
    assert heard.value == "theirs"
    assert await world.deny_log.tick(world.now) == 0


async def test_no_follower_misses_what_another_process_wrote_just_before_us(
    world: World, elsewhere: Database
) -> None:
    follower = world.deny_log.subscribe()
    await elsewhere.write(lambda c: deny_entries.append(c, [entry(world, "theirs")]))
    await world.deny_log.add([entry(world, "ours")], world.now)
    heard = await follower.next(world.now, timeout=1.0)
    assert [found.value for found in heard] == ["theirs", "ours"]


async def test_many_followers_hear_many_writers_completely_and_in_order(
    world: World, elsewhere: Database
) -> None:
    total = 60

    async def follow() -> list[int]:
        heard: list[int] = []
        with world.deny_log.subscribe() as follower:
            while len(heard) < total:
                heard += [found.seq for found in await follower.next(world.now, timeout=5.0)]
        return heard

    async def write_here(number: int) -> None:
        await world.deny_log.add([entry(world, f"ours{number}")], world.now)

    async def write_there(number: int) -> None:
        await elsewhere.write(lambda c: deny_entries.append(c, [entry(world, f"theirs{number}")]))
        await world.deny_log.tick(world.now)

    followers = [asyncio.ensure_future(follow()) for _ in range(20)]
    await asyncio.gather(*(write(n) for n in range(total // 2) for write in (write_here, write_there)))
    for heard in await asyncio.wait_for(asyncio.gather(*followers), 10.0):
        assert heard == list(range(1, total + 1))


async def test_memory_holds_only_the_living(world: World) -> None:
    for number in range(10):
        await world.deny_log.add(
            [entry(world, f"{number}.{i}", exp=world.now + 1) for i in range(50)], world.now
        )
        world.now += 1 + MAX_LEEWAY
        await world.deny_log.tick(world.now)
    kept = world.deny_log._entries
    assert len(kept) == 0
    assert len(kept._order) <= 100
    assert kept._by_target == {}
    assert world.deny_log.last_seq == 500


async def test_the_wire_form_is_what_the_feed_promises(world: World) -> None:
    assert DenyEntry(DenyKind.SID, "s", iat=1.0, exp=2.0).to_wire() == {
        "kind": "sid",
        "value": "s",
        "exp": 2.0,
        "iat": 1.0,
    }
    assert DenyEntry(DenyKind.SUB, "p", iat=1.0, exp=2.0, before=1.5).to_wire()["before"] == 1.5


async def test_claims_of_any_shape_are_looked_at_safely(world: World) -> None:
    await world.deny_log.add([entry(world)], world.now)
    odd = SimpleNamespace(header={}, get=lambda name: {"a": [name]})
    assert world.deny_log.reason(odd) is None
