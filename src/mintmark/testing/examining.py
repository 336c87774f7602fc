"""Throw every evil token at a service, and say what that has shown.

The examination is one generator that yields what to send and is sent the answers; two short drivers run it,
for clients that block and for asyncio.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypedDict, Unpack

from mintmark.errors import ConfigurationError
from mintmark.hostile import Answer, Baselines, Sample, Severity, Verdict, Weakness, judge, judge_baselines
from mintmark.hostile.judging import Accepts
from mintmark.hostile.tampering import flipped
from mintmark.jose.jwk import Key
from mintmark.testing.evil import EvilToken, evil_tokens
from mintmark.testing.sending import AsyncSend, Send, answer_of, crashed

__all__ = ["Report", "Result", "aassert_refuses", "assert_refuses"]

_GARBAGE: Final = "garbage"
_ORDER: Final = tuple(Severity)

Examination = Generator[str | None, Answer, "Report"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one evil token has shown."""

    evil: EvilToken
    answer: Answer
    verdict: Verdict

    def __str__(self) -> str:
        return f"{self.evil.id}: {self.evil.title}: {self.verdict} ({self.answer})"


@dataclass(frozen=True, slots=True)
class Report:
    """What an examination has shown.

    :param baselines: the answers to a good token, none, garbage, and a flipped bit.
    :param results: one per evil token.
    :param problems: why the results mean little, or what the baselines alone have shown.
    """

    baselines: Baselines
    results: tuple[Result, ...]
    problems: tuple[str, ...]

    @property
    def findings(self) -> tuple[Result, ...]:
        """The evil tokens that were accepted or broke the service."""
        return tuple(result for result in self.results if result.verdict.is_finding)

    def count(self, verdict: Verdict) -> int:
        """Return how many evil tokens ended so."""
        return sum(result.verdict is verdict for result in self.results)

    def __str__(self) -> str:
        counts = Counter(result.verdict for result in self.results)
        summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
        lines = [f"{len(self.results)} evil tokens: {summary or 'none sent'}", *self.problems]
        by_weakness: dict[Weakness, list[Result]] = {}
        for result in sorted(self.findings, key=lambda result: _ORDER.index(result.evil.weakness.severity)):
            by_weakness.setdefault(result.evil.weakness, []).append(result)
        for weakness, results in by_weakness.items():
            lines += [
                f"{weakness.severity.upper()} {weakness.name}: {weakness.meaning}",
                f"    rule: {weakness.rule}",
                *(f"    {result}" for result in results),
            ]
        return "\n".join(lines)


class Options(TypedDict, total=False):
    """What an examination may be told; see :func:`assert_refuses`."""

    signing_key: Key | None
    accepts: Accepts | None
    select: Iterable[str]
    leave_out: Iterable[str]
    in_header: bool


def assert_refuses(
    send: Send, token: str, public_key: Key | None = None, **options: Unpack[Options]
) -> Report:
    """Assert that a service refuses every evil token made from a good one, and that this means something.

    It first sends the good token, none, garbage, and the good one with a flipped bit in its signature; then
    each evil token and, where that is refused and the signing key is given, its control; and at last the good
    token again. So neither a service that refuses everybody passes, nor one that accepts everybody.

    :param send: sends a token (or None) and returns what came back: the response of any HTTP client or test
        client, a status, or an Answer. An exception counts as a finding.
    :param token: a token that the service accepts.
    :param public_key: the issuer's public key.
    :param signing_key: the key of a test issuer; with it content attacks and controls are possible.
    :param accepts: whether an Answer is a yes; by default when it has the status that the good token got.
    :param select: only these attacks, by id or the beginning of it; ``leave_out``: not these.
    :param in_header: False for a ``send`` that bears line breaks, NUL and megabytes.
    :return: the report, when there is nothing to find.
    :raises AssertionError: otherwise; the text is the report.
    """
    steps = _examine(token, public_key, **options)
    text = next(steps)
    while True:
        try:
            answer = answer_of(send(text))
        except (AssertionError, ConfigurationError):
            raise
        except Exception as error:
            answer = crashed(error)
        try:
            text = steps.send(answer)
        except StopIteration as done:
            return _sound(done.value)


async def aassert_refuses(
    send: AsyncSend, token: str, public_key: Key | None = None, **options: Unpack[Options]
) -> Report:
    """Do what :func:`assert_refuses` does, with a ``send`` that is awaited."""
    steps = _examine(token, public_key, **options)
    text = next(steps)
    while True:
        try:
            answer = answer_of(await send(text))
        except (AssertionError, ConfigurationError):
            raise
        except Exception as error:
            answer = crashed(error)
        try:
            text = steps.send(answer)
        except StopIteration as done:
            return _sound(done.value)


def _sound(report: Report) -> Report:
    if report.findings or report.problems:
        raise AssertionError(str(report))
    return report


def _examine(
    token: str,
    public_key: Key | None = None,
    *,
    signing_key: Key | None = None,
    accepts: Accepts | None = None,
    select: Iterable[str] = (),
    leave_out: Iterable[str] = (),
    in_header: bool = True,
) -> Examination:
    """Yield what to send, and return the report."""
    sample = Sample.of(token, public_key=public_key, signing_key=signing_key)
    evil = evil_tokens(sample, select=select, leave_out=leave_out, in_header=in_header, informational=True)
    good, none, garbage, bit = (yield token), (yield None), (yield _GARBAGE), (yield flipped(sample))
    baselines = Baselines(good, none, garbage, bit)

    def same_status(answer: Answer) -> bool:
        return not answer.is_broken and answer.status == good.status

    says_yes = accepts or same_status
    problems = list(_refused_already(good)) if accepts is None else []
    problems = problems or list(judge_baselines(baselines, says_yes))
    if problems:
        return Report(baselines, (), tuple(problems))
    results = []
    for each in evil:
        answer = yield each.text
        control = None
        if each.control is not None and not answer.is_broken and not says_yes(answer):
            control = yield each.control
        results.append(Result(each, answer, judge(each.attack, answer, control, says_yes)))
    again = yield token
    if not says_yes(again):
        problems.append(
            f"the good token is refused in the end ({again}): the service turned against the sender, so that "
            "its refusals prove little"
        )
    return Report(baselines, tuple(results), tuple(problems))


def _refused_already(good: Answer) -> Iterator[str]:
    """Without a rule for what a yes is, an answer from 400 on is none."""
    if good.is_broken or good.status >= 400:
        yield f"the good token is refused ({good}): nothing can be told from refusals"
