"""What the service promised, and whether it kept it: pure, fed by whoever watches. Times are seconds.

What must hold, whatever is killed and restarted:

- a sign-in that was acknowledged stays until its person signs out;
- a grant that was acknowledged can be renewed with its newest token until it is ended;
- a refresh token has one successor, the same one whoever asks how often, and is the successor of one token;
- what was ended is never renewed again, and every follower of the feed hears of it;
- each algorithm has one current key, and no key that has stopped signing signs again;
- a token that was issued is accepted by every verifier until it expires;
- an answer is one that the protocol has: never a 500, and a 503 says when to come back.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

__all__ = ["Grant", "Ledger"]

_PHASES = ("next", "current", "previous")


@dataclass(slots=True)
class Grant:
    """One grant as its client knows it. ``newest`` is the token that the client would present next."""

    grant_id: str
    sid: str
    newest: str = field(repr=False)
    successors: dict[str, str] = field(default_factory=dict, repr=False)
    ending_since: float | None = None  # somebody asked for its end
    ended_at: float | None = None  # and was told that it has ended


@dataclass(slots=True)
class Ledger:
    """Everything that was acknowledged. ``violations`` says in words what was broken."""

    violations: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    latencies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    grants: dict[str, Grant] = field(default_factory=dict)
    sign_ins: dict[str, bool] = field(default_factory=dict)  # sid -> still in
    _phases: dict[str, int] = field(default_factory=dict)
    _signed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    # Answers

    def answered(self, kind: str, status: int, *, seconds: float, retry_after: bool) -> None:
        """An answer came, of whatever kind."""
        self.latencies[kind].append(seconds)
        if status == 503:
            self.counts["503"] += 1
            if not retry_after:
                self.violations.append(f"{kind}: 503 without Retry-After")
        elif status >= 500:
            self.violations.append(f"{kind}: answered {status}")

    def unanswered(self, kind: str, seconds: float) -> None:
        """Nobody answered, however often it was asked."""
        self.violations.append(f"{kind}: no good answer for {seconds:.0f} s")

    # Sign-ins

    def signed_in(self, sid: str) -> None:
        """A person was told: you are signed in."""
        self.sign_ins.setdefault(sid, True)

    def asked_to_sign_in(self, sid: str) -> None:
        """A browser with a sign-in's cookie was shown the page to sign in."""
        if self.sign_ins.get(sid):
            self.violations.append("a sign-in was lost: the person is asked to sign in again")

    # Grants

    def granted(self, grant_id: str, sid: str, token: str) -> Grant:
        """A client got the first tokens of a grant."""
        if grant_id in self.grants:
            self.violations.append("a code gave a grant twice")
        grant = self.grants[grant_id] = Grant(grant_id, sid, token)
        return grant

    def code_refused(self) -> None:
        """A code that was just handed out was refused at its first presentation."""
        self.violations.append("a code was lost: refused at its first use")

    def renewed(self, grant: Grant, presented: str, answer: str, *, asked_at: float) -> None:
        """A presented token was answered with its successor."""
        if grant.ended_at is not None and asked_at > grant.ended_at:
            self.violations.append("a grant that had ended was renewed")
        known = grant.successors.setdefault(presented, answer)
        if known != answer:
            self.violations.append("a double rotation: one refresh token has two successors")
        if any(before != presented and after == answer for before, after in grant.successors.items()):
            self.violations.append("a double rotation: two refresh tokens have one successor")
        if grant.newest == presented:
            grant.newest = answer

    def refused(self, grant: Grant) -> None:
        """A client's refresh token was refused although the client did nothing wrong."""
        if grant.ending_since is None:
            self.violations.append("a grant was lost: its newest refresh token is refused")

    def ending(self, grants: Iterable[Grant], *, now: float) -> None:
        """Somebody asks for the end of grants; from here on either answer is right."""
        for grant in grants:
            if grant.ending_since is None:
                grant.ending_since = now

    def ended(self, grants: Iterable[Grant], *, now: float) -> None:
        """Whoever asked was told that they have ended."""
        for grant in grants:
            if grant.ended_at is None:
                grant.ended_at = now

    def signed_out(self, sid: str) -> None:
        """A person asked to be signed out; from here on they may be."""
        self.sign_ins[sid] = False

    def live(self) -> list[Grant]:
        """The grants whose end nobody asked for."""
        return [grant for grant in self.grants.values() if grant.ending_since is None]

    def within(self, sid: str) -> list[Grant]:
        """The grants of a sign-in whose end nobody was told of."""
        return [grant for grant in self.grants.values() if grant.sid == sid and grant.ended_at is None]

    # Keys

    def saw_keys(self, keys: Iterable[tuple[str, str, str]]) -> None:
        """The keys as they stand at one moment: kid, algorithm, state."""
        current: Counter[str] = Counter()
        for kid, alg, state in keys:
            current[alg] += state == "current"
            phase = _PHASES.index(state)
            if phase < self._phases.get(kid, 0):
                self.violations.append(f"{alg}: a key went back from {_PHASES[self._phases[kid]]} to {state}")
            self._phases[kid] = phase
            if state == "current":
                self._signed[alg].add(kid)
        self.violations.extend(f"{alg}: {n} current keys at once" for alg, n in current.items() if n != 1)

    def rotations(self) -> dict[str, int]:
        """How often a key took over, for each algorithm."""
        return {alg: len(kids) - 1 for alg, kids in sorted(self._signed.items())}

    # Tokens and revocations at verifiers

    def verified(self, kind: str, refusals: Sequence[str | None]) -> None:
        """A living token was shown to every verifier; each said None, or why it refuses."""
        self.counts["verifications"] += len(refusals)
        said = sorted({refusal for refusal in refusals if refusal is not None})
        if None not in refusals:
            self.violations.append(f"{kind} verifies nowhere: {', '.join(said)}")
        elif said:
            self.violations.append(f"{kind} is refused by a verifier: {', '.join(said)}")

    def heard_of_end(self, seconds: float) -> None:
        """A follower of the feed refuses what was ended so long ago."""
        self.latencies["revocation heard"].append(seconds)

    def never_heard_of_end(self, seconds: float) -> None:
        """A follower of the feed still accepts what was ended so long ago."""
        self.violations.append(f"a revocation did not reach a follower within {seconds:.0f} s")
