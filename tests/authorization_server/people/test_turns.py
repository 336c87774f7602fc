"""Hashes get longer turns on a processor, and nobody who wakes up cuts one short."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mintmark.authorization_server.people import turns
from mintmark.authorization_server.people.hashing import HashingPolicy, PasswordHasher

_GET = {"x86_64": 315, "aarch64": 275}.get(platform.machine())  # sched_getattr(2)

if sys.platform != "linux" or _GET is None:
    pytest.skip("these hints are Linux's", allow_module_level=True)


def attributes() -> dict[str, int]:
    """What the kernel says about the calling thread."""
    room = ctypes.create_string_buffer(56)
    assert ctypes.CDLL(None).syscall(ctypes.c_long(_GET), 0, room, 56, 0) == 0
    _, policy, _, nice, _, runtime, _, _ = struct.unpack_from("=IIQiIQQQ", room)
    return {"policy": policy, "nice": nice, "runtime": runtime}


def in_a_thread(work: Any) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


heeds = pytest.mark.skipif(
    in_a_thread(attributes)["runtime"] == 0,
    reason="this kernel has no turns of one's own (Linux 6.12)",
)


@heeds
def test_a_turn_changes_nothing_else() -> None:
    def nicely() -> tuple[dict[str, int], dict[str, int]]:
        os.setpriority(os.PRIO_PROCESS, 0, 3)
        before = attributes()
        turns.set_turn(0.007)
        return before, attributes()

    before, after = in_a_thread(nicely)
    assert before["runtime"] != 7_000_000
    assert after == {**before, "runtime": 7_000_000}
    assert after["nice"] == 3


@heeds
def test_the_threads_that_hash_have_long_turns() -> None:
    hasher = PasswordHasher(HashingPolicy(memory_kib=64, passes=1, workers=1))
    try:
        assert hasher._pool.submit(attributes).result()["runtime"] == turns.HASH_TURN * 1e9
    finally:
        hasher.close()
    assert attributes()["runtime"] != turns.HASH_TURN * 1e9


def test_a_thread_that_ends_turns_is_batch_work_and_so_are_those_it_starts() -> None:
    def nested() -> tuple[int, int]:
        turns.end_turns()
        return os.sched_getscheduler(0), in_a_thread(lambda: os.sched_getscheduler(0))

    assert in_a_thread(nested) == (os.SCHED_BATCH, os.SCHED_BATCH)


def test_a_policy_that_somebody_chose_is_left_alone() -> None:
    def idle() -> int:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        turns.end_turns()
        turns.set_turn(0.007)
        return os.sched_getscheduler(0)

    assert in_a_thread(idle) == os.SCHED_IDLE


@pytest.mark.parametrize("missing", ["the system call", "ctypes", "the right"])
def test_where_a_hint_cannot_be_given_all_stays_as_it_is(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "the system call":
        monkeypatch.setattr(turns, "_SYSTEM_CALL", {})
    elif missing == "ctypes":
        monkeypatch.setitem(sys.modules, "ctypes", None)
    else:
        monkeypatch.setattr(os, "sched_getscheduler", _refuse)

    def ask() -> tuple[dict[str, int], dict[str, int]]:
        before = attributes()
        turns.set_turn(0.007)
        if missing == "the right":
            turns.end_turns()
        return before, attributes()

    before, after = in_a_thread(ask)
    assert after == before


def _refuse(_: int) -> int:
    raise PermissionError
