"""Accounts and passwords: who gets in, who does not, and that nobody can tell why from outside."""

from __future__ import annotations

import asyncio

import pytest

from mintmark.authorization_server.people import (
    ADMINISTRATOR,
    HashingPolicy,
    NewPerson,
    PasswordHasher,
    PasswordRefused,
    PasswordRules,
    People,
    PeopleBusy,
    UsernameTaken,
)
from mintmark.authorization_server.people.common_passwords import COMMON_PASSWORDS
from mintmark.authorization_server.storage.repositories import people as rows
from mintmark.errors import ConfigurationError

from ..world import CHEAP, PASSWORD, World

pytestmark = pytest.mark.anyio


async def check(world: World, name: str, password: str) -> object:
    return await world.try_password(name, password, network="192.0.2.1")


async def stored_hash(world: World, key: str = "alice") -> str:
    found = await world.db.read(lambda c: rows.by_username_key(c, key))
    assert found is not None
    return found[1] or ""


async def test_the_right_password_lets_in_however_name_and_keyboard_spell(world: World) -> None:
    await world.people.create(NewPerson("Zoë Straße", "Ångström & café"), world.now)
    for name in ("Zoë Straße", "zoë strasse", "ZOE\u0308 STRASSE", "  Zoë Straße "):
        for password in ("Ångström & café", "A\u030angstro\u0308m & cafe\u0301"):
            assert await check(world, name, password) is not None, name


@pytest.mark.parametrize(
    "password", ["", "wrong", PASSWORD + "x", PASSWORD.upper(), "\x00", "\ud800", "é" * 100]
)
async def test_a_wrong_password_does_not(world: World, password: str) -> None:
    assert await check(world, "alice", password) is None


@pytest.mark.parametrize("name", ["", " ", "bob", "al\x00ice", "\ud800", "a" * 10_000, "alice\n"])
async def test_O14_an_unknown_name_gets_the_same_answer(world: World, name: str) -> None:
    expected = world.alice if name.strip() == "alice" else None
    assert await check(world, name, PASSWORD) == expected


@pytest.fixture
def hashed_with(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parameters of each hash that a check computes: counted, for time lies on busy machines."""
    found: list[str] = []
    verify = PasswordHasher._verify

    def spy(self: PasswordHasher, stored: str, password: str) -> bool:
        found.append(stored.rsplit("$", 2)[0])
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "_verify", spy)
    return found


async def test_O14_every_refusal_costs_the_same_work(world: World, hashed_with: list[str]) -> None:
    await world.people.create(NewPerson("bob"), world.now)  # without a password
    await world.people.create(NewPerson("carol", PASSWORD), world.now)
    carol = await world.people.find_by_username("carol")
    assert carol is not None
    await world.db.write(world.people.disabling(carol.person_id, world.now))
    for name, password in (("alice", "wrong"), ("nobody", "wrong"), ("bob", "wrong"), ("carol", PASSWORD)):
        assert await check(world, name, password) is None
    assert hashed_with == ["$argon2id$v=19$m=64,t=1,p=1"] * 4


async def test_a_huge_password_costs_nothing(world: World, hashed_with: list[str]) -> None:
    assert await check(world, "alice", "x" * 10_000_000) is None
    assert hashed_with == []


async def test_accounts_without_password_and_disabled_ones_let_nobody_in(world: World) -> None:
    await world.people.create(NewPerson("bob"), world.now)
    assert await check(world, "bob", "") is None
    assert await check(world, "bob", "anything at all") is None
    await world.db.write(world.people.disabling(world.alice.person_id, world.now))
    assert await check(world, "alice", PASSWORD) is None
    await world.people.enable(world.alice.person_id, world.now)
    assert await check(world, "alice", PASSWORD) is not None


async def test_passwords_are_argon2id_with_the_stated_cost_and_in_no_clear_text(world: World) -> None:
    default = PasswordHasher()
    hashed = await default.hash("a password")
    default.close()
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await world.db.close()
    stored = b"".join(path.read_bytes() for path in world.db.path.parent.iterdir())
    assert PASSWORD.encode() not in stored


async def test_a_hash_of_other_parameters_is_renewed_at_the_next_sign_in(world: World) -> None:
    before = await stored_hash(world)
    people = People(world.db, world.secrets, hasher=PasswordHasher(HashingPolicy(memory_kib=128, passes=2)))
    assert await world.try_password("alice", "wrong", network="x", people=people) is None
    assert await stored_hash(world) == before
    assert await world.try_password("alice", PASSWORD, network="x", people=people) == world.alice
    after = await stored_hash(world)
    assert "m=128,t=2" in after
    assert await world.try_password("alice", PASSWORD, network="x", people=people) == world.alice
    assert await stored_hash(world) == after
    people.close()


async def test_a_flood_is_answered_busy_and_costs_no_honest_try(world: World) -> None:
    hasher = PasswordHasher(HashingPolicy(memory_kib=4096, passes=4, workers=1, waiting=2))
    people = People(world.db, world.secrets, hasher=hasher)
    outcomes = await asyncio.gather(
        *(world.try_password("alice", PASSWORD, network="x", people=people) for _ in range(5)),
        *(world.try_password(f"n{n}", PASSWORD, network="x", people=people) for n in range(15)),
        return_exceptions=True,
    )
    busy = [outcome for outcome in outcomes if isinstance(outcome, PeopleBusy)]
    assert busy
    assert all(outcome.retry_after >= 1 for outcome in busy)
    for _ in range(5):  # nothing of it was held against anybody
        assert await world.try_password("alice", PASSWORD, network="x", people=people) == world.alice
    people.close()


@pytest.mark.parametrize("password", ["", "seven77", "PASSWORD1", "Qwertyuiop", "aaaaaaaaaaaa", "abababab"])
async def test_the_worst_passwords_are_refused(world: World, password: str) -> None:
    with pytest.raises(PasswordRefused) as refused:
        await world.people.create(NewPerson("bob", password), world.now)
    assert password == "" or password not in str(refused.value)
    assert await world.people.find_by_username("bob") is None


async def test_a_password_may_be_long_and_of_any_characters_but_not_endless() -> None:
    rules = PasswordRules()
    for password in ("a b c d e f g h", "пароль и ключ", "🔑🗝️🚪🧺🍏🍐🍊🍋", "x" * 500 + "yz"):
        rules.check(password, username="bob")
    for password in ("xyz" * 400, "long enough, but \ud800"):
        with pytest.raises(PasswordRefused):
            rules.check(password, username="bob")
    with pytest.raises(PasswordRefused):
        rules.check("Bob-the-Builder", username="bob-the-builder")
    with pytest.raises(PasswordRefused):
        PasswordRules(shortest=15).check("fourteen chars", username="bob")
    assert all(len(word) >= 8 and word == word.casefold() for word in COMMON_PASSWORDS)


async def test_two_people_cannot_have_names_that_look_the_same(world: World) -> None:
    for name in ("alice", "ALICE", " Alice ", "\uff41lice"):
        with pytest.raises(UsernameTaken):
            await world.people.create(NewPerson(name), world.now)
    for name in ("", " ", "a\x00b", "a" * 256):
        with pytest.raises(ConfigurationError):
            await world.people.create(NewPerson(name), world.now)


async def test_what_can_be_changed_is_changed_and_the_rest_is_refused(world: World) -> None:
    world.now += 10
    changed = await world.people.update(
        world.alice.person_id, world.now, name="Alice A.", roles=("clerk",), attributes={"cost_centre": 7}
    )
    assert (changed.name, changed.roles, changed.attributes) == ("Alice A.", ("clerk",), {"cost_centre": 7})
    assert changed.updated_at == world.now
    assert await world.people.find(world.alice.person_id) == changed
    for values in ({"password_hash": "x"}, {"disabled_at": 1.0}, {"username": "x"}, {"nothing": 1}):
        with pytest.raises(ConfigurationError):
            await world.people.update(world.alice.person_id, world.now, **values)
    with pytest.raises(ConfigurationError):
        await world.people.update("p_nobody", world.now, name="x")


async def test_a_new_password_replaces_the_old_one(world: World) -> None:
    await world.people.set_password(world.alice.person_id, "another calm phrase", world.now)
    assert await check(world, "alice", PASSWORD) is None
    assert await check(world, "alice", "another calm phrase") is not None
    with pytest.raises(PasswordRefused):
        await world.people.set_password(world.alice.person_id, "alice", world.now)
    with pytest.raises(ConfigurationError):
        await world.people.set_password("p_nobody", "another calm phrase", world.now)


async def test_the_first_start_makes_one_administrator(world: World) -> None:
    assert await world.people.ensure_administrator(world.now) is None  # alice is there
    await world.db.write(lambda c: c.exec_driver_sql("DELETE FROM people"))
    made = await world.people.ensure_administrator(world.now)
    assert made is not None
    person, password = made
    assert person.roles == (ADMINISTRATOR,)
    assert await check(world, "admin", password) == person
    assert await world.people.ensure_administrator(world.now) is None


async def test_ensuring_a_person_can_be_done_again(world: World) -> None:
    for roles in (("a",), ("a", "b")):
        person = await world.people.ensure(NewPerson("carol", "a phrase for carol", roles=roles), world.now)
        assert person.roles == roles
        assert await check(world, "carol", "a phrase for carol") == person
    assert [p.username for p in await world.people.every()] == ["alice", "carol"]


async def test_no_password_is_in_any_repr_or_event(world: World) -> None:
    new = NewPerson("dave", "a phrase for dave")
    await world.people.create(new, world.now)
    shown = repr((new, world.people, world.events("person_created")))
    assert "a phrase for dave" not in shown
    assert len(world.events("person_created")) == 2


async def test_cheap_hashing_is_only_for_tests() -> None:
    assert HashingPolicy().memory_kib >= 19 * 1024
    assert CHEAP.memory_kib < 1024
