"""Status indexes under arbitrary orders of tokens, starts, crashes, clock steps and clean-ups.

In words:

1. No index is ever given twice, whichever process gives it and whatever was forgotten or removed meanwhile.
2. Whatever was given lies in a list that is published for as long as its token lives.
3. Giving from memory writes nothing: a block serves many.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mintmark.authorization_server.revocation import StatusIndexes
from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.storage.records import STATUS_BLOCK_SIZE, STATUS_LIST_SIZE
from mintmark.authorization_server.storage.repositories import status_lists

DAY = 86_400.0
LIFE = 600.0
PROCESSES = st.integers(0, 2)


class IndexMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mintmark-status-"))
        self.runner = asyncio.Runner()
        self.now = 1_000_000.0
        url = f"sqlite:///{self.folder / 'mintmark.db'}"
        self.databases = [Database.open(url) for _ in range(3)]
        self.processes = [self.started(db) for db in self.databases]
        self.given: set[int] = set()
        self.living: list[tuple[float, int]] = []  # until when, which list

    def started(self, db: Database) -> StatusIndexes:
        return StatusIndexes(db, b"k" * 32, token_lifetime=LIFE)

    @rule(process=PROCESSES, tokens=st.sampled_from((1, 7, STATUS_BLOCK_SIZE - 1, STATUS_BLOCK_SIZE + 1)))
    def tokens_are_issued(self, process: int, tokens: int) -> None:
        async def some() -> list[int]:
            return await asyncio.gather(*(self.processes[process].take(self.now) for _ in range(tokens)))

        found = self.runner.run(some())
        assert len(set(found)) == tokens  # 1
        assert self.given.isdisjoint(found)  # 1
        self.given.update(found)
        self.living += [(self.now + LIFE, number) for number in {i // STATUS_LIST_SIZE for i in found}]

    @rule(process=PROCESSES)
    def a_process_crashes_and_starts_again(self, process: int) -> None:
        self.processes[process] = self.started(self.databases[process])

    @rule(seconds=st.sampled_from((1.0, LIFE, DAY + 1, 3 * DAY)))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def the_clean_up_runs(self) -> None:
        self.runner.run(self.databases[0].clean_up(self.now))

    @invariant()
    def every_living_token_has_its_list(self) -> None:
        self.living = [(until, number) for until, number in self.living if until > self.now]
        for number in {number for _, number in self.living}:
            published = self.databases[0].read_now(lambda c, n=number: status_lists.next_in_use(c, n))
            assert published == number  # 2

    def teardown(self) -> None:
        self.runner.close()
        for db in self.databases:
            db.close_now()
        shutil.rmtree(self.folder)


IndexMachine.TestCase.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
TestStatusIndexes = IndexMachine.TestCase
