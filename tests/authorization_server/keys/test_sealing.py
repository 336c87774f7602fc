"""The key-encryption key: made once, private, and refused with the fix in one line when it is not."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

import pytest

from mintmark.authorization_server.keys import ServerSecrets, open_sealer
from mintmark.authorization_server.keys.sealing import ENVIRONMENT_NAME, KeyEncryption
from mintmark.authorization_server.storage import Database
from mintmark.errors import ConfigurationError
from mintmark.jose.encoding import b64url_encode
from mintmark.jose.jwk import Key


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    db = Database.open(f"sqlite:///{tmp_path / 'mint mark.db'}")
    yield db
    db.close_now()


def sealer_of(db: Database, environ: dict[str, str] | None = None) -> KeyEncryption:
    return open_sealer(db, environ=environ or {})


def refusal(db: Database, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as refused:
        sealer_of(db, environ)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def kek(db: Database) -> Path:
    return db.path.with_name(db.path.name + ".kek")


def test_O20_the_first_start_makes_a_private_file_beside_the_database(db: Database) -> None:
    sealed = sealer_of(db).seal(b"secret")
    assert stat.S_IMODE(kek(db).stat().st_mode) == 0o600
    assert sealer_of(db).open(sealed) == b"secret"
    assert {path.name for path in db.path.parent.iterdir() if "kek" in path.name} == {kek(db).name}


def test_the_root_secret_is_stable_and_keys_differ_by_purpose(db: Database) -> None:
    first, again = (ServerSecrets.load(db, sealer_of(db)) for _ in range(2))
    assert first.key("csrf") == again.key("csrf")
    assert len(first.key("csrf")) == 32
    assert first.key("csrf") != first.key("refresh token")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o610])
def test_rights_for_others_are_refused_and_the_fix_is_named(db: Database, mode: int) -> None:
    sealer_of(db)
    kek(db).chmod(mode)
    assert f"chmod 600 {quote(str(kek(db)))}" in refusal(db)
    kek(db).chmod(0o600)
    sealer_of(db)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_owner_is_refused(db: Database) -> None:
    sealer_of(db)
    os.chown(kek(db), 12345, 12345)
    assert "chown" in refusal(db)


def test_a_lost_file_is_not_replaced_while_it_is_needed(db: Database) -> None:
    ServerSecrets.load(db, sealer_of(db))
    kek(db).rename(kek(db).with_name("elsewhere"))
    assert "put the file back" in refusal(db)
    assert not kek(db).exists()


def test_a_wrong_file_does_not_open_the_secrets(db: Database) -> None:
    ServerSecrets.load(db, sealer_of(db))
    kek(db).unlink()
    kek(db).write_text(b64url_encode(b"x" * 32))
    kek(db).chmod(0o600)
    with pytest.raises(ConfigurationError, match="put back the one"):
        ServerSecrets.load(db, sealer_of(db))


@pytest.mark.parametrize(
    "content", ["", "{", "{}", '{"keys": []}', "AAAA", "not base64!", "\x00", "é", '{"kty":"oct"}']
)
def test_a_damaged_file_is_refused(db: Database, content: str) -> None:
    kek(db).write_text(content)
    kek(db).chmod(0o600)
    message = refusal(db)
    assert str(kek(db)) in message


def test_something_that_is_no_file_is_refused(db: Database) -> None:
    kek(db).mkdir(mode=0o700)
    assert str(kek(db)) in refusal(db)


def test_the_environment_goes_before_the_file(db: Database) -> None:
    key = Key.generate("A256KW")
    for text in (b64url_encode(b"k" * 32), key.to_jwk(private=True), {"keys": [key.to_jwk(private=True)]}):
        value = text if isinstance(text, str) else json.dumps(text)
        sealer = sealer_of(db, {ENVIRONMENT_NAME: value})
        assert sealer.open(sealer.seal(b"secret")) == b"secret"
        assert ENVIRONMENT_NAME in repr(sealer)
        assert value not in repr(sealer)
    assert not kek(db).exists()
    assert ENVIRONMENT_NAME in refusal(db, {ENVIRONMENT_NAME: "short"})


def _start(path: str) -> bytes:
    db = Database.open(f"sqlite:///{path}")
    try:
        return ServerSecrets.load(db, open_sealer(db, environ={})).key("x")
    finally:
        db.close_now()


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(_start, [str(tmp_path / "x.db")] * 4)
    assert len(set(found)) == 1
