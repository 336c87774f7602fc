"""The key-encryption key as a file: private, written whole or not at all, read again when it changes."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path
from shlex import quote

from mintmark.authorization_server.storage.files import put_in_place, sync
from mintmark.errors import ConfigurationError, MintmarkError
from mintmark.jose.encoding import b64url_decode, json_encode, json_object
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

__all__ = ["KeyFile", "new_key", "parse_keys"]

_ALG = "A256KW"


def new_key() -> Key:
    """A new key-encryption key, under a random ``kid``: a thumbprint would be a digest of it (RFC 7638 7)."""
    return Key.from_secret(secrets.token_bytes(32), alg=_ALG, kid=f"kek-{secrets.token_hex(8)}")


def parse_keys(text: str, source: str) -> KeySet:
    """Read a JWK set (the newest key first), one JWK, or 32 bytes in base64url.

    :param source: what messages call it.
    :raises ConfigurationError: something else, or not for ``A256KW``.
    """
    try:
        if not text.startswith("{"):
            keys = KeySet([Key.from_secret(b64url_decode(text, what="key-encryption key"), alg=_ALG)])
        else:
            data = json_object(text)
            keys = KeySet.from_jwks(data) if "keys" in data else KeySet([Key.from_jwk(data, alg=_ALG)])
    except MintmarkError as error:
        raise ConfigurationError(
            f"{source} is not a key-encryption key: give a JWK, a JWK set, or 32 bytes in base64url."
        ) from error
    if not len(keys) or any(key.alg != _ALG for key in keys):
        raise ConfigurationError(f"{source} must hold {_ALG} keys, at least one and no others.")
    return keys


class KeyFile:
    """One file of keys, 0600, of this process's user."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._keys: KeySet | None = None

    def keys(self) -> KeySet:
        """Return what the file holds now. Once it has been read, trouble with it leaves what was read.

        :raises ConfigurationError: unreadable, of another owner, readable by others, or not keys.
        """
        try:
            status = self.path.stat()
        except OSError as error:
            if self._keys is not None:
                return self._keys
            raise self._unreadable(error) from error
        seen = (status.st_ino, status.st_mtime_ns, status.st_size)
        if seen != self._seen or self._keys is None:
            try:
                self._keys = parse_keys(self._read(), str(self.path))
            except ConfigurationError:
                if self._keys is None:
                    raise
            self._seen = seen
        return self._keys

    def make(self) -> None:
        """Write a new key; of two processes that do, one wins and both then read the same."""
        draft = self._draft([new_key()])
        try:
            with contextlib.suppress(FileExistsError):
                put_in_place(draft, self.path)
        except OSError as error:
            raise self._unwritable(error) from error

    def write(self, keys: Iterable[Key]) -> None:
        """Put these keys in the place of what the file held, all at once."""
        draft = self._draft(keys)
        try:
            draft.replace(self.path)
            sync(self.path.parent)
        except OSError as error:
            raise self._unwritable(error) from error

    def _draft(self, keys: Iterable[Key]) -> Path:
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        content = json_encode({"keys": [key.to_jwk(private=True) for key in keys]})
        try:
            descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content + b"\n")
                file.flush()
                os.fsync(descriptor)
        except OSError as error:
            raise self._unwritable(error) from error
        return draft

    def _read(self) -> str:
        try:
            with self.path.open(encoding="ascii") as file:
                self._refuse_rights(os.fstat(file.fileno()))
                return file.read().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from error

    def _refuse_rights(self, status: os.stat_result) -> None:
        name = f"The key-encryption key {self.path}"
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationError(f"{name} is not a file.")
        if status.st_uid != os.geteuid():
            raise ConfigurationError(
                f"{name} belongs to another user: chown {os.geteuid()} {quote(str(self.path))}"
            )
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise ConfigurationError(f"{name} can be read by others: chmod 600 {quote(str(self.path))}")

    def _unreadable(self, error: OSError | UnicodeDecodeError) -> ConfigurationError:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        return ConfigurationError(f"The key-encryption key {self.path} cannot be read: {reason}.")

    def _unwritable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(f"The key-encryption key {self.path} cannot be written: {error.strerror}.")
