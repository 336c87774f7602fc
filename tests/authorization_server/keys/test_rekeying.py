"""Changing the key-encryption key while processes run: at every moment everything can be opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mintmark.authorization_server.keys import (
    KeyPolicy,
    ServerSecrets,
    SigningKeys,
    change_key_encryption_key,
    forget_old_keys,
    open_sealer,
    reseal,
)
from mintmark.authorization_server.keys.key_file import KeyFile, new_key
from mintmark.authorization_server.revocation import DenyLog
from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.storage.repositories import secrets as rows
from mintmark.errors import ConfigurationError

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000.0


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    db = Database.open(f"sqlite:///{tmp_path / 'x.db'}")
    yield db
    db.close_now()


def kek(db: Database) -> Path:
    assert db.path is not None
    return db.path.with_name("x.db.kek")


async def started(db: Database) -> SigningKeys:
    keys = SigningKeys(db, open_sealer(db, environ={}), KeyPolicy(algs=("ES256",)), DenyLog(db))
    await keys.start(NOW)
    return keys


async def test_the_key_is_changed_while_a_process_runs(db: Database) -> None:
    running = await started(db)
    secret = ServerSecrets.load(db, open_sealer(db, environ={})).key("x")
    before = kek(db).read_text()
    assert change_key_encryption_key(db) == 2  # the signing key and the root secret
    assert kek(db).read_text() != before
    assert len(KeyFile(kek(db)).keys()) == 2
    await running.revoke(running.current("ES256").kid, NOW)  # seals with the new key from now on
    assert forget_old_keys(db) == 1
    assert len(KeyFile(kek(db)).keys()) == 1
    assert ServerSecrets.load(db, open_sealer(db, environ={})).key("x") == secret
    assert (await started(db)).current("ES256") == running.current("ES256")
    assert kek(db).stat().st_mode & 0o777 == 0o600
    assert len(list(kek(db).parent.glob("*kek*"))) == 1  # no drafts


async def test_an_old_key_that_is_needed_is_not_forgotten(db: Database) -> None:
    await started(db)
    file = KeyFile(kek(db))
    file.write([new_key(), *file.keys()])  # but nothing was sealed anew
    with pytest.raises(ConfigurationError, match="still sealed"):
        forget_old_keys(db)
    assert len(file.keys()) == 2
    assert reseal(db, open_sealer(db, environ={})) == 1
    assert forget_old_keys(db) == 1


async def test_after_the_change_the_old_key_opens_nothing(db: Database) -> None:
    await started(db)
    old = kek(db).read_text()
    change_key_encryption_key(db)
    forget_old_keys(db)
    kek(db).write_text(old)
    with pytest.raises(ConfigurationError, match="does not open"):
        await started(db)


async def test_a_change_that_cannot_open_everything_changes_nothing(db: Database) -> None:
    await started(db)
    await db.write(lambda c: rows.insert(c, "root", "damaged", NOW))
    with pytest.raises(ConfigurationError):
        change_key_encryption_key(db)
    assert await db.read(lambda c: rows.get(c, "root")) == "damaged"
    assert (await started(db)).current("ES256").is_private  # the file still holds the old key as well


async def test_a_running_process_survives_trouble_with_the_file(db: Database) -> None:
    await started(db)
    sealer = open_sealer(db, environ={})
    sealed = sealer.seal(b"secret")
    good = kek(db).read_text()
    for spoil in (lambda: kek(db).chmod(0o644), lambda: kek(db).write_text("{"), kek(db).unlink):
        spoil()
        assert sealer.open(sealed) == b"secret"
        assert sealer.open(sealer.seal(b"more")) == b"more"
    kek(db).write_text(good)
    kek(db).chmod(0o600)
    assert open_sealer(db, environ={}).open(sealed) == b"secret"


def test_a_key_that_another_process_makes_while_we_look_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It makes the file and seals with it between our look for the file and our question to the database."""
    db = Database.open(f"sqlite:///{tmp_path / 'x.db'}")

    def sealed_meanwhile(_: object) -> bool:
        KeyFile(tmp_path / "x.db.kek").make()
        return True

    monkeypatch.setattr(rows, "anything_sealed", sealed_meanwhile)
    sealer = open_sealer(db, environ={})
    assert sealer.open(sealer.seal(b"secret")) == b"secret"
    db.close_now()
