"""What an answer says about a verifier: nothing by itself, much beside the baselines and the control.

A 401 for a forged token proves little when the service answers 401 to everything, and a 200 proves little
when anyone gets one. So four baselines come first: a good token, none, garbage, and the good token with one
bit of its signature flipped. Each attack has a control of the same shape that is honestly signed: only where
that is accepted was the attack refused for what is evil about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from mintmark.hostile.attack import Attack, Outcome

__all__ = ["Accepts", "Answer", "Baselines", "Verdict", "judge", "judge_baselines"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verifier did: an HTTP status with its body, or the exception that it let out."""

    status: int
    body: bytes = b""
    crash: str | None = None

    @property
    def is_broken(self) -> bool:
        """Whether the verifier failed rather than decided."""
        return self.crash is not None or self.status >= 500

    def __str__(self) -> str:
        return f"{self.crash} raised" if self.crash is not None else f"status {self.status}"


Accepts = Callable[[Answer], bool]
"""Whether an answer is a yes."""


@dataclass(frozen=True, slots=True)
class Baselines:
    """The answers to which all others are compared."""

    good: Answer
    none: Answer
    garbage: Answer
    flipped: Answer


class Verdict(StrEnum):
    """What one attack has shown."""

    REFUSED = "refused"  # and its control was accepted: refused for what is evil about it
    UNPROVEN = "refused, without a control"
    SHAPE = "refused, and so was its control"  # says nothing about what is evil about it
    NOTED = "accepted, as may be"
    ACCEPTED = "accepted"
    BROKE = "broke"

    @property
    def is_finding(self) -> bool:
        """Whether something has to be mended."""
        return self in (Verdict.ACCEPTED, Verdict.BROKE)


def judge(attack: Attack, answer: Answer, control: Answer | None, accepts: Accepts) -> Verdict:
    """Say what the answer to an attack means.

    :param control: the answer to the attack's control, where there is one.
    """
    if answer.is_broken:
        return Verdict.BROKE
    if accepts(answer):
        return Verdict.ACCEPTED if attack.outcome is Outcome.REFUSE else Verdict.NOTED
    if control is None:
        return Verdict.UNPROVEN
    return Verdict.REFUSED if accepts(control) else Verdict.SHAPE


def judge_baselines(baselines: Baselines, accepts: Accepts) -> Iterator[str]:
    """Yield why nothing can be learned from this verifier, or what is wrong with it already."""
    if not accepts(baselines.good):
        yield f"the good token is refused ({baselines.good}): nothing can be told from refusals"
        return
    if accepts(baselines.none):
        yield f"no token is needed at all ({baselines.none}): the route is not protected"
    if accepts(baselines.garbage):
        yield f"garbage is accepted for a token ({baselines.garbage}): tokens are not read"
    if accepts(baselines.flipped) and not accepts(baselines.garbage):
        yield f"a flipped bit in the signature is accepted ({baselines.flipped}): signatures are not verified"
    for name, answer in (
        ("no token", baselines.none),
        ("garbage", baselines.garbage),
        ("a flipped bit", baselines.flipped),
    ):
        if answer.is_broken:
            yield f"the verifier breaks on {name} ({answer})"
