"""Sign-ins: the cookie that stands for one, how long it lives, and what ends with it."""

from __future__ import annotations

import pytest

from mintmark.authorization_server.people import NewPerson
from mintmark.authorization_server.sessions import Granted, Refreshed, RefusalReason, Refused
from mintmark.authorization_server.storage.repositories import status_lists
from mintmark.errors import ConfigurationError

from ..world import POLICY, World

pytestmark = pytest.mark.anyio


async def lives(world: World, granted: Granted) -> bool:
    outcome = await world.refresh(granted.refresh_token or "", client_id=granted.grant.client_id)
    return isinstance(outcome, Refreshed)


async def test_a_cookie_finds_its_sign_in_and_no_other_text_does(world: World) -> None:
    new = await world.new_sign_in(world.alice.person_id, world.now, amr=("pwd", "otp"), acr="2")
    assert await world.sessions.find_sign_in(new.cookie, world.now) == new.sign_in
    assert new.sign_in.amr == ("pwd", "otp")
    for other in ("", new.cookie[:-1], new.cookie + "A", new.sign_in.sid, "\ud800", "é"):
        assert await world.sessions.find_sign_in(other, world.now) is None


async def test_the_cookie_is_stored_as_a_digest(world: World) -> None:
    new = await world.new_sign_in(world.alice.person_id, world.now)
    await world.db.close()
    stored = b"".join(path.read_bytes() for path in world.db.path.parent.iterdir())
    assert new.cookie.encode() not in stored


async def test_a_sign_in_ends_when_idle_and_at_its_absolute_end(world: World) -> None:
    idle = await world.new_sign_in(world.alice.person_id, world.now)
    used = await world.new_sign_in(world.alice.person_id, world.now)
    began = world.now
    while world.now + 7000 < began + POLICY.sign_in_absolute:
        world.now += 7000
        assert await world.sessions.find_sign_in(used.cookie, world.now) is not None
    assert await world.sessions.find_sign_in(idle.cookie, world.now) is None
    world.now = began + POLICY.sign_in_absolute
    assert await world.sessions.find_sign_in(used.cookie, world.now) is None


async def test_signing_in_again_renews_the_cookie_and_keeps_the_sid(world: World) -> None:
    first = await world.new_sign_in(world.alice.person_id, world.now)
    world.now += 100
    second = await world.new_sign_in(world.alice.person_id, world.now, replacing=first.cookie)
    assert second.cookie != first.cookie
    assert second.sign_in.sid == first.sign_in.sid
    assert second.sign_in.auth_time == world.now
    assert await world.sessions.find_sign_in(first.cookie, world.now) is None
    assert await world.sessions.find_sign_in(second.cookie, world.now) == second.sign_in


async def test_somebody_else_in_the_same_browser_ends_the_sign_in_before(world: World) -> None:
    first = await world.new_sign_in(world.alice.person_id, world.now)
    granted = await world.grant(first.sign_in)
    bob = await world.people.create(NewPerson("bob"), world.now)
    second = await world.new_sign_in(bob.person_id, world.now, replacing=first.cookie)
    assert second.sign_in.sid != first.sign_in.sid
    assert await world.sessions.find_sign_in(first.cookie, world.now) is None
    assert world.denied() == [("sid", first.sign_in.sid)]
    assert not await lives(world, granted)


async def test_O11_sign_out_ends_the_sign_in_its_grants_and_its_tokens_but_not_offline_access(
    world: World,
) -> None:
    here, elsewhere = await world.sign_in(), await world.sign_in()
    app, phone = await world.grant(here), await world.grant(here, client_id="phone", scope="offline_access")
    other = await world.grant(elsewhere)
    ended = await world.sessions.sign_out(here.sid, world.now)
    assert [grant.grant_id for grant in ended] == [app.grant.grant_id]
    (entry,) = world.entries()
    assert (entry.kind, entry.value) == ("sid", here.sid)
    assert entry.exp == world.now + POLICY.access_token_lifetime + POLICY.skew
    assert not await lives(world, app)
    assert await lives(world, phone)
    assert await lives(world, other)
    refused = await world.refresh(app.refresh_token or "")
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.ENDED


async def test_signing_out_twice_or_from_nowhere_adds_nothing(world: World) -> None:
    sign_in = await world.sign_in()
    await world.sessions.sign_out(sign_in.sid, world.now)
    for sid in (sign_in.sid, "made-up", ""):
        assert await world.sessions.sign_out(sid, world.now) == ()
    assert len(world.entries()) == 1
    assert len(world.events("sign_out")) == 1


async def test_C8_ending_everything_of_a_person_includes_offline_access(world: World) -> None:
    here = await world.new_sign_in(world.alice.person_id, world.now)
    app, phone = await world.grant(here.sign_in), await world.grant(client_id="phone", scope="offline_access")
    ended = await world.sessions.end_person(world.alice.person_id, world.now, reason="password_changed")
    assert {grant.grant_id for grant in ended} == {app.grant.grant_id, phone.grant.grant_id}
    entry, *of_grants = world.entries()
    assert (entry.kind, entry.value, entry.before) == ("sub", world.alice.person_id, world.now)
    assert {(of.kind, of.value) for of in of_grants} == {("grant_id", grant.grant_id) for grant in ended}
    assert await world.sessions.find_sign_in(here.cookie, world.now) is None
    assert not await lives(world, app)
    assert not await lives(world, phone)


async def test_C8_an_account_closes_in_the_transaction_that_ends_everything(world: World) -> None:
    """A crash between the two would leave sessions to a closed account, or an account to nobody."""
    granted = await world.grant()
    alice = world.alice.person_id

    def broken(_: object) -> None:
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        await world.sessions.end_person(alice, world.now, reason="disabled", also=broken)
    assert await lives(world, granted)
    assert world.entries() == ()
    for unit in (
        world.people.disabling(alice, world.now),
        await world.people.changing_password(alice, "another calm phrase", world.now),
        removing := world.people.removing(alice, world.now),
    ):
        granted = await world.grant()
        await world.sessions.end_person(alice, world.now, reason="as said", also=unit)
        assert not await lives(world, granted)
        if unit is not removing:
            await world.people.enable(alice, world.now)
    assert await world.people.find(alice) is None
    for kind in ("person_disabled", "password_changed", "person_removed"):
        assert len(world.events(kind)) == 1, kind
    with pytest.raises(ConfigurationError, match="no such person"):
        await world.sessions.end_person(
            alice, world.now, reason="removed", also=world.people.removing(alice, world.now)
        )


async def test_C8_an_erased_persons_place_in_the_status_lists_is_invalid(world: World) -> None:
    granted = await world.grant()
    assert await world.sessions.give_status_index(granted.grant, 7) == 7
    unit = world.people.removing(world.alice.person_id, world.now)
    await world.sessions.end_person(world.alice.person_id, world.now, reason="removed", also=unit)
    invalid = await world.db.read(lambda c: status_lists.invalid_in(c, 0, world.now))
    assert invalid == {7}


async def test_C8_changing_the_password_may_spare_the_browser_in_which_it_was_changed(world: World) -> None:
    here = await world.new_sign_in(world.alice.person_id, world.now)
    there = await world.new_sign_in(world.alice.person_id, world.now)
    mine, foreign = await world.grant(here.sign_in), await world.grant(there.sign_in)
    await world.sessions.end_person(
        world.alice.person_id, world.now, reason="password_changed", except_sid=here.sign_in.sid
    )
    assert await world.sessions.find_sign_in(here.cookie, world.now) is not None
    assert await world.sessions.find_sign_in(there.cookie, world.now) is None
    assert world.denied() == [("grant_id", foreign.grant.grant_id)]
    assert await lives(world, mine)
    assert not await lives(world, foreign)
