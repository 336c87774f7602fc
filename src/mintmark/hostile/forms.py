"""Tokens of another form: other serializations, other segments, encrypted ones, and oversized ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from mintmark.hostile.attack import ECDSA, RSA, Attack, Forge
from mintmark.hostile.sample import Need, Sample, attach
from mintmark.jose import jwe
from mintmark.jose.encoding import b64url_encode, json_encode
from mintmark.jose.jwk import Key

__all__ = ["FORMS"]

_OWNER: Final = frozenset({Need.SIGNING_KEY})
_PUBLIC: Final = frozenset({Need.PUBLIC_KEY})

# --- the JSON serializations -------------------------------------------------------------------------------


def _json_parts(sample: Sample) -> dict[str, str]:
    protected, payload, signature = sample.token.split(".")
    return {"payload": payload, "protected": protected, "signature": signature}


def _flattened(sample: Sample) -> str:
    return json_encode(_json_parts(sample)).decode("ascii")


def _general(sample: Sample) -> str:
    parts = _json_parts(sample)
    payload = parts.pop("payload")
    return json_encode({"payload": payload, "signatures": [parts]}).decode("ascii")


def _no_signatures(sample: Sample) -> str:
    return json_encode({"payload": _json_parts(sample)["payload"], "signatures": []}).decode("ascii")


def _payload_alone(sample: Sample) -> str:
    return json_encode({"payload": _json_parts(sample)["payload"]}).decode("ascii")


def _forged_payload(sample: Sample) -> str:
    return b64url_encode(json_encode(sample.claims_with(sub="intruder")))


def _polyglot(sample: Sample) -> str:
    """A JSON object that splits at its dots into a compact token with other claims (CVE-2022-39227)."""
    parts = _json_parts(sample)
    name = f"{parts['protected']}.{_forged_payload(sample)}."
    return json_encode({name: "", **parts}).decode("ascii")


def _unprotected_none(sample: Sample) -> str:
    payload = _json_parts(sample)["payload"]
    return json_encode({"payload": payload, "header": {"alg": "none"}, "signature": ""}).decode("ascii")


# --- encrypted to the public key (which anyone can) --------------------------------------------------------


def _encryption_key(sample: Sample) -> Key:
    members = {k: v for k, v in sample.public.to_jwk().items() if k not in ("alg", "use", "key_ops")}
    return Key.from_jwk(members, alg="RSA-OAEP-256" if sample.alg in RSA else "ECDH-ES")


def _encrypted(plaintext: Callable[[Sample], bytes], **header: str) -> Forge:
    def forge(sample: Sample) -> str:
        return jwe.encrypt(plaintext(sample), _encryption_key(sample), enc="A256GCM", header=header)

    return forge


def _claims(sample: Sample) -> bytes:
    return json_encode(sample.claims)


def _unsigned_token(sample: Sample) -> bytes:
    return attach(sample.message({"alg": "none"}), b"").encode("ascii")


def _costly_password(sample: Sample) -> str:
    """A JWE that asks for two billion rounds of hashing before anything can be refused (Tervoort 2023)."""
    header = {
        "alg": "PBES2-HS256+A128KW",
        "enc": "A128GCM",
        "p2s": "c2FsdHNhbHRzYWx0",
        "p2c": 2**31 - 1,
    }
    segments = (bytes(24), bytes(12), bytes(16), bytes(16))
    return ".".join((b64url_encode(json_encode(header)), *map(b64url_encode, segments)))


# --- other numbers of segments -----------------------------------------------------------------------------


def _text(respell: Callable[[str], str]) -> Forge:
    return lambda sample: respell(sample.token)


_RESPELLINGS: Final[tuple[tuple[str, str, Callable[[str], str]], ...]] = (
    ("nothing", "an empty text", lambda token: ""),
    ("one", "the header alone", lambda token: token.partition(".")[0]),
    ("dots", "two dots and nothing else", lambda token: ".."),
    ("leading-dot", "a dot before the token", lambda token: f".{token}"),
    ("trailing-dot", "a dot after the token", lambda token: f"{token}."),
    ("four", "a fourth segment", lambda token: f"{token}.AAAA"),
    ("five", "five segments", lambda token: f"{token}.AAAA.AAAA"),
    ("no-header", "an empty header", lambda token: "." + token.partition(".")[2]),
    ("no-payload", "an empty payload", lambda token: "{0}..{2}".format(*token.split("."))),
    ("twice", "the token twice", lambda token: f"{token}.{token}"),
    ("scheme", "the word Bearer before the token", lambda token: f"Bearer {token}"),
    ("leading-space", "a space before the token", lambda token: f" {token}"),
    ("newline", "a newline after the token", lambda token: f"{token}\n"),
    ("nul", "a zero byte after the token", lambda token: f"{token}\0"),
    ("inner-space", "a space after the first dot", lambda token: token.replace(".", ". ", 1)),
    ("quotes", "quotes around the token", lambda token: f'"{token}"'),
    ("comma", "a comma and a second token", lambda token: f"{token},{token}"),
)

# --- made to exhaust ---------------------------------------------------------------------------------------


def _nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def _header_text(members: bytes) -> Forge:
    return lambda sample: sample.seal(header=json_encode(sample.header)[:-1] + b"," + members + b"}")


def _claims_text(members: bytes) -> Forge:
    return lambda sample: sample.seal(claims=json_encode(sample.claims)[:-1] + b"," + members + b"}")


def _with_claim(value: Any) -> Callable[[Sample], str]:
    return lambda sample: sample.seal(claims=sample.claims_with(x=value))


def _many_critical(sample: Sample) -> str:
    return sample.seal(sample.header_with(crit=[f"x{number}" for number in range(1000)]))


_DEEP: Final = 3000  # beyond what a recursive reader bears, and still short enough for a request header
_HUGE: Final = 2 << 20


def _exhausting() -> Iterator[Attack]:
    flat = _with_claim([[[]]])
    deep = b'"x":' + _nested(_DEEP)
    integer = b'"x":' + b"9" * 5000  # CPython refuses to read more than 4,300 digits, by ValueError
    yield Attack("S38.header.deep", f"the header nested {_DEEP} levels deep", _header_text(deep))
    yield Attack("S38.header.integer", "an integer of 5,000 digits in the header", _header_text(integer))
    yield Attack("S38.header.crit", "a crit of a thousand names", _many_critical)
    yield Attack("S38.form.dots", "ten thousand dots", lambda sample: "." * 10_000)
    yield Attack("S38.form.deep-text", "ten thousand brackets for a token", lambda sample: "[" * 10_000)
    yield Attack(
        "S38.claims.deep",
        f"the claims nested {_DEEP} levels deep",
        _claims_text(deep),
        needs=_OWNER,
        shape=flat,
    )
    yield Attack(
        "S38.claims.integer",
        "an integer of 5,000 digits in the claims",
        _claims_text(integer),
        needs=_OWNER,
        shape=_with_claim(9),
    )
    yield Attack(
        "S38.size.claims",
        "two megabytes of claims, honestly signed",
        _with_claim("x" * _HUGE),
        needs=_OWNER,
        shape=_with_claim("x"),
    )


FORMS: Final = (
    Attack("S33.json.flattened", "the same token in the flattened JSON form", _flattened),
    Attack("S33.json.general", "the same token in the general JSON form", _general),
    Attack("S33.json.polyglot", "a JSON form that is read as another token", _polyglot),
    Attack("S33.json.unprotected", "a JSON form with alg none in an unprotected header", _unprotected_none),
    Attack("S32.json.no-signatures", "a JSON form with an empty list of signatures", _no_signatures),
    Attack("S32.json.payload-alone", "a JSON form without signatures", _payload_alone),
    Attack(
        "S34.jwe.claims",
        "the claims encrypted to the public key",
        _encrypted(_claims, typ="JWT"),
        needs=_PUBLIC,
        algorithms=RSA | ECDSA - {"ES256K"},
    ),
    Attack("S34.jwe.password", "an encrypted token that asks for 2³¹ rounds of hashing", _costly_password),
    Attack(
        "S42.nested.unsigned",
        "an unsigned token encrypted to the public key",
        _encrypted(_unsigned_token, cty="JWT"),
        needs=_PUBLIC,
        algorithms=RSA | ECDSA - {"ES256K"},
    ),
    *(Attack(f"S36.segments.{name}", title, _text(respell)) for name, title, respell in _RESPELLINGS),
    *_exhausting(),
)
