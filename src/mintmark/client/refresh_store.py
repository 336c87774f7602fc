"""Where a program keeps its refresh token: it changes at every use, so the newest one must never get lost."""

from __future__ import annotations

import os
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from mintmark.errors import ConfigurationError, ErrorCode, MintmarkError
from mintmark.net.flight import PerProcess

__all__ = ["RefreshTokenFile", "RefreshTokenInMemory", "RefreshTokenStore", "StoreFailed"]

_MOST_BYTES = 1 << 16


class StoreFailed(MintmarkError):
    """The refresh token cannot be read or written."""

    default_code = ErrorCode.STORAGE_UNAVAILABLE


class RefreshTokenStore(Protocol):
    """Keeps one refresh token. Its methods may block; they are called away from the event loop."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold everybody else off who renews with this token, for as long as one renewal takes."""
        ...

    def load(self) -> str | None:
        """Return the newest refresh token; None when there is none."""
        ...

    def save(self, refresh_token: str) -> None:
        """Replace it. When this returns, the new one must survive a crash."""
        ...


class RefreshTokenInMemory:
    """A refresh token that ends with the process."""

    def __init__(self, refresh_token: str | None = None) -> None:
        self._refresh_token = refresh_token
        self._lock = PerProcess(threading.Lock)

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold other threads off."""
        return _held(self._lock.here())

    def load(self) -> str | None:
        """Return it."""
        return self._refresh_token

    def save(self, refresh_token: str) -> None:
        """Replace it."""
        self._refresh_token = refresh_token


class RefreshTokenFile:
    """A refresh token in a file that only this user can read; several processes may share it (POSIX).

    The file is replaced in one step and forced to disk; beside it lies an empty ``.lock``.

    :param path: the file; its folder must exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._lock = PerProcess(threading.Lock)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold other threads and processes off.

        :raises StoreFailed: the lock cannot be made.
        """
        import fcntl  # POSIX only, and nothing else here needs it

        with self._lock.here():
            try:
                descriptor = os.open(
                    self._path.with_name(f"{self._path.name}.lock"),
                    os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC,
                    0o600,
                )
            except OSError as error:
                raise self._failed("locked", error) from None
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing alone leaves it to a child forked meanwhile
                os.close(descriptor)

    def load(self) -> str | None:
        """Return it; None when there is no file.

        :raises StoreFailed: the file cannot be read. :raises ConfigurationError: others can read it.
        """
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) & 0o077:
                    raise ConfigurationError(
                        f"{self._path} holds a refresh token, and others may read or change it.",
                        expected="mode 0600",
                        hint=f"chmod 600 {self._path}",
                    )
                content = file.read(_MOST_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed("read", error) from None
        return content.decode("ascii", "replace").strip() or None

    def save(self, refresh_token: str) -> None:
        """Replace it.

        :raises StoreFailed: the file cannot be written; the old one is still there.
        """
        draft: str | None = None
        try:
            descriptor, draft = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
            with os.fdopen(descriptor, "wb") as file:  # mkstemp gives mode 0600
                file.write(refresh_token.encode("ascii", "replace") + b"\n")
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(self._path)
            _sync(self._path.parent)
        except OSError as error:
            if draft is not None:
                Path(draft).unlink(missing_ok=True)
            raise self._failed("written", error) from None

    def _failed(self, what: str, error: OSError) -> StoreFailed:
        return StoreFailed(f"{self._path} cannot be {what}: {error.strerror}.")


@contextmanager
def _held(lock: threading.Lock) -> Iterator[None]:
    with lock:
        yield


def _sync(folder: Path) -> None:
    """Wait until the names in a folder are on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
