"""Tokens without a signature: alg none in every spelling, alg of wrong types, signatures left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mintmark.hostile.attack import Attack, Forge
from mintmark.hostile.sample import ABSENT, Need, Sample, attach

__all__ = ["UNSIGNED"]

_OWNER: Final = frozenset({Need.SIGNING_KEY})

_SPELLINGS: Final = (
    ("capital", "None"),
    ("capitals", "NONE"),
    ("mixed", "nOnE"),
    ("mixed-end", "noNE"),
    ("space-after", "none "),
    ("space-before", " none"),
    ("nul", "none\0"),
    ("newline", "none\n"),
    ("greek", "n\u03bfne"),  # an omicron
    ("fullwidth", "\uff4eone"),  # folds to «none» under NFKC
    ("blank", ""),
    ("null", "null"),
)
"""What a list of forbidden names forgets and a lenient dispatcher may still take for none."""

_ALGORITHMS: Final[tuple[tuple[str, str, Any], ...]] = (
    ("missing", "no alg", ABSENT),
    ("null", "alg is null", None),
    ("number", "alg is a number", 0),
    ("true", "alg is true", True),
    ("object", "alg is an object", {"name": "none"}),
    ("empty-list", "alg is an empty list", []),
    ("none-list", "alg is a list that holds none", ["none"]),
)


def _unsigned(alg: object, *, signed: bool = False) -> Forge:
    """Write ``alg`` and leave the signature out, or the old one in its place."""

    def forge(sample: Sample) -> str:
        return attach(sample.message(sample.header_with(alg=alg)), sample.signature if signed else b"")

    return forge


def _bare(sample: Sample) -> str:
    return attach(sample.message({"alg": "none"}), b"")


def _two_segments(sample: Sample) -> str:
    return sample.message(sample.header_with(alg="none")).decode("ascii")


def _spellings() -> Iterator[Attack]:
    for name, spelling in _SPELLINGS:
        title = f"alg {spelling!a}"
        yield Attack(f"S2.none.{name}", f"{title}, no signature", _unsigned(spelling))
        yield Attack(f"S2.none.{name}.signed", f"{title}, old signature", _unsigned(spelling, signed=True))


def _types() -> Iterator[Attack]:
    for name, title, alg in _ALGORITHMS:
        yield Attack(f"S3.alg.{name}", f"{title}, no signature", _unsigned(alg))
        yield Attack(f"S3.alg.{name}.sealed", f"{title}, honestly signed", _sealed(alg), needs=_OWNER)


def _sealed(alg: object) -> Forge:
    return lambda sample: sample.seal(sample.header_with(alg=alg))


def _as_list(sample: Sample) -> str:
    return sample.seal(sample.header_with(alg=[sample.alg]))


def _lower(sample: Sample) -> str:
    return sample.seal(sample.header_with(alg=sample.alg.lower()))


def _padded(sample: Sample) -> str:
    return sample.seal(sample.header_with(alg=f"{sample.alg} "))


def _with_signature(signature: bytes) -> Forge:
    return lambda sample: attach(sample.message(), signature)


def _zeros(sample: Sample) -> str:
    return attach(sample.message(), bytes(len(sample.signature)))


def _ones(sample: Sample) -> str:
    return attach(sample.message(), b"\xff" * len(sample.signature))


def _truncated(sample: Sample) -> str:
    return attach(sample.message(), sample.signature[:-1])


def _half(sample: Sample) -> str:
    return attach(sample.message(), sample.signature[: len(sample.signature) // 2])


def _text(text: str) -> Forge:
    return lambda sample: f"{sample.message().decode('ascii')}.{text}"


def _no_signature_segment(sample: Sample) -> str:
    return sample.message().decode("ascii")


UNSIGNED: Final = (
    Attack("S1.none.empty", "alg none, empty signature", _unsigned("none")),
    Attack("S1.none.two-segments", "alg none, no third segment", _two_segments),
    Attack("S1.none.signed", "alg none, old signature", _unsigned("none", signed=True)),
    Attack("S1.none.bare", "a header of nothing but alg none", _bare),
    *_spellings(),
    *_types(),
    Attack("S3.alg.list", "alg is a list of the right one, honestly signed", _as_list, needs=_OWNER),
    Attack("S3.alg.lower-case", "alg in lower case, honestly signed", _lower, needs=_OWNER),
    Attack("S3.alg.padded", "alg with a space behind, honestly signed", _padded, needs=_OWNER),
    Attack("S16.signature.empty", "the right alg, empty signature", _with_signature(b"")),
    Attack("S16.signature.missing", "the right alg, no third segment", _no_signature_segment),
    Attack("S16.signature.null", "the word null for a signature", _text("null")),
    Attack("S16.signature.undefined", "the word undefined for a signature", _text("undefined")),
    Attack("S16.signature.nul", "one zero byte for a signature", _with_signature(b"\0")),
    Attack("S16.signature.zeros", "a signature of zeros in the right length", _zeros),
    Attack("S16.signature.ones", "a signature of ones in the right length", _ones),
    Attack("S16.signature.truncated", "the last byte of the signature cut off", _truncated),
    Attack("S16.signature.half", "half of the signature cut off", _half),
)
