"""Keys and secrets at rest: sealed as JWE (RFC 7516) under a key that is not in the database."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from mintmark.authorization_server.keys.key_file import KeyFile, parse_keys
from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.storage.repositories import secrets as secret_rows
from mintmark.errors import ConfigurationError, MintmarkError
from mintmark.jose import jwe
from mintmark.jose.jwks import KeySet

__all__ = ["ENVIRONMENT_NAME", "KeyEncryption", "Sealer", "key_file_of", "open_sealer"]

ENVIRONMENT_NAME = "MINTMARK_KEY_ENCRYPTION_KEY"
_ENC = "A256GCM"


class Sealer(Protocol):
    """What a key management service would implement in place of the file."""

    def seal(self, plaintext: bytes) -> str:
        """Return text that only :meth:`open` of the same sealer turns back."""

    def open(self, sealed: str) -> bytes:
        """:raises ConfigurationError: sealed under another key, or damaged."""


class KeyEncryption:
    """Seals with the first of its keys and opens with any, so that the key-encryption key can be changed.

    :param keys: gives the ``A256KW`` keys, the newest first; asked each time, for a file may change.
    :param source: where they come from, for messages.
    """

    def __init__(self, keys: Callable[[], KeySet], *, source: str) -> None:
        self._keys = keys
        self._source = source
        keys()

    def __repr__(self) -> str:
        return f"<KeyEncryption from {self._source}>"

    def seal(self, plaintext: bytes) -> str:
        """Encrypt for rest."""
        return jwe.encrypt(plaintext, next(iter(self._keys())), enc=_ENC)

    def open(self, sealed: str) -> bytes:
        """Decrypt what :meth:`seal` made.

        :raises ConfigurationError: this is not the key that the database was sealed with.
        """
        try:
            return jwe.decrypt(sealed, self._keys()).plaintext
        except MintmarkError as error:
            raise ConfigurationError(
                f"The key-encryption key in {self._source} does not open this database's keys: put back "
                "the one that belongs to it."
            ) from error


def open_sealer(
    db: Database, *, key_file: Path | None = None, environ: Mapping[str, str] | None = None
) -> KeyEncryption:
    """Find the key-encryption key: in the environment, else in a file, which the first start makes.

    :param key_file: by default the database's path with ``.kek`` added; it must be said for PostgreSQL.
    :raises ConfigurationError: missing while the database holds sealed keys, readable by others, of another
        owner, or not a key. The message names the fix.
    """
    given = (os.environ if environ is None else environ).get(ENVIRONMENT_NAME)
    if given:
        keys = parse_keys(given.strip(), f"${ENVIRONMENT_NAME}")
        return KeyEncryption(lambda: keys, source=f"${ENVIRONMENT_NAME}")
    file = KeyFile(key_file_of(db, key_file))
    if not file.path.exists():
        # who seals has made the file before: another process may have done both since we looked
        if db.read_now(secret_rows.anything_sealed) and not file.path.exists():
            raise ConfigurationError(
                f"The key-encryption key {file.path} is missing, but the database {db.name} holds keys "
                "sealed with it: put the file back."
            )
        file.make()
    return KeyEncryption(file.keys, source=str(file.path))


def key_file_of(db: Database, key_file: Path | None = None) -> Path:
    """Where the key-encryption key is kept.

    :raises ConfigurationError: nobody says, and the database is not a file to keep it beside.
    """
    if key_file is not None:
        return key_file
    if db.path is not None:
        return db.path.with_name(db.path.name + ".kek")
    raise ConfigurationError(
        "Say where the key-encryption key is kept: set key_file (or $MINTMARK_KEY_FILE) to a file that the "
        f"first start makes, or ${ENVIRONMENT_NAME} to the key itself."
    )
