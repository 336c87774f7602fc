"""Head and body of an answer leave in one piece, and nothing is left behind when a connection ends."""

from __future__ import annotations

import asyncio
from typing import Any

from mintmark.cli.one_write import _Gathering


class Pipe:
    """What a transport was told."""

    def __init__(self) -> None:
        self.done: list[Any] = []

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("closed")

    def get_extra_info(self, name: str) -> str:
        return f"info of {name}"


def test_what_is_written_in_one_turn_is_written_once() -> None:
    async def walk() -> list[Any]:
        pipe = Pipe()
        transport = _Gathering(pipe, asyncio.get_running_loop())  # type: ignore[arg-type]
        transport.write(b"head ")
        transport.write(b"body")
        assert pipe.done == []
        await asyncio.sleep(0)
        transport.write(b"next")
        await asyncio.sleep(0)
        return pipe.done

    assert asyncio.run(walk()) == [b"head body", b"next"]


def test_a_connection_that_closes_takes_what_was_written_along() -> None:
    async def walk() -> list[Any]:
        pipe = Pipe()
        transport = _Gathering(pipe, asyncio.get_running_loop())  # type: ignore[arg-type]
        transport.write(b"last words")
        transport.close()
        await asyncio.sleep(0)
        assert transport.get_extra_info("peername") == "info of peername"
        return pipe.done

    assert asyncio.run(walk()) == [b"last words", "closed"]
