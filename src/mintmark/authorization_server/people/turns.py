"""How password hashes share the processors with everything else.

A hash walks through more memory than the caches hold. Whatever else gets a processor finds them empty, and a
hash that was interrupted fills them again: with every processor hashing, most of what a sign-in costs beside
its hash is that. So a thread that wakes up lets a running one end its turn instead of cutting it short, and a
hash has longer turns than the system's one or two milliseconds: several requests are then served in a row.

Both are hints to Linux, ask for no rights, and change nothing while a processor is free. Where they cannot be
given, all works as before.
"""

from __future__ import annotations

import os
import struct
import sys
from contextlib import suppress
from typing import Final

__all__ = ["HASH_TURN", "end_turns", "set_turn"]

HASH_TURN: Final = 0.008  # seconds. Longer ones save little more, and let others wait

# sched_setattr(2): not in Python, nor in the C libraries of most systems
_SYSTEM_CALL: Final = {"x86_64": 314, "aarch64": 274}
_ATTRIBUTES: Final = struct.Struct(
    "=IIQiIQQQ"
)  # size, policy, flags, nice, priority, runtime, deadline, period


def end_turns() -> None:
    """Let this thread, and those that it starts, wake up without interrupting others (``SCHED_BATCH``)."""
    if sys.platform == "linux":
        with suppress(OSError):
            if os.sched_getscheduler(0) == os.SCHED_OTHER:
                os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def set_turn(seconds: float) -> None:
    """Ask for this thread's turns to be so long, which Linux heeds since 6.12; all else stays as it is."""
    if sys.platform != "linux" or sys.maxsize < 2**32:
        return
    number = _SYSTEM_CALL.get(os.uname().machine)
    if number is None:
        return
    with suppress(ImportError, OSError):
        import ctypes  # some builds of Python lack it, and the start of the service need not wait for it

        policy, nice = os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)
        if policy in {os.SCHED_OTHER, os.SCHED_BATCH}:
            wanted = _ATTRIBUTES.pack(_ATTRIBUTES.size, policy, 0, nice, 0, int(seconds * 1e9), 0, 0)
            ctypes.CDLL(None).syscall(ctypes.c_long(number), 0, wanted, 0)
