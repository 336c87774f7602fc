"""The demo's folder: private, removed at the end; and what demos left behind that were killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mintmark.errors import ConfigurationError

__all__ = ["sweep", "workspace"]

_PREFIX: Final = "mintmark-demo-"
_LOCK: Final = "owner.lock"  # held as long as the owner lives, however it dies
_OLD: Final = 60.0  # seconds; a younger folder's owner may not have come to its lock yet


@contextlib.contextmanager
def workspace(keep: Path | None) -> Iterator[Path]:
    """Give a new folder that is removed at the end, or ``keep``, which must be empty.

    :raises ConfigurationError: ``keep`` cannot be used.
    """
    if keep is not None:
        yield _kept(keep)
        return
    sweep(Path(tempfile.gettempdir()), time.time())
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        with (directory / _LOCK).open("x") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def sweep(place: Path, now: float) -> None:
    """Remove the folders of demos that were killed: only our own, with a lock that nobody holds any more."""
    for directory in place.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if _is_ours(directory.lstat(), now) and _is_abandoned(directory / _LOCK):
                shutil.rmtree(directory, ignore_errors=True)


def _is_ours(found: os.stat_result, now: float) -> bool:
    """A real folder of this user that no other can enter, and not one that is being made just now."""
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
    return private and found.st_uid == os.geteuid() and found.st_mtime < now - _OLD


def _is_abandoned(lock: Path) -> bool:
    """Tell whether the owner is gone.

    :raises OSError: it is not, or there is no lock, so that this is no demo's folder.
    """
    descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)
    return True


def _kept(keep: Path) -> Path:
    try:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise ConfigurationError(f"{keep} is not empty; name a new folder")
        keep.chmod(0o700)
    except OSError as error:
        raise ConfigurationError(f"cannot use the folder {keep}: {error.strerror}") from None
    return keep.resolve()
