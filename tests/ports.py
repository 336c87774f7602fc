"""Ports for tests that need several in a row; a single server binds port 0 instead."""

from __future__ import annotations

import os
import random
import socket
from contextlib import ExitStack


def free_ports(count: int, host: str = "127.0.0.1") -> int:
    """The first of ``count`` free ports in a row; far below the range that the system hands out by itself."""
    choose = random.Random(os.urandom(8))
    for _ in range(200):
        first = choose.randrange(12_000, 30_000, count)
        with ExitStack() as stack:
            try:
                for distance in range(count):
                    stack.enter_context(socket.socket()).bind((host, first + distance))
            except OSError:
                continue
            return first
    raise AssertionError(f"no {count} free ports in a row")
