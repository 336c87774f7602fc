"""The service's own secret, from which every symmetric key is derived: for refresh tokens, forms, cookies."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Self

from mintmark.authorization_server.keys.sealing import Sealer
from mintmark.authorization_server.storage import Connection, Database
from mintmark.authorization_server.storage.repositories import secrets as rows
from mintmark.errors import ConfigurationError, MintmarkError
from mintmark.jose.encoding import b64url_decode, b64url_encode, json_encode, json_object

__all__ = ["MacKey", "ServerSecrets", "random_text"]

_NAME = "root"
_SIZE = 32


class ServerSecrets:
    """Keys by purpose, the same on every start and in every process of one database."""

    def __init__(self, root: bytes) -> None:
        self._root = root

    def __repr__(self) -> str:
        return "<ServerSecrets>"

    @classmethod
    def load(cls, db: Database, sealer: Sealer, now: float = 0.0) -> Self:
        """Open the root secret; the first start makes it. Blocks; for start-up.

        :raises ConfigurationError: it was sealed under another key-encryption key.
        """
        sealed = db.read_now(lambda connection: rows.get(connection, _NAME))
        return cls(_open(sealer, sealed if sealed is not None else _make(db, sealer, now)))

    def key(self, purpose: str) -> bytes:
        """Return 32 bytes for that purpose: HKDF-Expand (RFC 5869 2.3), one block, the root being uniform."""
        info = b"mintmark " + purpose.encode()
        return hmac.new(self._root, info + b"\x01", hashlib.sha256).digest()


class MacKey:
    """A key for HMAC-SHA-256, set up once."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")

    def __repr__(self) -> str:
        return "<MacKey>"

    def mac(self, message: bytes) -> bytes:
        """Return the 32 bytes for a message."""
        keyed = self._keyed.copy()
        keyed.update(message)
        return keyed.digest()


def random_text(size: int) -> str:
    """So many random bytes in base64url: nobody guesses it, and cookies, forms and addresses can hold it."""
    return b64url_encode(os.urandom(size))


def _make(db: Database, sealer: Sealer, now: float) -> str:
    root = os.urandom(_SIZE)
    fresh = sealer.seal(json_encode({"name": _NAME, "secret": b64url_encode(root)}))

    def insert(connection: Connection) -> str:
        there = rows.get(connection, _NAME)  # another process may have been first
        if there is None:
            rows.insert(connection, _NAME, fresh, now)
        return there or fresh

    return db.write_now(insert)


def _open(sealer: Sealer, sealed: str) -> bytes:
    try:
        content = json_object(sealer.open(sealed))
        root = b64url_decode(str(content.get("secret", "")), what="secret")
    except MintmarkError as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(
            "The service's secret in the database is damaged: restore a backup."
        ) from error
    if content.get("name") != _NAME or len(root) != _SIZE:
        raise ConfigurationError("The service's secret in the database is damaged: restore a backup.")
    return root
