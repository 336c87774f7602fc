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

if sys.platform != "linux" or _GET is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
    pytest.skip("these hints are for ordinary work on Linux", allow_module_level=True)


def attributes() -> dict[str, int]:
    """What the kernel says about the calling thread."""
    room = ctypes.create_string_buffer(56)
    assert ctypes.CDLL(None).syscall(ctypes.c_long(_GET), 0, room, 56, 0) == 0
    _, policy, _, nice, _, runtime, _, _ = struct.unpack_from("=IIQiIQQQ", room)
    return {"policy": policy, "nice": nice, "runtime": runtime}


def in_a_thread(work: Any) -> Any:
    """Do it in a thread of its own, which begins as ordinary work whatever others have asked for."""
    with ThreadPoolExecutor(1, initializer=_ordinary) as pool:
        return pool.submit(work).result()


def _ordinary(setting: Any = os.sched_setscheduler) -> None:
    setting(0, os.SCHED_OTHER, os.sched_param(0))


def _heeded() -> bool:
    try:
        return bool(in_a_thread(attributes)["runtime"])
    except (AssertionError, OSError):  # a filter of system calls
        return False


heeds = pytest.mark.skipif(not _heeded(), reason="this system has no turns of one's own (Linux 6.12)")


@heeds
def test_a_turn_changes_nothing_else() -> None:
    def nicely() -> tuple[dict[str, int], dict[str, int]]:
        turns.let_turns_end()
        os.setpriority(os.PRIO_PROCESS, 0, 3)
        before = attributes()
        turns.set_turn(0.007)
        return before, attributes()

    before, after = in_a_thread(nicely)
    assert before["runtime"] != 7_000_000
    assert after == {**before, "runtime": 7_000_000}
    assert after["nice"] == 3


@heeds
@pytest.mark.parametrize("served", [True, False])
def test_the_threads_that_hash_have_long_turns_where_others_wait_for_their_end(served: bool) -> None:
    def start() -> dict[str, int]:
        if served:
            turns.let_turns_end()
        hasher = PasswordHasher(HashingPolicy(memory_kib=64, passes=1, workers=1))
        try:
            return hasher._pool.submit(attributes).result()
        finally:
            hasher.close()

    assert (in_a_thread(start)["runtime"] == turns.HASH_TURN * 1e9) is served


def test_a_thread_that_ends_turns_is_batch_work_and_so_are_those_it_starts() -> None:
    def nested() -> tuple[int, int]:
        turns.let_turns_end()
        with ThreadPoolExecutor(1) as pool:
            return os.sched_getscheduler(0), pool.submit(os.sched_getscheduler, 0).result()

    assert in_a_thread(nested) == (os.SCHED_BATCH, os.SCHED_BATCH)


def test_a_policy_that_somebody_chose_is_left_alone() -> None:
    def idle() -> int:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        turns.let_turns_end()
        turns.set_turn(0.007)
        return os.sched_getscheduler(0)

    assert in_a_thread(idle) == os.SCHED_IDLE


@pytest.mark.anyio
async def test_whatever_stands_in_the_way_of_the_hint_people_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise RuntimeError("by an audit hook")

    monkeypatch.setattr(turns, "_set_slice", refuse)
    monkeypatch.setattr(os, "sched_getscheduler", lambda _: os.SCHED_BATCH)
    hasher = PasswordHasher(HashingPolicy(memory_kib=64, passes=1, workers=1))
    try:
        assert await hasher.verify(await hasher.hash("right"), "right")
    finally:
        hasher.close()


@pytest.mark.parametrize("missing", ["the system call", "ctypes", "the right"])
def test_where_a_hint_cannot_be_given_all_stays_as_it_is(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "the system call":
        monkeypatch.setattr(turns, "_SYSTEM_CALL", {})
    elif missing == "ctypes":
        monkeypatch.setitem(sys.modules, "ctypes", None)
    else:
        monkeypatch.setattr(os, "sched_setscheduler", _refuse)

    def ask() -> tuple[dict[str, int], dict[str, int]]:
        before = attributes()
        turns.let_turns_end()
        turns.set_turn(0.007)
        return before, attributes()

    before, after = in_a_thread(ask)
    if missing != "the right":
        assert after.pop("policy") == os.SCHED_BATCH
        del before["policy"]
    assert after == before


def _refuse(*_: object) -> None:
    raise PermissionError
