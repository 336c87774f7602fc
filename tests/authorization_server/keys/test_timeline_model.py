"""The key timeline under arbitrary clocks, late ticks, rotations by hand, revocations and policy changes.

In words, for an issuer with two algorithms and verifiers that only poll:

1. After the first tick each algorithm always has exactly one current key, and at most one next key.
2. A verifier that keeps a key set no longer than the ``max-age`` it came with knows every key that signs,
   unless that key replaced a revoked one.
3. A token that is still valid always verifies against the key set of that moment, unless its key was revoked.
4. A revoked key is never published again, nor signs.
5. Two processes that decide from the same state do no more than one of them alone.
6. When a tick is on time, the schedule is not late.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from mintmark.authorization_server.keys import timeline
from mintmark.authorization_server.keys.timeline import (
    Create,
    KeyPolicy,
    Promote,
    Remove,
    Retire,
    Stretch,
    cache_lifetime,
    lateness,
    next_change,
    plan,
    published,
)
from mintmark.authorization_server.storage.records import KeyRecord, KeyState

DAY = 86400.0
POLICY = KeyPolicy(
    algs=("ES256", "RS256"),
    rotate_every=30 * DAY,
    publish_ahead=DAY,
    jwks_max_age=3600.0,
    token_lifetime=600.0,
    skew=30.0,
)


@dataclass(frozen=True)
class Token:
    kid: str
    expires_at: float


@dataclass(frozen=True)
class Cached:
    kids: frozenset[str]
    until: float


class TimelineMachine(RuleBasedStateMachine):
    """Applies what is planned as the driver does: each step only if the key is still in the state it had."""

    @initialize()
    def begin(self) -> None:
        self.now = 1_000_000.0
        self.policy = POLICY
        self.keys: dict[str, KeyRecord] = {}
        self.made = 0
        self.tokens: list[Token] = []
        self.caches: list[Cached] = []
        self.revoked: set[str] = set()
        self.unannounced: set[str] = set()  # keys that signed at once, in the place of a revoked one
        self.tick()
        self.unannounced.clear()

    def records(self) -> tuple[KeyRecord, ...]:
        return tuple(self.keys.values())

    def apply(self, actions: tuple[timeline.Action, ...]) -> int:
        done = 0
        for action in actions:
            match action:
                case Create(alg, state, activates_at):
                    if any(k.alg == alg and k.state is state for k in self.keys.values()):
                        continue  # the unique index
                    self.make(alg, state, activates_at)
                case Promote(kid, _) if self.in_state(kid, KeyState.NEXT):
                    self.change(
                        kid,
                        state=KeyState.CURRENT,
                        signing_since=self.now,
                        token_lifetime=self.policy.token_lifetime,
                    )
                case Retire(kid) if self.in_state(kid, KeyState.CURRENT):
                    gone = timeline.gone_at(self.keys[kid], self.now, self.policy)
                    self.change(kid, state=KeyState.PREVIOUS, gone_at=gone)
                case Remove(kid, seen) if self.in_state(kid, seen):
                    del self.keys[kid]
                case Stretch(kid, lifetime) if self.in_state(kid, KeyState.CURRENT):
                    self.change(kid, token_lifetime=lifetime)
                case _:
                    continue
            done += 1
        return done

    def in_state(self, kid: str, state: KeyState) -> bool:
        return kid in self.keys and self.keys[kid].state is state

    def change(self, kid: str, **values: object) -> None:
        self.keys[kid] = replace(self.keys[kid], **values)  # type: ignore[arg-type]

    def make(self, alg: str, state: KeyState, activates_at: float) -> None:
        self.made += 1
        kid = f"k{self.made}"
        since = self.now if state is KeyState.CURRENT else None
        self.keys[kid] = KeyRecord(
            kid=kid,
            alg=alg,
            state=state,
            public_jwk={},
            created_at=self.now,
            activates_at=activates_at,
            signing_since=since,
            retired_at=None,
            gone_at=None,
            token_lifetime=self.policy.token_lifetime,
        )
        if since is not None:
            self.unannounced.add(kid)

    def current(self, alg: str) -> KeyRecord:
        (key,) = (k for k in self.keys.values() if k.alg == alg and k.state is KeyState.CURRENT)
        return key

    @rule()
    def tick(self) -> None:
        actions = plan(self.records(), self.now, self.policy)
        self.apply(actions)
        assert self.apply(actions) == sum(isinstance(a, Stretch) for a in actions)  # 5
        self.apply(plan(self.records(), self.now, self.policy))
        assert lateness(self.records(), self.now, self.policy) == 0.0  # 6

    @rule(seconds=st.sampled_from((1.0, 59.0, 600.0, 3600.0, DAY - 1, DAY, 10 * DAY, 29 * DAY, 400 * DAY)))
    def time_passes(self, seconds: float) -> None:
        """The service was down for so long, if it is long: the next thing it does is to tick."""
        self.now += seconds
        self.tick()

    @rule()
    def a_tick_comes_late(self) -> None:
        self.now += 300.0

    @rule(alg=st.sampled_from(POLICY.algs))
    def rotate_by_hand(self, alg: str) -> None:
        self.apply((Create(alg, KeyState.NEXT, self.now + self.policy.publish_ahead),))

    @rule(alg=st.sampled_from(POLICY.algs), state=st.sampled_from(tuple(KeyState)))
    def revoke(self, alg: str, state: KeyState) -> None:
        found = [k for k in self.keys.values() if k.alg == alg and k.state is state]
        if not found or state is KeyState.REVOKED:
            return
        kid = found[0].kid
        self.revoked.add(kid)
        self.change(kid, state=KeyState.REVOKED, gone_at=self.now + DAY)
        if state is KeyState.CURRENT:
            self.unannounced.update(
                k.kid for k in self.keys.values() if k.alg == alg and k.state is KeyState.NEXT
            )
            self.apply(plan(self.records(), self.now, self.policy))

    @rule(lifetime=st.sampled_from((60.0, 600.0, 7200.0)))
    def tokens_live_longer_or_shorter(self, lifetime: float) -> None:
        """A restart with other settings: it ticks before it serves."""
        self.policy = replace(self.policy, token_lifetime=lifetime)
        self.tick()

    @rule(alg=st.sampled_from(POLICY.algs))
    def sign(self, alg: str) -> None:
        kid = self.current(alg).kid
        assert kid not in self.revoked  # 4
        for cache in self.caches:
            if self.now < cache.until:
                assert kid in cache.kids or kid in self.unannounced  # 2
        self.tokens.append(Token(kid, self.now + self.policy.token_lifetime))

    @rule(alg=st.sampled_from(POLICY.algs), lifetime=st.sampled_from((60.0, 600.0, 7200.0)))
    def a_token_is_signed_at_the_last_moment(self, alg: str, lifetime: float) -> None:
        """Then the settings change, and the key retires."""
        staged = [k for k in self.keys.values() if k.alg == alg and k.state is KeyState.NEXT]
        if not staged or staged[0].activates_at <= self.now:
            return
        self.now = staged[0].activates_at - 1.0
        self.tick()
        self.sign(alg)
        self.tokens_live_longer_or_shorter(lifetime)
        self.time_passes(1.0)

    @rule()
    def a_verifier_polls(self) -> None:
        kids = frozenset(record.kid for record in published(self.records()))
        self.caches.append(
            Cached(
                kids,
                self.now + cache_lifetime(next_change(self.records(), self.policy), self.now, self.policy),
            )
        )

    @invariant()
    def one_current_key_and_at_most_one_next(self) -> None:
        for alg in POLICY.algs:
            states = [k.state for k in self.keys.values() if k.alg == alg]
            assert states.count(KeyState.CURRENT) == 1  # 1
            assert states.count(KeyState.NEXT) <= 1  # 1

    @invariant()
    def what_is_valid_verifies(self) -> None:
        shown = {record.kid for record in published(self.records())}
        assert not shown & self.revoked  # 4
        for token in self.tokens:
            if self.now < token.expires_at + self.policy.skew and token.kid not in self.revoked:
                assert token.kid in shown  # 3


TimelineMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestTimelineModel = TimelineMachine.TestCase
