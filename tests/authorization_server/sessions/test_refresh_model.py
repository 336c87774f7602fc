"""The refresh rules under arbitrary interleavings of requests, lost answers, thefts and clock steps.

In words, for a service that gives two grants:

1. A client that always presents the newest token it has received, and repeats a request whose answer was lost
   within the grace, is never refused before its grant's idle or absolute end.
2. A genuine token that was replaced longer ago than the grace ends its own grant, whoever presents it.
3. One generation never has two successors, however often and by whomever it is presented.
4. Once a grant has ended, it gives nothing.
5. Nothing that happens to one grant changes the other.
6. No grant is refreshed at or after its absolute end.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from mintmark.authorization_server.sessions.refresh import (
    Decision,
    Ended,
    Expired,
    Keep,
    RefreshPolicy,
    Reuse,
    Rotate,
    SameSuccessor,
    decide,
)
from mintmark.authorization_server.storage.records import Grant

GRACE, IDLE, ABSOLUTE = 30.0, 1000.0, 4000.0
POLICY = RefreshPolicy(idle=IDLE, absolute=ABSOLUTE, grace=GRACE)
WHICH = st.sampled_from((0, 1))


def fresh(name: str, now: float) -> Grant:
    return Grant(
        grant_id=name,
        client_id="app",
        person_id="p",
        sid="s",
        scope=(),
        resources=(),
        offline=False,
        refreshable=True,
        auth_time=now,
        acr=None,
        amr=(),
        nonce=None,
        generation=1,
        rotated_at=None,
        created_at=now,
        idle_end=now + IDLE,
        absolute_end=now + ABSOLUTE,
    )


class RefreshMachine(RuleBasedStateMachine):
    """The driver does with a decision what the service does; clients know only what they were answered."""

    @initialize()
    def begin(self) -> None:
        self.now = 1000.0
        self.rows = [fresh("a", self.now), fresh("b", self.now)]
        self.client = [1, 1]  # the newest generation that each honest client has received
        self.thief: list[int | None] = [None, None]
        self.stolen = [False, False]
        self.successor: list[dict[int, int]] = [{}, {}]
        self.replaced_at: list[dict[int, float]] = [{}, {}]
        self.stepped_back = False

    def present(self, which: int, generation: int) -> Decision:
        before, other = self.rows[which], self.rows[1 - which]
        decision = decide(before, generation, self.now, POLICY)
        match decision:
            case Rotate(after) | Keep(Grant() as after):
                self.rows[which] = after
                self.replaced_at[which][generation] = self.now
                answer: int | None = after.generation
            case SameSuccessor(answer):
                pass
            case _:
                answer = None
                if isinstance(decision, Reuse):
                    self.rows[which] = replace(before, ended_at=self.now, end_reason="reuse")
        if answer is not None:
            assert self.successor[which].setdefault(generation, answer) == answer  # 3
            assert before.ended_at is None  # 4
            assert self.now < before.absolute_end  # 6
        assert self.rows[1 - which] is other  # 5
        return decision

    @rule(which=WHICH, lost=st.booleans())
    def the_client_refreshes(self, which: int, lost: bool) -> None:
        row = self.rows[which]
        sent = self.client[which]
        late = self.now - self.replaced_at[which].get(sent, self.now) > GRACE  # its answer was lost long ago
        decision = self.present(which, sent)
        if not self.stolen[which] and not late:
            alive = self.now < min(row.idle_end, row.absolute_end)
            honest = (Rotate, SameSuccessor) if alive else (Expired,)
            assert isinstance(decision, honest), decision  # 1
        if isinstance(decision, Rotate | SameSuccessor) and not lost:
            self.client[which] = self.successor[which][sent]
        if late and not isinstance(decision, Rotate | SameSuccessor):
            self.stolen[which] = True  # the grant has ended; nothing more is promised to this client

    @rule(which=WHICH)
    def the_client_repeats_at_once(self, which: int) -> None:
        first = self.present(which, self.client[which])
        again = self.present(which, self.client[which])
        if isinstance(first, Rotate):
            assert again == SameSuccessor(first.grant.generation)
        elif isinstance(first, SameSuccessor):
            assert again == first
        if isinstance(first, Rotate | SameSuccessor):
            self.client[which] = self.successor[which][self.client[which]]
        else:
            self.stolen[which] = True

    @rule(which=WHICH)
    def somebody_steals_the_token(self, which: int) -> None:
        self.thief[which] = self.client[which]

    @precondition(lambda self: any(self.thief))
    @rule(which=WHICH)
    def the_thief_refreshes(self, which: int) -> None:
        sent = self.thief[which]
        if sent is None:
            return
        self.stolen[which] = True
        decision = self.present(which, sent)
        if isinstance(decision, Rotate | SameSuccessor):
            self.thief[which] = self.successor[which][sent]

    @rule(which=WHICH, age=st.integers(1, 20))
    def somebody_presents_an_old_token(self, which: int, age: int) -> None:
        row = self.rows[which]
        generation = max(1, self.client[which] - age)
        replaced = self.replaced_at[which].get(generation)
        if generation == self.client[which] or replaced is None:
            return
        self.stolen[which] = True
        decision = self.present(which, generation)
        alive = row.ended_at is None and self.now < min(row.idle_end, row.absolute_end)
        if alive and self.now - replaced > GRACE and not self.stepped_back:
            assert isinstance(decision, Reuse)  # 2
            assert self.rows[which].ended_at is not None

    @rule(seconds=st.sampled_from((0.5, 5.0, 29.0, 30.0, 31.0, 300.0, 999.0, 1000.0, 3000.0)))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(seconds=st.sampled_from((1.0, 60.0)))
    def the_clock_is_set_back(self, seconds: float) -> None:
        self.now -= seconds
        self.stepped_back = True

    @rule(which=WHICH)
    def the_person_signs_out(self, which: int) -> None:
        self.rows[which] = replace(self.rows[which], ended_at=self.now, end_reason="sign_out")
        self.stolen[which] = True
        assert isinstance(self.present(which, self.client[which]), Ended)

    @invariant()
    def no_grant_is_promised_more_than_its_absolute_end(self) -> None:
        for row in getattr(self, "rows", ()):
            assert row.idle_end <= row.absolute_end


RefreshMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=40)
TestRefreshModel = RefreshMachine.TestCase
