"""Broken tokens, built from a good one: a table of attacks, and the rules to judge the answers to them.

Pure: nothing here sends anything. ``mintmark.testing`` throws these tokens in tests, the auditor at services.
"""

from __future__ import annotations

from mintmark.hostile.attack import Attack, Need, Outcome
from mintmark.hostile.judging import Answer, Baselines, Verdict, judge, judge_baselines
from mintmark.hostile.sample import Intruders, Sample
from mintmark.hostile.table import ATTACKS, find
from mintmark.hostile.weaknesses import WEAKNESSES, Severity, Weakness

__all__ = [
    "ATTACKS",
    "WEAKNESSES",
    "Answer",
    "Attack",
    "Baselines",
    "Intruders",
    "Need",
    "Outcome",
    "Sample",
    "Severity",
    "Verdict",
    "Weakness",
    "find",
    "judge",
    "judge_baselines",
]
