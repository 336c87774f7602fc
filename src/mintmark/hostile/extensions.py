"""Header extensions that change what a token means: crit and b64 (attacks S27 and S28)."""

from __future__ import annotations

from typing import Any, Final

from mintmark.hostile.attack import Attack, Forge, honest
from mintmark.hostile.sample import Sample

__all__ = ["EXTENSIONS"]

_UNKNOWN: Final = "https://example.com/unknown"


def _header(members: dict[str, Any]) -> Forge:
    return lambda sample: sample.seal({**sample.header, **members})


def _attack(
    name: str, title: str, members: dict[str, Any], *, control: dict[str, Any] | None = None
) -> Attack:
    """Build a row; without the owner's key the signature is broken as well, and the row says less."""

    def shape(sample: Sample) -> str:
        return honest(sample) if control is None else sample.seal({**sample.header, **control})

    return Attack(name, title, _header(members), shape=shape)


EXTENSIONS: Final = (
    _attack(
        "S27.crit.unknown",
        "crit names an extension that nobody knows",
        {"crit": [_UNKNOWN], _UNKNOWN: True},
        control={_UNKNOWN: True},  # an unknown parameter as such must be ignored (RFC 7515 4)
    ),
    _attack("S27.crit.absent", "crit names a parameter that is not there", {"crit": ["exp"]}),
    _attack("S27.crit.registered", "crit names alg", {"crit": ["alg"]}),
    _attack("S27.crit.empty", "crit is an empty list", {"crit": []}),
    _attack(
        "S27.crit.twice", "crit names one extension twice", {"crit": [_UNKNOWN, _UNKNOWN], _UNKNOWN: True}
    ),
    _attack("S27.crit.text", "crit is a text", {"crit": _UNKNOWN, _UNKNOWN: True}),
    _attack("S27.crit.null", "crit is null", {"crit": None}),
    _attack("S27.crit.object", "crit is an object", {"crit": {_UNKNOWN: True}, _UNKNOWN: True}),
    _attack("S27.crit.number", "crit is a list of a number", {"crit": [0]}),
    # The signature is over the same characters either way, so a verifier that ignores b64 finds it right.
    _attack("S28.b64.false", "b64 is false, as crit says", {"b64": False, "crit": ["b64"]}),
    _attack("S28.b64.not-critical", "b64 is false, crit does not say so", {"b64": False}),
    _attack("S28.b64.text", "b64 is the text false", {"b64": "false", "crit": ["b64"]}),
    _attack("S28.b64.zero", "b64 is 0", {"b64": 0, "crit": ["b64"]}),
)
