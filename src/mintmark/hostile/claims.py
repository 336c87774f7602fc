"""Tokens of the right issuer with the wrong content. All are honestly signed, so all need the owner's key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from mintmark.hostile.attack import Attack, Forge, honest
from mintmark.hostile.sample import ABSENT, Need, Sample
from mintmark.jose.encoding import json_encode

__all__ = ["CLAIMS"]

_OWNER: Final = frozenset({Need.SIGNING_KEY})
_HOUR: Final = 3600
_YEAR: Final = 365 * 24 * _HOUR
_MOST_LEEWAY: Final = 300


def _attack(id_: str, title: str, forge: Forge, shape: Callable[[Sample], str] = honest) -> Attack:
    return Attack(id_, title, forge, needs=_OWNER, shape=shape)


def _with(**changes: Any) -> Forge:
    return lambda sample: sample.seal(claims=sample.claims_with(**changes))


def _without(name: str) -> Forge:
    """Leave a claim out, where the good token has it."""
    return lambda sample: (
        sample.seal(claims=sample.claims_with(**{name: ABSENT})) if name in sample.claims else None
    )


def _verbatim(name: str, value: bytes) -> Forge:
    """Write a value that no encoder of JSON would write."""

    def forge(sample: Sample) -> str:
        others = json_encode(sample.claims_with(**{name: ABSENT}))
        return sample.seal(claims=others[:-1] + f',"{name}":'.encode() + value + b"}")

    return forge


# --- times (C1 to C5): relative to the good token's own, so that no clock is needed ------------------------


def _begin(sample: Sample) -> float:
    """When the good token was valid for sure; the past in any case."""
    issued, expiry = sample.claims.get("iat"), sample.claims.get("exp")
    if isinstance(issued, int | float):
        return issued
    return expiry - _YEAR if isinstance(expiry, int | float) else 0


def _end(sample: Sample) -> float:
    expiry = sample.claims.get("exp")
    return expiry if isinstance(expiry, int | float) else 4_000_000_000


def _expired(ago: float) -> Forge:
    def forge(sample: Sample) -> str:
        end = _begin(sample) - ago
        times = {"iat": end - _HOUR, "nbf": end - _HOUR, "exp": end}
        present = {name: value for name, value in times.items() if name in sample.claims or name == "exp"}
        return sample.seal(claims=sample.claims_with(**present))

    return forge


def _future(name: str) -> Forge:
    """Valid only after the good token's end, and long enough, so that nothing but ``name`` says no."""

    def forge(sample: Sample) -> str:
        begin = _end(sample) + _HOUR
        return sample.seal(claims=sample.claims_with(**{name: begin, "exp": begin + _HOUR}))

    return forge


def _as_text(name: str) -> Forge:
    return lambda sample: sample.seal(claims=sample.claims_with(**{name: str(int(_end(sample)))}))


_NO_TIMES: Final[tuple[tuple[str, str, Any], ...]] = (
    ("null", "null", None),
    ("true", "true", True),
    ("list", "a list", [4_000_000_000]),
    ("object", "an object", {"$gt": 0}),
    ("word", "a word", "never"),
)
_NO_NUMBERS: Final = (
    ("too-large", "1e400", b"1e400"),
    ("nan", "NaN", b"NaN"),
    ("infinity", "Infinity", b"Infinity"),
    ("long", "an integer of 400 digits", b"9" * 400),
    ("longer", "an integer of 5,000 digits", b"9" * 5000),
    ("far", "the year 100,000", b"3093527980800"),
    ("milliseconds", "in milliseconds", b"4000000000000"),
    ("negative", "negative", b"-1"),
    ("zero", "zero", b"0"),
)


def _times() -> Iterator[Attack]:
    yield _attack("C1.exp.missing", "no exp", _without("exp"))
    yield _attack("C1.exp.past", "expired an hour before the good token was issued", _expired(_HOUR))
    yield _attack("C1.exp.long-past", "expired a year ago", _expired(_YEAR))
    yield _attack("C5.exp.leeway", "expired for longer than any leeway", _expired(_MOST_LEEWAY + 1))
    yield _attack("C2.exp.text", "exp is a text of digits", _as_text("exp"))
    for name, title, value in _NO_TIMES:
        yield _attack(f"C2.exp.{name}", f"exp is {title}", _with(exp=value))
    for name, title, text in _NO_NUMBERS:
        yield _attack(f"C3.exp.{name}", f"exp is {title}", _verbatim("exp", text))
    for name in ("nbf", "iat"):
        yield _attack(f"C4.{name}.future", f"{name} in the future", _future(name))
        yield _attack(f"C4.{name}.text", f"{name} is a text", _with(**{name: "soon"}))
        yield _attack(f"C4.{name}.null", f"{name} is null", _with(**{name: None}))
        yield _attack(f"C4.{name}.too-large", f"{name} is 1e400", _verbatim(name, b"1e400"))


# --- texts that must be exactly one (C6 to C9) -------------------------------------------------------------


def _respelled(name: str, respell: Callable[[str], Any]) -> Forge:
    """Put something like the good text in its place, where the good token has one."""

    def forge(sample: Sample) -> str | None:
        value = sample.claims.get(name)
        if isinstance(value, list) and value:
            value = value[0]
        if not isinstance(value, str) or not value:
            return None
        return sample.seal(claims=sample.claims_with(**{name: respell(value)}))

    return forge


_Respellings = tuple[tuple[str, str, Callable[[str], Any]], ...]

_AUDIENCES: Final[_Respellings] = (
    ("other", "another service", lambda text: "https://another-service.example"),
    ("prefix", "the beginning of the right one", lambda text: text[:-1]),
    ("longer", "the right one and more", lambda text: f"{text}x"),
    ("within", "the right one within another", lambda text: f"x{text}x"),
    ("case", "the right one in another case", lambda text: text.swapcase()),
    ("words", "several in one text", lambda text: f"{text} other"),
    ("commas", "several in one text, with commas", lambda text: f"{text},other"),
    ("blank", "an empty text", lambda text: ""),
    ("none-listed", "an empty list", lambda text: []),
    ("blank-listed", "a list of an empty text", lambda text: [""]),
    ("other-listed", "a list of others", lambda text: ["https://another-service.example"]),
    ("mixed", "a list of the right one and a number", lambda text: [text, 0]),
    ("nested", "a list within a list", lambda text: [[text]]),
    ("object", "an object with the right name", lambda text: {text: True}),
    ("true", "true", lambda text: True),
    ("null", "null", lambda text: None),
    ("wildcard", "an asterisk", lambda text: "*"),
)
_ISSUERS: Final[_Respellings] = (
    ("other", "another issuer", lambda text: "https://another-issuer.example"),
    (
        "slash",
        "the right one, with or without the last slash",
        lambda text: text[:-1] if text.endswith("/") else f"{text}/",
    ),
    ("prefix", "the beginning of the right one", lambda text: text[:-1]),
    ("longer", "the right one and more", lambda text: f"{text}.attacker.example"),
    ("path", "the right one and a path", lambda text: f"{text}/tenant"),
    ("case", "the right one in another case", lambda text: text.swapcase()),
    ("list", "a list of the right one", lambda text: [text]),
    ("object", "an object with the right name", lambda text: {text: True}),
    ("space", "the right one and a space", lambda text: f"{text} "),
    ("blank", "an empty text", lambda text: ""),
    ("null", "null", lambda text: None),
)
_NO_TEXTS: Final[tuple[tuple[str, str, Any], ...]] = (
    ("number", "a number", 0),
    ("true", "true", True),
    ("list", "a list", ["alice", "bob"]),
    ("object", "a query object", {"$ne": None}),
)
_OTHER_TYPES: Final = (
    ("logout", "a logout token", "logout+jwt"),
    ("dpop", "a DPoP proof", "dpop+jwt"),
    ("event", "a security event", "secevent+jwt"),
    ("assertion", "a client assertion", "client-authentication+jwt"),
)


def _texts() -> Iterator[Attack]:
    yield _attack("C6.aud.missing", "no aud", _without("aud"))
    for name, title, respell in _AUDIENCES:
        yield _attack(f"C6.aud.{name}", f"aud: {title}", _respelled("aud", respell))
    yield _attack("C7.iss.missing", "no iss", _without("iss"))
    for name, title, respell in _ISSUERS:
        yield _attack(f"C7.iss.{name}", f"iss: {title}", _respelled("iss", respell))
    for claim in ("sub", "jti"):
        for name, title, value in _NO_TEXTS:
            yield _attack(f"C8.{claim}.{name}", f"{claim} is {title}", _with(**{claim: value}))


_NO_TYPES: Final[tuple[tuple[str, str, Any], ...]] = (
    ("number", "a number", 0),
    ("null", "null", None),
    ("list", "a list", ["JWT"]),
)


def _typ(typ: Any) -> Forge:
    return lambda sample: sample.seal(sample.header_with(typ=typ))


def _longer_typ(sample: Sample) -> str:
    return sample.seal(sample.header_with(typ=f"{sample.header.get('typ', 'JWT')}x"))


def _id_token(sample: Sample) -> str | None:
    """An ID token says JWT or nothing; only a token with a typ of its own can be told from one."""
    ordinary = {"jwt", "application/jwt"}
    if str(sample.header.get("typ", "JWT")).lower() in ordinary:
        return None
    return sample.seal(sample.header_with(typ="JWT"))


def _no_typ(sample: Sample) -> str | None:
    return None if _id_token(sample) is None else sample.seal(sample.header_with(typ=ABSENT))


def _types() -> Iterator[Attack]:
    for name, title, typ in _OTHER_TYPES:
        yield _attack(f"C9.typ.{name}", f"typ: {title}", _typ(typ))
    yield _attack("C9.typ.longer", "typ: the right one and more", _longer_typ)
    yield _attack("C9.typ.id-token", "typ: an ID token", _id_token)
    yield _attack("C9.typ.missing", "no typ where the good token has its own", _no_typ)
    for name, title, value in _NO_TYPES:
        yield _attack(f"C9.typ.{name}", f"typ is {title}", _typ(value))


CLAIMS: Final = (*_times(), *_texts(), *_types())
