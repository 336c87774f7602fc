"""Refresh, from outside: what each token that can be presented does to the grants in the database."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from mintmark.authorization_server.sessions import Granted, Refreshed, RefreshPolicy, RefusalReason, Refused
from mintmark.authorization_server.sessions.tokens import RefreshTokens

from ..world import REFRESH, World

pytestmark = pytest.mark.anyio


def good(outcome: Refreshed | Refused) -> Refreshed:
    assert isinstance(outcome, Refreshed), outcome
    return outcome


def token_of(granted: Granted) -> str:
    assert granted.refresh_token is not None
    return granted.refresh_token


async def everything(world: World) -> list[object]:
    """All that a refresh could change."""
    dump = world.db.read_now(lambda c: c.exec_driver_sql("SELECT * FROM grants ORDER BY grant_id").fetchall())
    return [list(map(tuple, dump)), world.denied(), world.events("refresh_reuse")]


async def test_the_current_token_gives_a_successor_and_the_grant_goes_on(world: World) -> None:
    granted = await world.grant()
    first = good(await world.refresh(token_of(granted)))
    assert first.refresh_token != granted.refresh_token
    world.now += 500
    second = good(await world.refresh(first.refresh_token))
    assert second.rotated
    assert second.grant.generation == 3
    assert second.person == world.alice


async def test_P11_twenty_parallel_refreshes_with_one_token_give_one_grant_that_goes_on(world: World) -> None:
    granted = await world.grant()
    outcomes = [good(o) for o in await asyncio.gather(*(world.refresh(token_of(granted)) for _ in range(20)))]
    assert len({outcome.refresh_token for outcome in outcomes}) == 1
    assert [outcome.rotated for outcome in outcomes].count(True) == 1
    world.now += 600
    assert good(await world.refresh(outcomes[0].refresh_token)).grant.generation == 3
    assert world.denied() == []


async def test_within_the_grace_the_successor_is_the_same_byte_for_byte_and_nothing_is_written(
    world: World,
) -> None:
    granted = await world.grant()
    first = good(await world.refresh(token_of(granted)))
    before = await everything(world)
    world.now += REFRESH.grace
    again = good(await world.refresh(token_of(granted)))
    assert again.refresh_token == first.refresh_token
    assert not again.rotated
    assert await everything(world) == before


async def test_O1_a_replay_after_the_grace_ends_that_grant_and_no_other(world: World) -> None:
    sign_in = await world.sign_in()
    stolen, other, offline = (
        await world.grant(sign_in),
        await world.grant(sign_in),
        await world.grant(sign_in, client_id="phone", scope="openid offline_access"),
    )
    successor = good(await world.refresh(token_of(stolen)))
    world.now += REFRESH.grace + 0.001
    refused = await world.refresh(token_of(stolen))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.REUSE
    assert world.denied() == [("grant_id", stolen.grant.grant_id)]
    assert world.entries()[0].exp == world.now + 600.0 + 30.0
    ended = await world.refresh(successor.refresh_token)
    assert isinstance(ended, Refused)
    assert ended.reason is RefusalReason.ENDED
    good(await world.refresh(token_of(other)))
    good(await world.refresh(token_of(offline), client_id="phone"))


async def test_O1_the_person_is_told_once_and_the_trail_knows(world: World) -> None:
    granted = await world.grant()
    good(await world.refresh(token_of(granted)))
    world.now += 31
    for _ in range(3):
        assert isinstance(await world.refresh(token_of(granted)), Refused)
    (notice,) = await world.sessions.notices(world.alice.person_id)
    assert (notice.kind, notice.client_id, notice.at) == ("refresh_reuse", "app", world.now)
    (event,) = world.events("refresh_reuse")
    assert event.grant_id == granted.grant.grant_id
    await world.sessions.mark_seen(world.alice.person_id, up_to=notice.notice_id)
    assert await world.sessions.notices(world.alice.person_id) == ()


async def test_O1_an_older_generation_ends_the_grant_even_within_the_grace(world: World) -> None:
    granted = await world.grant()
    good(await world.refresh(good(await world.refresh(token_of(granted))).refresh_token))
    refused = await world.refresh(token_of(granted))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.REUSE


@pytest.mark.parametrize("spoil", ["mac", "generation", "key", "shape", "unicode", "empty", "padded", "long"])
async def test_a_made_up_token_with_a_real_grant_id_changes_nothing(world: World, spoil: str) -> None:
    granted = await world.grant()
    good(await world.refresh(token_of(granted)))
    grant_id = granted.grant.grant_id
    token = token_of(granted)
    world.now += 100  # beyond the grace: the genuine token would end the grant
    mac = token.rpartition(".")[2]
    made_up = {
        "mac": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "generation": f"mmr_{grant_id}.2.{mac}",
        "key": RefreshTokens(b"guess" * 8).make(grant_id, 1, "app"),
        "shape": token.replace(".", ".0", 1),
        "unicode": token + "é",
        "empty": "",
        "padded": token + "=",
        "long": token + "A" * 10_000_000,
    }[spoil]
    before = await everything(world)
    refused = await world.refresh(made_up)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.UNKNOWN
    assert await everything(world) == before


async def test_C5_a_token_of_another_client_changes_nothing(world: World) -> None:
    granted = await world.grant()
    before = await everything(world)
    refused = await world.refresh(token_of(granted), client_id="other")
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.UNKNOWN
    assert await everything(world) == before


async def test_C6_a_narrower_scope_is_for_one_answer_and_a_wider_one_is_refused_without_rotation(
    world: World,
) -> None:
    granted = await world.grant(scope="openid orders profile")
    wide = await world.refresh(token_of(granted), scope=("orders", "billing"))
    assert isinstance(wide, Refused)
    assert wide.reason is RefusalReason.SCOPE_TOO_WIDE
    narrow = good(await world.refresh(token_of(granted), scope=["orders"], resources=["orders"]))
    assert (narrow.scope, narrow.resources) == (("orders",), ("orders",))
    full = good(await world.refresh(narrow.refresh_token))
    assert full.scope == ("openid", "orders", "profile")
    assert full.resources == ("orders", "billing")


async def test_C9_a_foreign_resource_is_refused_without_rotation(world: World) -> None:
    granted = await world.grant()
    refused = await world.refresh(token_of(granted), resources=["payroll"])
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.RESOURCE_TOO_WIDE
    assert good(await world.refresh(token_of(granted))).grant.generation == 2


async def test_C7_a_grant_ends_when_idle_and_at_its_absolute_end(world: World) -> None:
    idle, used = await world.grant(), await world.grant()
    token = token_of(used)
    for _ in range(5):
        world.now += 999
        token = good(await world.refresh(token)).refresh_token
    refused = await world.refresh(token_of(idle))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.EXPIRED
    world.now += 5.0  # 5000 s after the start, although used a moment ago
    refused = await world.refresh(token)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.EXPIRED


async def test_C4_without_rotation_the_same_token_goes_on_and_stays_alive(world: World) -> None:
    fixed = replace(REFRESH, rotate=False)
    granted = await world.grant()
    for _ in range(4):
        world.now += 900
        assert good(await world.refresh(token_of(granted), policy=fixed)).refresh_token == token_of(granted)


async def test_C4_switching_rotation_off_keeps_old_tokens_recognised(world: World) -> None:
    granted = await world.grant()
    current = good(await world.refresh(token_of(granted)))
    fixed = replace(REFRESH, rotate=False)
    assert (
        good(await world.refresh(current.refresh_token, policy=fixed)).refresh_token == current.refresh_token
    )
    world.now += 31
    refused = await world.refresh(token_of(granted), policy=fixed)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.REUSE


async def test_C8_a_disabled_person_cannot_refresh(world: World) -> None:
    granted = await world.grant()
    await world.db.write(world.people.disabling(world.alice.person_id, world.now))
    refused = await world.refresh(token_of(granted))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.PERSON_DISABLED
    assert world.denied() == [("grant_id", granted.grant.grant_id)]


async def test_a_restored_backup_signs_nobody_out_and_still_recognises_a_thief(world: World) -> None:
    granted = await world.grant()
    tokens = RefreshTokens(world.secrets.key("refresh token"))  # generations that the restored rows never saw
    seventh = tokens.make(granted.grant.grant_id, 7, "app")
    fifth = tokens.make(granted.grant.grant_id, 5, "app")
    assert good(await world.refresh(seventh)).grant.generation == 8
    refused = await world.refresh(fifth)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.REUSE


async def test_E8_revoking_a_token_of_any_generation_ends_its_grant_and_only_that(world: World) -> None:
    sign_in = await world.sign_in()
    granted, other = await world.grant(sign_in), await world.grant(sign_in)
    old = token_of(granted)
    good(await world.refresh(old))
    assert not await world.sessions.revoke_refresh_token(old, client_id="other", now=world.now)
    assert not await world.sessions.revoke_refresh_token("mmr_x", client_id="app", now=world.now)
    assert await world.sessions.revoke_refresh_token(old, client_id="app", now=world.now)
    assert not await world.sessions.revoke_refresh_token(old, client_id="app", now=world.now)
    assert world.denied() == [("grant_id", granted.grant.grant_id)]
    good(await world.refresh(token_of(other)))


async def test_E7_asking_about_a_token_changes_nothing(world: World) -> None:
    granted = await world.grant()
    old = token_of(granted)

    async def alive(token: str, client_id: str = "app") -> bool:
        arguments = {"client_id": client_id, "now": world.now, "policy": REFRESH}
        return await world.sessions.would_renew(token, **arguments) is not None  # type: ignore[arg-type]

    assert await alive(old)
    assert not await alive(old, "other")
    assert not await alive(old + "A")
    current = good(await world.refresh(old)).refresh_token
    world.now += 31
    before = await everything(world)
    assert not await alive(old)  # presenting it would end the grant; asking does not
    assert await alive(current)
    assert await everything(world) == before
    await world.sessions.end_grant(granted.grant.grant_id, world.now, reason="by_hand")
    assert not await alive(current)


async def test_using_a_grant_keeps_its_sign_in_alive(world: World) -> None:
    new = await world.new_sign_in(world.alice.person_id, world.now)
    token = token_of(await world.grant(new.sign_in))
    for _ in range(4):
        world.now += 990
        token = good(await world.refresh(token, policy=RefreshPolicy())).refresh_token
    world.now += 7000  # idle for 7200 s would end it, counted from the last refresh
    assert await world.sessions.find_sign_in(new.cookie, world.now) is not None


async def test_no_secret_is_in_any_repr(world: World) -> None:
    granted = await world.grant()
    refreshed = good(await world.refresh(token_of(granted)))
    new = world.sessions.beginning(world.alice.person_id, world.now)
    shown = repr((granted, refreshed, new, world.secrets, world.sealer, world.sessions))
    assert token_of(granted) not in shown
    assert refreshed.refresh_token not in shown
    assert new.cookie not in shown


async def test_an_answer_that_is_taken_back_gives_no_older_token_a_second_life(world: World) -> None:
    first = (await world.grant()).refresh_token or ""
    second = await world.refresh(first)
    assert isinstance(second, Refreshed)
    world.now += REFRESH.grace + 1
    third = await world.refresh(second.refresh_token)
    assert isinstance(third, Refreshed)
    await world.sessions.take_back(third)
    again = await world.refresh(second.refresh_token)
    assert isinstance(again, Refreshed)
    assert again.refresh_token == third.refresh_token
    await world.sessions.take_back(again)
    stolen = await world.refresh(first)
    assert isinstance(stolen, Refused)
    assert stolen.reason is RefusalReason.REUSE
