"""A service under load, to be killed: it says on standard output what it has been told is done."""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count

from authorization_server.world import World
from mintmark.authorization_server.sessions import Refreshed

LANES = 8


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())  # one write: a line is whole or not there


async def lane(world: World) -> None:
    for number in count():
        sign_in = await world.sign_in()
        say("signed_in", sign_in.sid)
        granted = await world.grant(sign_in)
        token = granted.refresh_token or ""
        for _ in range(number % 5):
            refreshed = await world.refresh(token)
            assert isinstance(refreshed, Refreshed)
            token = refreshed.refresh_token
            say("rotated", refreshed.grant.grant_id, refreshed.grant.generation)
        if number % 3 == 0:
            await world.sessions.sign_out(sign_in.sid, world.now)
            say("signed_out", sign_in.sid)


async def main() -> None:
    world = await World.begin(sys.argv[1])
    await asyncio.gather(*(lane(world) for _ in range(LANES)))


asyncio.run(main())
