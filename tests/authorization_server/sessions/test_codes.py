"""Authorization codes: bound to everything, used once, and a replay costs only what that code gave."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from mintmark.authorization_server.sessions import Granted, Refreshed, RefusalReason, Refused
from mintmark.authorization_server.storage import Conflict
from mintmark.authorization_server.storage.records import Grant

from ..world import VERIFIER, World

pytestmark = pytest.mark.anyio


async def code_of(world: World, **changes: str) -> str:
    return await world.sessions.create_code(world.request(await world.sign_in(), **changes), world.now)


def reason(outcome: Granted | Refused) -> RefusalReason:
    assert isinstance(outcome, Refused), outcome
    return outcome.reason


async def test_a_code_gives_the_grant_that_was_asked_for(world: World) -> None:
    sign_in = await world.sign_in()
    code = await world.sessions.create_code(world.request(sign_in), world.now)
    assert code.startswith("mmc_")
    granted = await world.redeem(code, redirect_uri="https://app.example/callback")
    assert isinstance(granted, Granted)
    assert granted.person == world.alice
    assert granted.grant.sid == granted.grant.token_sid == sign_in.sid
    assert granted.grant.scope == ("openid", "orders")
    assert granted.grant.resources == ("orders", "billing")
    assert granted.grant.nonce == "n"
    assert granted.grant.auth_time == sign_in.auth_time


@pytest.mark.parametrize(
    ("row", "changes", "expected"),
    [
        ("B8", {"client_id": "other"}, RefusalReason.WRONG_CLIENT),
        ("B12", {"redirect_uri": "https://app.example/callback/"}, RefusalReason.REDIRECT_URI_MISMATCH),
        ("B10", {"code_verifier": "w" * 43}, RefusalReason.VERIFIER_MISMATCH),
        ("B9", {"code_verifier": ""}, RefusalReason.VERIFIER_MISMATCH),
        ("A19", {"code_verifier": "v" * 42}, RefusalReason.VERIFIER_MISMATCH),
        ("A19", {"code_verifier": "v" * 129}, RefusalReason.VERIFIER_MISMATCH),
        ("A19", {"code_verifier": "é" * 43}, RefusalReason.VERIFIER_MISMATCH),
    ],
)
async def test_O4_a_wrong_use_is_refused_and_does_not_use_the_code_up(
    world: World, row: str, changes: dict[str, str], expected: RefusalReason
) -> None:
    code = await code_of(world)
    assert reason(await world.redeem(code, **changes)) is expected
    assert isinstance(await world.redeem(code), Granted), row


async def test_an_unknown_code_is_refused(world: World) -> None:
    for code in ("", "mmc_", "mmc_" + "A" * 43, "\ud800", "x" * 1_000_000):
        assert reason(await world.redeem(code)) is RefusalReason.UNKNOWN


async def test_B7_a_code_lives_a_minute(world: World) -> None:
    in_time, late = await code_of(world), await code_of(world)
    world.now += 59.9
    assert isinstance(await world.redeem(in_time), Granted)
    world.now += 0.1
    assert reason(await world.redeem(late)) is RefusalReason.CODE_EXPIRED


async def test_B6_simultaneous_uses_give_exactly_one_grant(world: World) -> None:
    """All come from whoever holds the verifier: RFC 6749 4.1.2 then ends what the one use gave."""
    code = await code_of(world)
    outcomes = await asyncio.gather(*(world.redeem(code) for _ in range(20)))
    assert [isinstance(outcome, Granted) for outcome in outcomes].count(True) == 1
    assert {reason(o) for o in outcomes if isinstance(o, Refused)} == {RefusalReason.CODE_REPLAYED}


async def test_B4_a_replay_with_the_right_verifier_ends_the_grant_which_that_code_gave(world: World) -> None:
    sign_in = await world.sign_in()
    other = await world.grant(sign_in)
    code = await world.sessions.create_code(world.request(sign_in), world.now)
    granted = await world.redeem(code)
    assert isinstance(granted, Granted)
    world.now += 1800  # long after the code's own end
    assert reason(await world.redeem(code)) is RefusalReason.CODE_REPLAYED
    assert world.denied() == [("grant_id", granted.grant.grant_id)]
    assert isinstance(await world.refresh(granted.refresh_token or ""), Refused)
    (notice,) = await world.sessions.notices(world.alice.person_id)
    assert notice.kind == "code_replay"
    world.now -= 1000
    assert isinstance(await world.refresh(other.refresh_token or ""), Refreshed)


async def test_B5_a_replay_with_a_wrong_verifier_changes_nothing(world: World) -> None:
    code = await code_of(world)
    granted = await world.redeem(code)
    assert isinstance(granted, Granted)
    for changes in (
        {"code_verifier": "w" * 43},
        {"client_id": "other"},
        {"redirect_uri": "https://evil.example"},
    ):
        assert isinstance(await world.redeem(code, **changes), Refused)
    assert world.denied() == []
    assert isinstance(await world.refresh(granted.refresh_token or ""), Refreshed)


async def test_a_code_of_a_sign_in_that_has_ended_is_worth_nothing(world: World) -> None:
    sign_in = await world.sign_in()
    code = await world.sessions.create_code(world.request(sign_in), world.now)
    await world.sessions.sign_out(sign_in.sid, world.now)
    assert reason(await world.redeem(code)) is RefusalReason.SIGNED_OUT


async def test_a_code_of_a_disabled_person_is_worth_nothing(world: World) -> None:
    code = await code_of(world)
    await world.db.write(world.people.disabling(world.alice.person_id, world.now))
    assert reason(await world.redeem(code)) is RefusalReason.PERSON_DISABLED


async def test_a_client_without_the_refresh_grant_gets_no_refresh_token(world: World) -> None:
    granted = await world.redeem(await code_of(world), refresh=None)
    assert isinstance(granted, Granted)
    assert granted.refresh_token is None
    forged = world.sessions._token(granted.grant)  # even the genuine text would not do
    refused = await world.refresh(forged)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.UNKNOWN


async def test_codes_are_stored_as_digests(world: World) -> None:
    code = await code_of(world)
    await world.redeem(code)
    await world.db.close()
    stored = b"".join(path.read_bytes() for path in world.db.path.parent.iterdir())
    assert code.encode() not in stored
    assert code.removeprefix("mmc_").encode() not in stored
    assert VERIFIER.encode() not in stored


async def test_an_offline_grant_carries_no_sid_into_tokens(world: World) -> None:
    granted = await world.grant(scope="openid offline_access")
    grant: Grant = granted.grant
    assert grant.offline
    assert grant.sid is not None
    assert grant.token_sid is None


class RefusedError(Exception):
    """Raised by a unit of work."""


def refuse(_: object) -> None:
    raise RefusedError


async def test_a_sign_in_and_its_code_are_written_together_or_not_at_all(world: World) -> None:
    alice = world.alice.person_id
    for_nobody = world.sessions.beginning(alice, world.now)
    with pytest.raises(Conflict):
        await world.sessions.create_code(
            replace(world.request(for_nobody.sign_in), person_id="nobody"), world.now, beginning=for_nobody
        )
    refused = world.sessions.beginning(alice, world.now, also=refuse)
    with pytest.raises(RefusedError):
        await world.sessions.create_code(world.request(refused.sign_in), world.now, beginning=refused)
    for beginning in (for_nobody, refused):
        assert await world.sessions.find_sign_in(beginning.cookie, world.now) is None
    assert not world.events("sign_in")

    good = world.sessions.beginning(alice, world.now)
    code = await world.sessions.create_code(world.request(good.sign_in), world.now, beginning=good)
    assert await world.sessions.find_sign_in(good.cookie, world.now) == good.sign_in
    assert isinstance(await world.redeem(code), Granted)
