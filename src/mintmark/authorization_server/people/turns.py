"""How password hashes share the processors with everything else.

A hash walks through more memory than the caches hold. Whatever else gets a processor finds them empty, and a
hash that was interrupted fills them again: with every processor hashing, most of what a sign-in costs beside
its hash is that. So a thread that wakes up lets a running one end its turn instead of cutting it short, and a
hash has longer turns than the system's one or two milliseconds: several requests are then served in a row.

Both are hints to Linux, need no rights, and change nothing while a processor is free. Where they cannot be
given, all works as before.
"""

from __future__ import annotations

import os
import struct
import sys
from contextlib import suppress
from typing import Final

__all__ = ["HASH_TURN", "let_turns_end", "set_turn"]

HASH_TURN: Final = 0.008  # seconds. Longer ones save little more, and let others wait

# sched_setattr(2): not in Python, nor in the C libraries of most systems. It takes size, policy, flags, nice,
# priority, runtime, deadline and period.
_SYSTEM_CALL: Final = {"x86_64": 314, "aarch64": 274}
_ATTRIBUTES: Final = struct.Struct("=IIQiIQQQ")


def let_turns_end() -> None:
    """Let this thread, and those that it starts, wake up without interrupting others (``SCHED_BATCH``)."""
    if sys.platform == "linux":
        with suppress(Exception):  # whatever stands in the way of a hint
            if os.sched_getscheduler(0) == os.SCHED_OTHER:
                os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def set_turn(seconds: float) -> None:
    """Let this thread's turns be so long if threads here wait for their end; Linux heeds it since 6.12."""
    if sys.platform == "linux" and sys.maxsize > 2**32:
        with suppress(Exception):  # as above; the pool of threads would have no second try
            if os.sched_getscheduler(0) == os.SCHED_BATCH:
                _set_slice(int(seconds * 1e9))


def _set_slice(nanoseconds: int) -> None:
    import ctypes  # some builds of Python lack it, and the start of the service need not wait for it

    number, nice = _SYSTEM_CALL[os.uname().machine], os.getpriority(os.PRIO_PROCESS, 0)
    wanted = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_BATCH, 0, nice, 0, nanoseconds, 0, 0)
    ctypes.CDLL(None).syscall(ctypes.c_long(number), 0, wanted, 0)
