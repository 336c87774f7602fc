"""The deny log's memory under arbitrary orders of entries, clock steps, followers and restarts.

In words:

1. A token is refused exactly while an entry that matches it lives, whatever else was added or has died.
2. A follower hears every entry that lives when it looks, once, in the order of the numbers; whoever was away
   hears what still matters.
3. Memory holds the living and a bounded rest.
4. Taking in the same entries again, as after a restart or a lost race, changes nothing.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mintmark.authorization_server.revocation import DenySet
from mintmark.authorization_server.storage.records import DenyEntry, DenyKind

VALUES = st.sampled_from(("a", "b"))
KINDS = st.sampled_from((DenyKind.SID, DenyKind.SUB, DenyKind.JTI))


class DenyMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.now = 1000.0
        self.log: list[DenyEntry] = []  # the table: everything that was ever written
        self.held = DenySet()
        self.position = 0  # of a follower
        self.heard: list[int] = []

    @rule(kind=KINDS, value=VALUES, life=st.sampled_from((1.0, 60.0, 600.0)), limited=st.booleans())
    def somebody_denies(self, kind: DenyKind, value: str, life: float, limited: bool) -> None:
        before = self.now if limited and kind is DenyKind.SUB else None
        seq = len(self.log) + 1
        self.log.append(DenyEntry(kind, value, iat=self.now, exp=self.now + life, before=before, seq=seq))

    @rule()
    def a_tick(self) -> None:
        self.held.add(e for e in self.log if e.seq > self.held.last_seq and e.dies_at > self.now)
        self.held.forget_dead(self.now)

    @rule()
    def a_tick_that_reads_too_much(self) -> None:
        living = [entry for entry in self.log if entry.dies_at > self.now]
        self.held.add(living)
        assert self.held.add(living) == 0  # 4
        self.held.forget_dead(self.now)

    @rule()
    def a_restart(self) -> None:
        self.held = DenySet()
        self.a_tick()

    @rule(seconds=st.sampled_from((0.5, 30.0, 300.0, 1000.0)))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def the_follower_looks(self) -> None:
        self.a_tick()
        found = self.held.after(self.position, self.now)
        expected = [e.seq for e in self.log if e.seq > self.position and e.dies_at > self.now]
        assert [entry.seq for entry in found] == expected  # 2
        if found:
            self.position = found[-1].seq
        self.heard += expected
        assert self.heard == sorted(set(self.heard))  # 2

    @rule(kind=KINDS, value=VALUES, age=st.sampled_from((0.0, 10.0, 5000.0)))
    def a_token_is_shown(self, kind: DenyKind, value: str, age: float) -> None:
        self.a_tick()
        issued = self.now - age
        matches = any(
            entry.kind is kind
            and entry.value == value
            and entry.dies_at > self.now
            and (entry.before is None or issued < entry.before)
            for entry in self.log
        )
        claims = {str(kind): value, "iat": issued}
        assert (self.held.reason(claims, None, self.now) is not None) == matches  # 1

    @invariant()
    def memory_is_bounded(self) -> None:
        if not hasattr(self, "held"):
            return
        assert len(self.held._order) <= 2 * len(self.held) + 65 + len(self.log) - self.held.last_seq  # 3
        assert len(self.held) <= len(self.log)


DenyMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=50)
TestDenyModel = DenyMachine.TestCase
