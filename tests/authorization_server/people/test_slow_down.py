"""The slow-down rules as a decision, and through the database."""

from __future__ import annotations

import asyncio

import pytest

from mintmark.authorization_server.people import People, SlowDown, SlowDownPolicy
from mintmark.authorization_server.people.hashing import PasswordHasher
from mintmark.authorization_server.people.slow_down import Counts, Tally, network_of, wait

from ..world import CHEAP, PASSWORD, World

pytestmark = pytest.mark.anyio

POLICY = SlowDownPolicy()
HOME, CAFE = "192.0.2.1", "198.51.100.7"


def counts(here: int = 0, network: int = 0, strangers: int = 0, *, known: bool = False) -> Counts:
    return Counts(Tally(here, 100.0), Tally(network, 100.0), Tally(strangers, 100.0), known_device=known)


@pytest.mark.parametrize(
    ("tried", "seconds"),
    [
        (counts(), 0),
        (counts(here=4), 0),
        (counts(here=5), 2),  # a second, rounded up
        (counts(here=6), 3),
        (counts(here=8), 9),
        (counts(here=500), 900),
        (counts(network=29), 0),
        (counts(network=30), 2),
        (counts(network=500), 900),
        (counts(network=500, known=True), 0),
        (counts(strangers=10_000, here=1), 0),
        (counts(strangers=49, here=2), 0),
        (counts(strangers=50, here=2), 2),
        (counts(strangers=50, here=2, known=True), 0),
    ],
)
async def test_delays_grow_and_are_bounded(tried: Counts, seconds: int) -> None:
    found = wait(tried, 100.0, POLICY)
    assert (0 if found is None else found.retry_after) == pytest.approx(seconds, abs=1)
    assert (found is None) == (seconds == 0)


async def test_waiting_ends_and_a_clock_that_is_set_back_does_not_prolong_it() -> None:
    tried = counts(here=500)
    assert wait(tried, 999.9, POLICY) is not None
    assert wait(tried, 1000.0, POLICY) is None
    early = wait(tried, -100_000.0, POLICY)
    assert early is not None
    assert early.retry_after <= 901


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "unknown"),
        ("", "unknown"),
        ("192.0.2.1:5555", "unknown"),  # a port for each connection must not be a network for each try
        ("[2001:db8::17]:4711", "unknown"),
        ("x" * 500, "unknown"),
    ],
)
async def test_an_ipv6_host_cannot_escape_by_changing_its_address(address: str, network: str) -> None:
    assert network_of(address) == network


async def fail(
    world: World, times: int, *, network: str = CAFE, name: str = "alice", **more: str
) -> list[object]:
    return [await world.try_password(name, "wrong", network=network, **more) for _ in range(times)]


async def sign_in(world: World, network: str = HOME, **more: str) -> object:
    return await world.try_password("alice", PASSWORD, network=network, **more)


async def test_O15_guessing_slows_down_and_waiting_helps(world: World) -> None:
    outcomes = await fail(world, 8)
    assert outcomes[:5] == [None] * 5
    assert all(isinstance(outcome, SlowDown) for outcome in outcomes[5:])
    assert isinstance(await sign_in(world, CAFE), SlowDown)
    world.now += 1.0  # refused tries were not counted: the first delay is all there is
    assert await sign_in(world, CAFE) == world.alice
    assert (await fail(world, 5))[-1] is None  # and success forgets


async def test_a_stranger_elsewhere_cannot_lock_a_person_out(world: World) -> None:
    for number in range(30):
        await fail(world, 5, network=f"203.0.113.{number}")
    assert await sign_in(world, HOME) == world.alice


async def test_an_attacked_account_gives_new_networks_fewer_tries_but_gives_them_some(world: World) -> None:
    for number in range(12):
        await fail(world, 5, network=f"203.0.113.{number}")
    outcomes = await fail(world, 3, network=CAFE)
    assert outcomes[:2] == [None, None]
    assert isinstance(outcomes[2], SlowDown)


async def test_a_known_device_is_not_delayed_by_a_stranger_in_the_same_network(world: World) -> None:
    assert await sign_in(world) == world.alice
    device = world.people.device_token(world.alice.person_id)
    await fail(world, 20, network=HOME)
    assert isinstance(await sign_in(world, HOME), SlowDown)
    assert await sign_in(world, HOME, device=device) == world.alice


async def test_a_known_device_that_guesses_is_slowed_down_too(world: World) -> None:
    device = world.people.device_token(world.alice.person_id)
    outcomes = await fail(world, 6, device=device)
    assert isinstance(outcomes[-1], SlowDown)


async def test_a_made_up_device_counts_as_none(world: World) -> None:
    genuine = world.people.device_token(world.alice.person_id)
    foreign = world.people.device_token("p_somebody")
    await fail(world, 20, network=HOME)
    for device in ("", ".", "x.y", genuine + "A", "é", foreign, genuine.replace(".", "x.", 1)):
        assert isinstance(await sign_in(world, HOME, device=device), SlowDown), device


async def test_many_tries_at_once_are_as_many_as_one_after_the_other(world: World) -> None:
    outcomes = await asyncio.gather(*(world.try_password("alice", "wrong", network=CAFE) for _ in range(20)))
    assert outcomes.count(None) == 5


async def test_one_network_that_tries_many_names_is_slowed_down(world: World) -> None:
    for number in range(30):
        await fail(world, 1, name=f"name{number}")
    assert isinstance((await fail(world, 1, name="one-more"))[0], SlowDown)
    assert isinstance(await sign_in(world, CAFE), SlowDown)
    device = world.people.device_token(world.alice.person_id)
    assert await sign_in(world, CAFE, device=device) == world.alice


async def test_an_office_of_people_who_sign_in_well_is_never_slow(world: World) -> None:
    for _ in range(60):
        assert await sign_in(world, CAFE) == world.alice


async def test_failures_are_forgotten_after_an_hour(world: World) -> None:
    await fail(world, 5)
    world.now += 3600
    assert (await fail(world, 5))[-1] is None


async def test_the_counts_hold_neither_names_nor_addresses(world: World) -> None:
    await fail(world, 3, name="somebody-unheard-of", network="203.0.113.77")
    await world.db.close()
    stored = b"".join(path.read_bytes() for path in world.db.path.parent.iterdir())
    assert b"somebody-unheard-of" not in stored
    assert b"203.0.113.77" not in stored


async def test_counts_are_shared_among_processes(world: World) -> None:
    other = People(world.db, world.secrets, hasher=PasswordHasher(CHEAP))
    await fail(world, 5)
    outcome = await world.try_password("alice", "wrong", network=CAFE, people=other)
    other.close()
    assert isinstance(outcome, SlowDown)
