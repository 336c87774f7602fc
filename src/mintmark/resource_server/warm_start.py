"""A file that keeps the last good key set over restarts."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mintmark.errors import MintmarkError
from mintmark.jose.encoding import json_encode, json_object

__all__ = ["StoredKeys", "WarmStart"]

_log = logging.getLogger("mintmark.resource_server")
_MOST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """A fetched set as it is kept: the answer's own bytes, where it came from, and when."""

    body: bytes
    etag: str | None
    jwks_uri: str
    fetched_at: float


class WarmStart:
    """Reads and writes the file. It holds no secret, but whoever can change it can forge tokens.

    So it is written with mode 0600, and believed only when it belongs to this user (or root) and nobody else
    can write it. A file that is absent, unreadable or of another issuer is no error: the keys are fetched.
    """

    def __init__(self, path: str | os.PathLike[str], issuer: str) -> None:
        self._path = Path(path)
        self._issuer = issuer

    def read(self) -> StoredKeys | None:
        """Return what is kept, or None."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not _trustworthy(status):
                _log.warning("%s can be changed by others and is not used; its mode must be 0600", self._path)
                return None
            content = file.read(_MOST_BYTES)
        try:
            return _stored(content, self._issuer)
        except MintmarkError:
            _log.warning("%s is damaged and is not used", self._path)
            return None

    def write(self, stored: StoredKeys) -> None:
        """Replace the file in one step; a full disk or a missing folder costs a warning, no more."""
        content = json_encode(
            {
                "issuer": self._issuer,
                "jwks_uri": stored.jwks_uri,
                "fetched_at": stored.fetched_at,
                "etag": stored.etag,
                "jwks": stored.body.decode("utf-8"),
            }
        )
        temporary: str | None = None
        try:
            descriptor, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
            with os.fdopen(descriptor, "wb") as file:  # mkstemp gives mode 0600
                file.write(content)
            Path(temporary).replace(self._path)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._path, error.strerror)
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)


def _trustworthy(status: os.stat_result) -> bool:
    others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISREG(status.st_mode) and status.st_uid in (os.geteuid(), 0) and not others_write


def _stored(content: bytes, issuer: str) -> StoredKeys | None:
    document = json_object(content)
    if document.get("issuer") != issuer:
        return None
    body, etag = document.get("jwks"), document.get("etag")
    address, fetched_at = document.get("jwks_uri"), document.get("fetched_at")
    if not isinstance(body, str) or not isinstance(address, str) or not isinstance(etag, str | None):
        return None
    if isinstance(fetched_at, bool) or not isinstance(fetched_at, int | float):
        return None
    return StoredKeys(body.encode(), etag, address, float(fetched_at))
