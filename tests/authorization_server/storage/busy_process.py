"""A service under load, to be killed: it says on standard output what it has been told is done.

``early`` as second argument makes the mistake that the kill test must see: answers leave before the commit.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from itertools import count
from typing import Any

import sqlalchemy as sa

from authorization_server.world import World
from mintmark.authorization_server.sessions import Refreshed
from mintmark.authorization_server.storage import writer

LANES = 8
UNCOMMITTED = 0.5  # seconds that an early answer is ahead of its commit


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())  # one write: a line is whole or not there


async def lane(world: World) -> None:
    for number in count():
        sign_in = await world.sign_in()
        say("signed_in", sign_in.sid)
        granted = await world.grant(sign_in)
        grant_id, token = granted.grant.grant_id, granted.refresh_token or ""
        say("granted", grant_id)
        for _ in range(number % 5):
            refreshed = await world.refresh(token)
            assert isinstance(refreshed, Refreshed)
            token = refreshed.refresh_token
            say("rotated", grant_id, refreshed.grant.generation)
        if number % 3 == 0:
            await world.sessions.sign_out(sign_in.sid, world.now)
            say("signed_out", sign_in.sid)
        if number % 3 == 1:
            assert await world.sessions.revoke_refresh_token(token, client_id="app", now=world.now)
            say("revoked", grant_id)


def answer_early() -> None:
    def commit(self: writer.GroupWriter, connection: sa.Connection, group: list[writer._Unit]) -> None:
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN IMMEDIATE")
        for unit in group:
            writer._run_unit(connection, driver, unit)
        writer._answer(group)
        time.sleep(UNCOMMITTED)
        driver.execute("COMMIT")

    writer.GroupWriter._commit = commit  # type: ignore[method-assign]


async def main() -> None:
    world = await World.begin(sys.argv[1])
    if "early" in sys.argv[2:]:
        answer_early()
    await asyncio.gather(*(lane(world) for _ in range(LANES)))


asyncio.run(main())
