"""Keys and secrets at rest: sealed as JWE (RFC 7516) under a key that is not in the database."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from mintmark.errors import ConfigurationError, MintmarkError
from mintmark.jose import jwe
from mintmark.jose.encoding import b64url_decode, json_encode, json_object
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

from ..storage import Database
from ..storage.repositories import secrets as secret_rows

__all__ = ["ENVIRONMENT_NAME", "KeyEncryption", "Sealer", "open_sealer"]

ENVIRONMENT_NAME = "MINTMARK_KEY_ENCRYPTION_KEY"
_ALG = "A256KW"
_ENC = "A256GCM"


class Sealer(Protocol):
    """What a key management service would implement in place of the file."""

    def seal(self, plaintext: bytes) -> str:
        """Return text that only :meth:`open` of the same sealer turns back."""

    def open(self, sealed: str) -> bytes:
        """:raises ConfigurationError: sealed under another key, or damaged."""


class KeyEncryption:
    """Seals with the first of its keys and opens with any, so that the key-encryption key can be changed.

    :param keys: ``A256KW`` keys, the newest first.
    :param source: where they came from, for messages.
    """

    def __init__(self, keys: KeySet, *, source: str) -> None:
        if not len(keys):
            raise ConfigurationError(f"{source} holds no key-encryption key.")
        if any(key.alg != _ALG for key in keys):
            raise ConfigurationError(f"{source} must hold {_ALG} keys only.")
        self._keys = keys
        self._newest = next(iter(keys))
        self._source = source

    def __repr__(self) -> str:
        return f"<KeyEncryption from {self._source}>"

    def seal(self, plaintext: bytes) -> str:
        """Encrypt for rest."""
        return jwe.encrypt(plaintext, self._newest, enc=_ENC)

    def open(self, sealed: str) -> bytes:
        """Decrypt what :meth:`seal` made.

        :raises ConfigurationError: this is not the key that the database was sealed with.
        """
        try:
            return jwe.decrypt(sealed, self._keys).plaintext
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
        return KeyEncryption(_parse(given.strip(), f"${ENVIRONMENT_NAME}"), source=f"${ENVIRONMENT_NAME}")
    path = key_file or (db.path and db.path.with_name(db.path.name + ".kek"))
    if path is None:
        raise ConfigurationError(
            f"Say where the key-encryption key is kept: set ${ENVIRONMENT_NAME}, or name a file for it."
        )
    if not path.exists():
        if db.read_now(secret_rows.anything_sealed):
            raise ConfigurationError(
                f"The key-encryption key {path} is missing, but the database {db.name} holds keys sealed "
                "with it: put the file back."
            )
        _make_file(path)
    return KeyEncryption(_parse(_read_private(path), str(path)), source=str(path))


def _parse(text: str, source: str) -> KeySet:
    """A JWK set, one JWK, or 32 bytes in base64url."""
    try:
        if not text.startswith("{"):
            return KeySet([Key.from_secret(b64url_decode(text, what="key-encryption key"), alg=_ALG)])
        data = json_object(text)
        return KeySet.from_jwks(data) if "keys" in data else KeySet([Key.from_jwk(data, alg=_ALG)])
    except MintmarkError as error:
        raise ConfigurationError(
            f"{source} is not a key-encryption key: give a JWK, a JWK set, or 32 bytes in base64url."
        ) from error


def _make_file(path: Path) -> None:
    """Write a new key, 0600 from the first moment; of two processes, one file wins whole."""
    # A random kid: the default, a thumbprint, would be a digest of the secret (RFC 7638 7).
    key = Key.from_secret(secrets.token_bytes(32), alg=_ALG, kid=f"kek-{secrets.token_hex(8)}")
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.write(descriptor, json_encode({"keys": [key.to_jwk(private=True)]}) + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
        _sync_directory(path.parent)
    except OSError as error:
        raise ConfigurationError(
            f"The key-encryption key {path} cannot be written: {error.strerror}."
        ) from error


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_private(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ConfigurationError(f"The key-encryption key {path} is not a file.")
            if status.st_uid != os.geteuid():
                raise ConfigurationError(
                    f"The key-encryption key {path} belongs to another user: chown {os.geteuid()} {path}"
                )
            if stat.S_IMODE(status.st_mode) & 0o077:
                raise ConfigurationError(
                    f"The key-encryption key {path} can be read by others: chmod 600 {path}"
                )
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigurationError(f"The key-encryption key {path} cannot be read: {reason}.") from error
