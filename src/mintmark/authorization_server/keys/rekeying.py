"""Change the key-encryption key while the service runs: first both keys, then one.

1. :func:`change_key_encryption_key` writes a new key in front of the old one, and seals everything anew.
   Processes that run read the file again when it changes: they open both kinds, and seal with the new key.
2. :func:`forget_old_keys`, later, drops the old keys from the file, once nothing needs them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mintmark.authorization_server.keys.key_file import KeyFile, new_key
from mintmark.authorization_server.keys.sealing import KeyEncryption, Sealer, key_file_of
from mintmark.authorization_server.storage import Connection, Database
from mintmark.authorization_server.storage.repositories import secrets as secret_rows
from mintmark.authorization_server.storage.repositories import signing_keys as key_rows
from mintmark.errors import ConfigurationError
from mintmark.jose.jwks import KeySet

__all__ = ["change_key_encryption_key", "forget_old_keys", "reseal"]


def change_key_encryption_key(db: Database, *, key_file: Path | None = None) -> int:
    """Put a new key in front of the file's, seal everything with it, and return how many things that were.

    :raises ConfigurationError: the file cannot be read or written, or does not open the database.
    """
    file = KeyFile(key_file_of(db, key_file))
    file.write([new_key(), *file.keys()])
    return reseal(db, KeyEncryption(file.keys, source=str(file.path)))


def reseal(db: Database, sealer: Sealer) -> int:
    """Open and seal again all that is sealed, in one transaction; return how many things that were.

    For keys from the environment, or from a key management service: those are changed outside.
    """

    def again(sealed: str) -> str:
        return sealer.seal(sealer.open(sealed))

    return db.write_now(lambda connection: _each_sealed(connection, again))


def forget_old_keys(db: Database, *, key_file: Path | None = None) -> int:
    """Keep only the newest key in the file; return how many were dropped.

    :raises ConfigurationError: something is still sealed with an old one.
    """
    file = KeyFile(key_file_of(db, key_file))
    newest, *old = file.keys()
    alone = KeyEncryption(lambda: KeySet([newest]), source=f"the newest key of {file.path}")

    def check(sealed: str) -> str:
        alone.open(sealed)
        return sealed

    try:
        db.write_now(lambda connection: _each_sealed(connection, check))
    except ConfigurationError as error:
        raise ConfigurationError(
            f"Something is still sealed with an old key of {file.path}: change the key-encryption key first."
        ) from error
    file.write([newest])
    return len(old)


def _each_sealed(connection: Connection, change: Callable[[str], str]) -> int:
    """Pass everything sealed through ``change``."""
    count = 0
    for record, sealed in key_rows.every(connection):
        if sealed is not None:
            key_rows.reseal(connection, record.kid, change(sealed))
            count += 1
    for name, sealed in secret_rows.every(connection):
        secret_rows.reseal(connection, name, change(sealed))
        count += 1
    return count
