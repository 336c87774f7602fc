"""The driver: keys that appear, sign, retire and vanish, among processes, and in an emergency."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest

from mintmark.authorization_server.keys import KeyEncryption, KeyPolicy, SigningKeys
from mintmark.authorization_server.revocation import DenyLog
from mintmark.authorization_server.storage import Database, StorageUnavailable
from mintmark.authorization_server.storage.records import KeyState
from mintmark.authorization_server.storage.repositories import signing_keys as rows
from mintmark.errors import ConfigurationError, MintmarkError
from mintmark.jose import jws
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

from ..world import World

pytestmark = pytest.mark.anyio

DAY = 86400.0
POLICY = KeyPolicy(algs=("ES256", "EdDSA"))


async def started(world: World, policy: KeyPolicy = POLICY) -> SigningKeys:
    keys = SigningKeys(world.db, world.sealer, policy, world.deny_log)
    await keys.start(world.now)
    return keys


async def test_P8_the_first_start_makes_a_key_for_each_algorithm_and_the_next_finds_them(
    world: World,
) -> None:
    first = await started(world)
    again = await started(world)
    for alg in POLICY.algs:
        assert first.current(alg).alg == alg
        assert first.current(alg).is_private
        assert again.current(alg) == first.current(alg)
    assert again.public_jwks() == first.public_jwks()


async def test_E4_the_published_set_holds_no_private_member(world: World) -> None:
    jwks = (await started(world, KeyPolicy(algs=("ES256", "RS256", "EdDSA")))).public_jwks()
    assert len(jwks["keys"]) == 3
    assert len({key["kid"] for key in jwks["keys"]}) == 3
    for key in jwks["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & key.keys()
        assert {"kid", "alg", "use"} <= key.keys()


async def test_O20_private_keys_are_sealed_on_disk(world: World) -> None:
    keys = await started(world)
    private = keys.current("ES256").to_jwk(private=True)["d"]
    for _, sealed in await world.db.read(rows.every):
        assert sealed is not None
        assert sealed.count(".") == 4  # a compact JWE
    await world.db.close()
    stored = b"".join(path.read_bytes() for path in world.db.path.parent.iterdir())
    assert private.encode() not in stored


async def test_P8_cut_off_from_the_database_a_key_that_was_due_to_go_signs_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has retired it meanwhile: what we would go on signing would soon verify nowhere."""
    keys = await started(world)
    old = keys.current("ES256")
    world.now += 29 * DAY
    await keys.tick(world.now)

    async def away(work: object) -> None:
        raise StorageUnavailable("away")

    with monkeypatch.context() as outage:
        outage.setattr(world.db, "write", away)
        for seconds, signs in ((DAY + 14.0, True), (1.0, False)):
            world.now += seconds
            with pytest.raises(StorageUnavailable):
                await keys.tick(world.now)
            if signs:
                assert keys.current("ES256") == old
        with pytest.raises(StorageUnavailable, match="due to be replaced"):
            keys.current("ES256")
    await keys.tick(world.now)
    assert keys.current("ES256") != old


async def test_P8_a_key_is_published_before_it_signs_and_verifies_after_it_has_signed(world: World) -> None:
    keys = await started(world)
    old = keys.current("ES256")
    token = jws.sign(b"payload", old)
    world.now += 29 * DAY
    done = await keys.tick(world.now)
    assert {line.split()[0] for line in done} == {"key_next"}
    assert keys.current("ES256") == old
    following = {record.kid for record in keys.timeline() if record.state is KeyState.NEXT}
    assert following <= {key["kid"] for key in keys.public_jwks()["keys"]}
    world.now += DAY
    await keys.tick(world.now)
    assert keys.current("ES256").kid in following
    assert jws.verify(token, keys.public_keys()).payload == b"payload"
    sealed = {record.kid: sealed for record, sealed in await world.db.read(rows.every)}
    assert sealed[old.kid] is None  # the private half is destroyed
    world.now += 630
    assert f"key_gone {old.kid}" in await keys.tick(world.now)
    with pytest.raises(MintmarkError):
        jws.verify(token, keys.public_keys())
    assert await keys.tick(world.now) == ()


async def test_rotation_by_hand_stages_the_next_key_once(world: World) -> None:
    keys = await started(world)
    staged = await keys.rotate("ES256", world.now)
    again = await keys.rotate("ES256", world.now + 60)
    assert staged == again
    assert [record.activates_at for record in staged] == [world.now + DAY]
    assert {record.alg for record in await keys.rotate(None, world.now + 70)} == {"ES256", "EdDSA"}
    assert keys.jwks_max_age(world.now) == 3600
    with pytest.raises(ConfigurationError, match="HS256"):
        await keys.rotate("HS256", world.now)


async def test_among_processes_one_rotates_and_the_others_follow(world: World, tmp_path: Path) -> None:
    one = await started(world)
    other_db = Database.open(f"sqlite:///{world.db.path}")
    other_log = DenyLog(other_db)
    other = SigningKeys(other_db, world.sealer, POLICY, other_log)
    await other.start(world.now)
    assert other.public_jwks() == one.public_jwks()
    for step in (29 * DAY, DAY):
        world.now += step
        await asyncio.gather(one.tick(world.now), other.tick(world.now))
        await one.tick(world.now)
        await other.tick(world.now)
        assert one.timeline() == other.timeline()
        assert one.current("ES256") == other.current("ES256")
        states = [record.state for record in one.timeline() if record.alg == "ES256"]
        assert states.count(KeyState.CURRENT) == 1
        assert states.count(KeyState.NEXT) <= 1
    await other_db.close()


async def test_P8_revoking_the_current_key_replaces_it_at_once_and_tells_verifiers(world: World) -> None:
    keys = await started(world)
    bad = keys.current("ES256")
    record = await keys.revoke(bad.kid, world.now, reason="laptop stolen")
    assert record.state is KeyState.REVOKED
    assert keys.current("ES256") != bad
    assert bad.kid not in {key["kid"] for key in keys.public_jwks()["keys"]}
    (entry,) = world.entries()
    assert (entry.kind, entry.value) == ("kid", bad.kid)
    assert entry.exp >= world.now + DAY  # no verifier may still hold the key then
    assert await keys.revoke(bad.kid, world.now) == record
    assert len(world.entries()) == 1
    (event,) = world.events("key_revoked")
    assert event.details == {"kid": bad.kid, "reason": "laptop stolen"}
    sealed = {record.kid: sealed for record, sealed in await world.db.read(rows.every)}
    assert sealed[bad.kid] is None


async def test_revoking_the_current_key_prefers_the_key_that_verifiers_have_seen(
    world: World,
) -> None:
    keys = await started(world)
    (following,) = await keys.rotate("ES256", world.now)
    await keys.revoke(keys.current("ES256").kid, world.now + 60)
    assert keys.current("ES256").kid == following.kid


async def test_revoking_a_key_that_does_not_sign_leaves_the_current_one(world: World) -> None:
    keys = await started(world)
    current = keys.current("ES256")
    (following,) = await keys.rotate("ES256", world.now)
    await keys.revoke(following.kid, world.now)
    assert keys.current("ES256") == current
    assert world.denied() == [("kid", following.kid)]
    with pytest.raises(ConfigurationError, match="no signing key"):
        await keys.revoke("unheard-of", world.now)


async def test_a_late_schedule_is_an_alarm_in_log_health_and_trail(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    keys = await started(world)
    world.now += 29 * DAY + 3600
    assert keys.late(world.now) == 0.0
    world.now += 1
    assert keys.late(world.now) == 3601.0
    with caplog.at_level(logging.ERROR, "mintmark.keys"):
        await keys.tick(world.now)
    assert "late" in caplog.text
    (event,) = world.events("keys_late")
    assert event.details == {"seconds": 3601}
    assert keys.late(world.now) == 0.0


async def test_another_key_encryption_key_is_refused_in_one_line(world: World) -> None:
    await started(world)
    wrong = KeySet([Key.generate("A256KW")])
    other = KeyEncryption(lambda: wrong, source="other.kek")
    keys = SigningKeys(world.db, other, POLICY, world.deny_log)
    with pytest.raises(ConfigurationError, match=r"other\.kek does not open"):
        await keys.start(world.now)


async def test_a_key_that_was_exchanged_in_the_database_is_refused(world: World) -> None:
    """Sealed text moved from one row to another, by somebody who can write the database but not open it."""
    keys = await started(world)
    es, ed = keys.current("ES256").kid, keys.current("EdDSA").kid
    sealed = {record.kid: sealed for record, sealed in await world.db.read(rows.every)}
    await world.db.write(lambda c: rows.reseal(c, es, sealed[ed] or ""))
    with pytest.raises(ConfigurationError, match="not the one that was published"):
        await started(world)


async def test_the_timeline_shows_no_secret(world: World) -> None:
    keys = await started(world)
    private = [keys.current(alg).to_jwk(private=True)["d"] for alg in POLICY.algs]
    shown = repr(keys.timeline()) + repr(keys) + json.dumps(keys.public_jwks())
    assert not any(secret in shown for secret in private)
