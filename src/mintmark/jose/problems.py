"""The linter of key sets: what is weak, ambiguous, inconsistent or published by mistake.

Reading a set already refuses what must not be used; this says what is wrong with the set as such, for the
person who publishes it and for the auditor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from mintmark.jose.jwk import Key
    from mintmark.jose.jwks import KeySet

__all__ = ["Problem", "ProblemCode", "Severity", "problems"]

_MIN_FUTURE_RSA_BITS: Final = 3072  # NIST SP 800-57 part 1, after 2030
_FEW_BYTES: Final = 10  # distinct bytes below which 32 random ones would not fall once in 10**15 sets


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class ProblemCode(StrEnum):
    """What was found, for machines."""

    SKIPPED = "skipped"
    PRIVATE = "private"
    SHARED_SECRET = "shared_secret"  # noqa: S105
    WEAK = "weak"
    LOW_ENTROPY = "low_entropy"
    DUPLICATE_KID = "duplicate_kid"
    SAME_MATERIAL = "same_material"
    BY_NAME_ONLY = "by_name_only"
    DEPRECATED = "deprecated"
    EMPTY = "empty"


class Problem(Struct, frozen=True):
    """One finding about a key set. ``kid`` names the key, or is None for the set as a whole."""

    code: ProblemCode
    severity: Severity
    message: str
    kid: str | None = None


def problems(keys: KeySet, *, published: bool = True) -> tuple[Problem, ...]:
    """Return what is wrong with a key set.

    :param published: the set is one that others can read, so nothing in it may be secret.
    """
    found = [*_of_the_set(keys)]
    for key in keys:
        found.extend(_of_a_key(key, published))
    return tuple(found)


def _of_the_set(keys: KeySet) -> Iterator[Problem]:
    if not len(keys):
        yield Problem(ProblemCode.EMPTY, Severity.WARNING, "the set has no usable key")
    for skipped in keys.skipped:
        message = f"member {skipped.index} was not taken: {skipped.reason}"
        yield Problem(ProblemCode.SKIPPED, Severity.ERROR, message, skipped.kid)
    for kid in _repeated(key.kid for key in keys):
        yield Problem(
            ProblemCode.DUPLICATE_KID, Severity.WARNING, "several keys have this kid (RFC 7517 4.5)", kid
        )
    for thumbprint in _repeated(key.thumbprint for key in keys):
        names = ", ".join(repr(key.kid) for key in keys if key.thumbprint == thumbprint)
        message = f"one key material stands under several names or algorithms: {names} (RFC 8725bis 3.1)"
        yield Problem(ProblemCode.SAME_MATERIAL, Severity.ERROR, message)


def _of_a_key(key: Key, published: bool) -> Iterator[Problem]:
    if key.kty == "oct":
        if published:
            message = "a shared secret in a published set is no secret"
            yield Problem(ProblemCode.SHARED_SECRET, Severity.ERROR, message, key.kid)
        if len(set(key.material.private)) < min(_FEW_BYTES, len(key.material.private) // 2):
            message = "the secret repeats few bytes; it was not drawn at random"
            yield Problem(ProblemCode.LOW_ENTROPY, Severity.ERROR, message, key.kid)
    elif key.is_private and published:
        message = "the private half stands in a published set"
        yield Problem(ProblemCode.PRIVATE, Severity.ERROR, message, key.kid)
    if key.is_legacy:
        message = "the key is weaker than its algorithm asks for"
        yield Problem(ProblemCode.WEAK, Severity.ERROR, message, key.kid)
    elif key.kty == "RSA" and key.material.bits < _MIN_FUTURE_RSA_BITS:
        message = f"RSA under {_MIN_FUTURE_RSA_BITS} bits is advised against after 2030 (NIST SP 800-57)"
        yield Problem(ProblemCode.WEAK, Severity.NOTE, message, key.kid)
    if getattr(key.row, "by_name", False):
        message = f"{key.alg} is off unless allowed by name"
        yield Problem(ProblemCode.BY_NAME_ONLY, Severity.WARNING, message, key.kid)
    if key.alg == "EdDSA":
        message = f"EdDSA is deprecated; the name of this algorithm is {key.crv} (RFC 9864)"
        yield Problem(ProblemCode.DEPRECATED, Severity.NOTE, message, key.kid)


def _repeated(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(value for value in values if value).items() if count > 1]
