"""What a kid can do to a careless look-up, and the keys that careless look-ups find (attacks S22 to S26)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mintmark.hostile.attack import Attack, Forge
from mintmark.hostile.sample import HASHES, Need, Sample

__all__ = ["KEY_IDS"]

_OWNER: Final = frozenset({Need.SIGNING_KEY})

_LOOKUPS: Final = (
    ("dev-null", "a path to an empty file", "../../../../../../dev/null", b""),
    ("dev-null-absolute", "an absolute path to an empty file", "/dev/null", b""),
    ("dev-null-encoded", "a path with encoded dots", "..%2f..%2f..%2f..%2fdev%2fnull", b""),
    ("known-file", "a path to a file of known content", "/proc/sys/kernel/randomize_va_space", b"2\n"),
    ("sql-union", "an SQL query that yields a secret", "x' UNION SELECT 'secret' -- ", b"secret"),
    ("sql-true", "an SQL condition that is always true", "x' OR '1'='1", b""),
    ("command", "a shell command", "|id", b""),
    ("command-substitution", "a shell command in dollar brackets", "$(id)", b""),
    ("ldap", "an LDAP wildcard", "*)(uid=*", b""),
    ("template", "a template expression", "{{7*7}}", b"49"),
    ("header-split", "a line break and a header", "x\r\nX-Injected: 1", b""),
    ("nul", "a zero byte", "x\0", b""),
    ("blank", "nothing", "", b""),
    ("wildcard", "an asterisk", "*", b""),
    ("prototype", "the name __proto__", "__proto__", b""),
    ("constructor", "the name constructor", "constructor", b""),
    ("url", "an address within the network", "http://169.254.169.254/latest/meta-data/", b""),
    ("unknown", "a name that nobody has", "no-such-key", b""),
    ("long", "five thousand characters", "k" * 5000, b""),
)
"""(name, title, kid, what a look-up that falls for it finds)."""

_WRONG_TYPES: Final[tuple[tuple[str, str, Any], ...]] = (
    ("null", "kid is null", None),
    ("number", "kid is a number", 0),
    ("true", "kid is true", True),
    ("list", "kid is an empty list", []),
    ("object", "kid is a query object", {"$ne": None}),
)

_SECRETS: Final = (
    ("S25.empty-key.nothing", "nothing", b""),
    ("S25.empty-key.nul", "a zero byte", b"\0"),
    ("S25.empty-key.zeros", "32 zero bytes", bytes(32)),
    ("S25.empty-key.null", "the word null", b"null"),
    ("S25.empty-key.none", "the word None", b"None"),
    ("S25.empty-key.undefined", "the word undefined", b"undefined"),
    ("S26.secret.secret", "the word secret", b"secret"),
    ("S26.secret.changeme", "the word changeme", b"changeme"),
    ("S26.secret.password", "the word password", b"password"),
    ("S26.secret.your-256-bit-secret", "jwt.io's example", b"your-256-bit-secret"),
    ("S26.secret.long-example", "jwt.io's longer example", b"a-string-secret-at-least-256-bits-long"),
)
"""(id, title, secret): what an empty look-up yields, and what people leave in examples."""


def _named(kid: object, secret: bytes) -> Forge:
    return lambda sample: sample.mac(secret, header=sample.header_with(kid=kid))


def _other_key(kid: object) -> Forge:
    return lambda sample: sample.forge(sample.intruder, sample.header_with(kid=kid))


def _sealed(kid: object) -> Forge:
    return lambda sample: sample.seal(sample.header_with(kid=kid))


def _our_kid_in_a_list(sample: Sample) -> str | None:
    kid = sample.header.get("kid")
    return None if kid is None else sample.seal(sample.header_with(kid=[kid]))


def _secret(secret: bytes, alg: str) -> Forge:
    return lambda sample: sample.mac(secret, alg=alg)


def _attacks() -> Iterator[Attack]:
    for name, title, kid, secret in _LOOKUPS:
        yield Attack(f"S22.kid.{name}", f"kid: {title}; HMAC with what that yields", _named(kid, secret))
    yield Attack(
        "S22.kid.dev-null.asymmetric", "kid: a path to an empty file; an unknown key", _other_key("/dev/null")
    )
    for name, title, value in _WRONG_TYPES:
        yield Attack(f"S23.kid.{name}", f"{title}, honestly signed", _sealed(value), needs=_OWNER)
        yield Attack(f"S23.kid.{name}.forged", f"{title}, HMAC with an empty key", _named(value, b""))
    yield Attack(
        "S23.kid.our-kid-in-a-list", "kid is a list of the right one", _our_kid_in_a_list, needs=_OWNER
    )
    for id_, title, secret in _SECRETS:
        yield Attack(id_, f"HMAC with {title}", _secret(secret, "HS256"))
    for alg in tuple(HASHES)[1:]:
        yield Attack(f"S25.empty-key.{alg.lower()}", f"{alg} with nothing", _secret(b"", alg))


KEY_IDS: Final = tuple(_attacks())
