"""Files that appear whole or not at all, and are still there after a power cut."""

from __future__ import annotations

import errno
import os
from pathlib import Path

__all__ = ["put_in_place", "sync"]

_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


def put_in_place(draft: Path, target: Path) -> None:
    """Give a finished file its name, never over another file; the draft is gone afterwards.

    :raises FileExistsError: the name is taken. Of two processes, one wins.
    """
    try:
        os.link(draft, target)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if target.exists():  # a file system without links: as good as it can be had
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    sync(target.parent)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
