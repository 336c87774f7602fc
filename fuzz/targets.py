"""One function per parser. The property of all: a value or a MintmarkError, soon; and where there is a fast
path, it answers exactly as the strict one.

A function returns when the property holds, and raises AssertionError (or whatever escaped) when it does not.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final, TypedDict, cast

import msgspec
import seeds
from seeds import AUDIENCE, ISSUER, NOW

from mintmark import UNCHECKED, Key, KeySet, SignIn, Verifier, inspect, jwe, jws
from mintmark.errors import MintmarkError
from mintmark.jose import encoding
from mintmark.jose.jws import verifier_for
from mintmark.jose.strict_json import MAX_DEPTH, decode_strictly
from mintmark.jwt.cache import Memory
from mintmark.jwt.policy import Policy
from mintmark.jwt.profiles import ACCESS_TOKEN, CLIENT_ASSERTION, ID_TOKEN, LOGOUT_TOKEN, REVOCATIONS
from mintmark.jwt.profiles.dpop import verify_proof
from mintmark.jwt.reader import ClaimsReader
from mintmark.jwt.status_list import StatusList, StatusReference
from mintmark.net.targets import check_url
from mintmark.resource_server.event_stream import EventStream
from mintmark.resource_server.key_document import read_key_document

__all__ = ["TARGETS", "Target"]

_CANONICAL: Final = re.compile(r"[A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True)
class Target:
    """A parser under test, and what the fuzzer starts from."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    longest: int = 4096


def _outcome(work: Callable[[], Any]) -> tuple[str, Any]:
    """Return what came of it in a form that can be compared; let everything escape that is not ours."""
    try:
        return "value", work()
    except MintmarkError as error:
        return type(error).__name__, error.code


def _same(one: Any, other: Any) -> bool:
    """Compare JSON values as JSON does: 1 is neither true nor 1.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) and repr(one) == repr(other)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


# --- encodings ---------------------------------------------------------------------------------------------


def base64url(data: bytes) -> None:
    text = data.decode("latin-1")
    kind, value = _outcome(lambda: encoding.b64url_decode(text))
    canonical = False
    if _CANONICAL.match(text) and len(text) % 4 != 1:
        octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        canonical = base64.urlsafe_b64encode(octets).rstrip(b"=").decode() == text
        assert not canonical or value == octets
    assert (kind == "value") is canonical
    assert _outcome(lambda: encoding.b64url_decode(data)) == (kind, value)


def json(data: bytes) -> None:
    fast = _outcome(lambda: encoding.json_decode(data))
    strict = _outcome(lambda: decode_strictly(data, "it", MAX_DEPTH))
    assert fast[0] == strict[0], (fast, strict)
    if fast[0] == "value":
        assert _same(fast[1], strict[1]), (fast, strict)
        written = encoding.json_encode(fast[1])
        assert encoding.json_decode(written) == fast[1]
    members = _outcome(lambda: encoding.json_object(data))
    assert (members[0] == "value") is (strict[0] == "value" and type(strict[1]) is dict)
    assert members[0] != "value" or _same(members[1], strict[1])
    _outcome(lambda: encoding.json_decode(_text(data)))


# --- keys --------------------------------------------------------------------------------------------------


def _check_key(key: Key) -> None:
    again = Key.from_jwk(key.to_jwk(private=key.is_private), allow_legacy=key.is_legacy)
    assert (again.thumbprint, again.alg, again.kid) == (key.thumbprint, key.alg, key.kid) or not key.kid
    members = key.to_jwk(private=True) if key.is_private else {}
    for name in ("d", "k", "p", "priv"):
        assert name not in members or len(members[name]) < 8 or members[name] not in repr(key)
    if key.kty != "oct":
        public = key.public.to_jwk()
        assert not {"d", "p", "q", "dp", "dq", "qi", "k", "priv"} & public.keys()


def jwk(data: bytes) -> None:
    for legacy in (False, True):
        kind, key = _outcome(lambda legacy=legacy: Key.from_jwk(data, allow_legacy=legacy))  # type: ignore[misc]
        if kind == "value":
            _check_key(key)


def jwks(data: bytes) -> None:
    kind, keys = _outcome(lambda: KeySet.from_jwks(data))
    if kind == "value":
        keys.problems()
        keys.to_jwks()
        repr(keys)
    _outcome(lambda: KeySet.from_jwks(data, algorithms=["RS256", "ES256", "ECDH-ES"]))
    _outcome(lambda: read_key_document(data))


def pem(data: bytes) -> None:
    for password in (None, b"x"):
        kind, key = _outcome(partial(Key.from_pem, data, password=password))
        if kind == "value":
            _check_key(key)
    _outcome(lambda: Key.from_pem(data, alg="PS256", allow_legacy=True))


def der(data: bytes) -> None:
    for password in (None, b"x"):
        kind, key = _outcome(partial(Key.from_der, data, password=password))
        if kind == "value":
            _check_key(key)


# --- signatures and encryption -----------------------------------------------------------------------------


@cache
def _warm_verifier() -> Callable[[str], Any]:
    verify = verifier_for(seeds.signing_keys())
    for token in seeds.compact_jws():
        _outcome(partial(verify, token.decode()))
    return verify


def jws_compact(data: bytes) -> None:
    token, keys = _text(data), seeds.signing_keys()
    strict = _outcome(lambda: jws.verify(token, keys))
    fast = _outcome(lambda: _warm_verifier()(token))
    if strict[0] == "value":
        strict = "value", (strict[1].payload, strict[1].header, strict[1].key)
    assert fast == strict, (fast, strict)
    _outcome(lambda: jws.verify(token, keys, detached_payload=b"{}"))


def jws_signed(data: bytes) -> None:
    """Whatever header the fuzzer makes, under a signature that holds."""
    header, _, payload = data.partition(b"\0")
    message = encoding.b64url_encode(header) + "." + encoding.b64url_encode(payload)
    sign = seeds.key("HS256").sign_bytes
    assert sign is not None
    jws_compact(f"{message}.{encoding.b64url_encode(sign(message.encode()))}".encode())


def jws_json(data: bytes) -> None:
    _outcome(lambda: jws.verify_json(data, seeds.signing_keys()))
    kind, members = _outcome(lambda: encoding.json_object(data))
    if kind == "value":
        by_text = _outcome(lambda: jws.verify_json(data, seeds.signing_keys()))[0]
        by_members = _outcome(lambda: jws.verify_json(members, seeds.signing_keys()))[0]
        assert by_text == by_members


def jws_stream(data: bytes) -> None:
    """A payload in parts is verified as the same payload in one piece."""
    token, _, payload = data.partition(b"\0")
    parts = [payload[at : at + 5] for at in range(0, len(payload), 5)]
    whole = _outcome(lambda: jws.verify(_text(token), seeds.streaming_keys(), detached_payload=payload))
    found = _outcome(lambda: jws.verify_stream(_text(token), parts, seeds.streaming_keys()))
    if whole[0] == "value":
        whole, found = (
            (whole[0], (whole[1].header, whole[1].key)),
            (found[0], (found[1].header, found[1].key)),
        )
    assert found == whole, (found, whole)


def jwe_compact(data: bytes) -> None:
    token, keys = _text(data), seeds.encryption_keys()
    _outcome(lambda: jwe.decrypt(token, keys))
    _outcome(lambda: jwe.decrypt(token, keys, allow_zip=True, max_plaintext=1000))


def jwe_header(data: bytes) -> None:
    """Whatever header the fuzzer makes, before parts of the right sizes."""
    header, _, wrapped = data.partition(b"\0")
    parts = (header, wrapped, bytes(12), b"x", bytes(16))
    jwe_compact(".".join(map(encoding.b64url_encode, parts)).encode())


def jwe_json(data: bytes) -> None:
    _outcome(lambda: jwe.decrypt_json(data, seeds.encryption_keys(), allow_zip=True))


# --- tokens ------------------------------------------------------------------------------------------------


class _Typed(TypedDict, total=False):
    sub: str
    scope: str
    auth_time: float
    amr: list[str]


class _Struct(msgspec.Struct):
    iss: str
    jti: str | None = None
    aud: str | list[str] = ""


@cache
def _verifiers() -> tuple[tuple[Verifier[Any], Any], ...]:
    common: dict[str, Any] = {"audience": AUDIENCE, "keys": seeds.key("HS256"), "clock": lambda: NOW}
    plain = {**common, "issuer": ISSUER}
    free = {**common, "issuer": UNCHECKED, "audience": UNCHECKED, "typ": UNCHECKED}
    nested = {"decryption_keys": seeds.encryption_keys(), "accept_unencrypted": True}
    sign_in = SignIn(nonce="n", access_token="token", code="code", max_age=60)
    return (
        (Verifier(**plain), None),
        (Verifier(**plain, profile=ACCESS_TOKEN, typ=UNCHECKED, into=_Typed), None),
        (Verifier(**plain, profile=ID_TOKEN), sign_in),
        (Verifier(**plain, profile=LOGOUT_TOKEN, max_age=60), None),
        (Verifier(**{**plain, "issuer": "app"}, profile=CLIENT_ASSERTION), None),
        (Verifier(**{**plain, "audience": UNCHECKED}, profile=REVOCATIONS, typ=UNCHECKED), None),
        (Verifier(**free, expires=UNCHECKED, into=_Struct), None),
        (Verifier(**plain, **nested), None),
    )


def verifier(data: bytes) -> None:
    token = _text(data)
    for check, expected in _verifiers():
        first = _outcome(partial(check.verify, token, expected=expected))
        again = _outcome(partial(check.verify, token, expected=expected))
        assert first == again, (first, again)
        problems = check.check(token, expected=expected)
        assert (first[0] == "value") is (not problems), (first, problems)
        if problems:
            assert first == (type(problems[0]).__name__, problems[0].code), (first, problems)


def claims(data: bytes) -> None:
    """Whatever payload the fuzzer makes, in a token whose signature holds."""
    verifier(jws.sign(data, seeds.key("HS256"), header={"typ": "JWT"}).encode())


@cache
def _readers() -> tuple[ClaimsReader, ...]:
    profiles = (None, ACCESS_TOKEN, ID_TOKEN, LOGOUT_TOKEN, REVOCATIONS)
    policies = [Policy.build(issuer=ISSUER, audience=AUDIENCE, profile=profile) for profile in profiles]
    policies.append(Policy.build(issuer=UNCHECKED, audience=UNCHECKED, expires=UNCHECKED, max_age=60))
    return tuple(map(ClaimsReader, policies))


def _read(reader: ClaimsReader, *payloads: bytes) -> tuple[str, Any]:
    """Return what comes of the last of these payloads: claims, and in which span they passed at a glance."""
    header, key = {"alg": "HS256"}, seeds.key("HS256")
    memory = Memory(limit=len(payloads))
    memory.remember_header(header)
    accept = copy(reader).accepting(memory, lambda members, *_: cast(Any, members))
    for payload in payloads[:-1]:
        accept(payload, header, key, "", NOW)
    memory.entries.clear()
    kind, found = _outcome(lambda: accept(payloads[-1], header, key, "", NOW))
    if kind == "value":
        found = dict(found), [span for _, _, *span in memory.entries.values()]
    return kind, found


def layout(data: bytes) -> None:
    """Claims as they come after two tokens of one layout, which the first byte chooses, and after none."""
    ordinary = seeds.profile_claims()
    known = ordinary[data[0] % len(ordinary)] if data else b"{}"
    for reader in _readers():
        quick, slow = _read(reader, known, known, data[1:]), _read(reader, data[1:])
        assert quick[0] == slow[0], (quick, slow)
        if quick[0] == "value":
            assert _same(quick[1][0], slow[1][0]), (quick, slow)
            assert quick[1][1] == slow[1][1], (quick, slow)


def status_list(data: bytes) -> None:
    """A list whose first byte says how wide a status is, and what a token says of a list."""
    lst = encoding.b64url_encode(data[1:])
    kind, found = _outcome(
        lambda: StatusList.of({"status_list": {"bits": int.from_bytes(data[:1]), "lst": lst}}, largest=4096)
    )
    if kind == "value":
        assert len(found.data) <= 4096
        assert StatusList.of({"status_list": found.to_claim()}) == found
        assert all(
            _outcome(partial(found.status, index))[0] == "value" for index in range(min(len(found), 20))
        )
        assert _outcome(partial(found.status, len(found)))[0] == "InvalidClaim"
    kind, members = _outcome(lambda: encoding.json_object(data[1:]))
    if kind == "value":
        _outcome(lambda: StatusList.of(members))
        _outcome(lambda: StatusReference.of(members))


def inspection(data: bytes) -> None:
    for seen in (inspect(data), inspect(_text(data))):
        assert "UNVERIFIED" in repr(seen)


def dpop(data: bytes) -> None:
    options: dict[str, Any] = {"method": "GET", "url": "https://api.example.com/orders", "now": NOW}
    options |= {"access_token": "token", "bound_to": UNCHECKED, "nonce": UNCHECKED}
    _outcome(lambda: verify_proof(_text(data), **options))


def dpop_claims(data: bytes) -> None:
    """Whatever a holder of a key says."""
    key = seeds.key("ES256")
    jwk = {name: value for name, value in key.public.to_jwk().items() if name in {"kty", "crv", "x", "y"}}
    dpop(jws.sign(data, key, header={"typ": "dpop+jwt", "jwk": jwk}).encode())


# --- around ------------------------------------------------------------------------------------------------


def url(data: bytes) -> None:
    _outcome(lambda: check_url(_text(data), allow_http={"a.example"}))


def events(data: bytes) -> None:
    """However the bytes are cut, the same events come out."""

    def read(*chunks: bytes) -> Any:
        stream = EventStream()
        return [event for chunk in chunks for event in stream.feed(chunk)]

    middle = len(data) // 2
    whole = _outcome(lambda: read(data))
    assert _outcome(lambda: read(data[:middle], data[middle:])) == whole
    assert _outcome(lambda: read(*(data[at : at + 1] for at in range(len(data))))) == whole


TARGETS: Final = {
    "base64url": Target(base64url, lambda: [b"", b"AA", b"AAA", b"AAAA", b"-_-_", b"AQ==", b"A+/="], 512),
    "json": Target(json, seeds.json_texts),
    "jwk": Target(jwk, seeds.jwk),
    "jwks": Target(jwks, seeds.jwks, 16384),
    "pem": Target(pem, seeds.pem),
    "der": Target(der, seeds.der),
    "jws_compact": Target(jws_compact, seeds.compact_jws),
    "jws_signed": Target(jws_signed, lambda: seeds.headers(seeds.compact_jws())),
    "jws_json": Target(jws_json, seeds.json_jws),
    "jws_stream": Target(jws_stream, seeds.detached_jws),
    "jwe_compact": Target(jwe_compact, seeds.compact_jwe),
    "jwe_header": Target(jwe_header, lambda: seeds.headers(seeds.compact_jwe())),
    "jwe_json": Target(jwe_json, seeds.json_jwe),
    "verifier": Target(verifier, seeds.tokens),
    "claims": Target(claims, seeds.profile_claims),
    "layout": Target(layout, seeds.layouts),
    "status_list": Target(status_list, seeds.status_lists),
    "inspection": Target(inspection, lambda: seeds.tokens() + seeds.compact_jwe()),
    "dpop": Target(dpop, seeds.proofs, 8192),
    "dpop_claims": Target(dpop_claims, seeds.dpop_claims),
    "url": Target(url, lambda: [b"https://a.example/x?y=1", b"http://[::1]:8080/", b"http://a.example"], 512),
    "events": Target(
        events, lambda: [b"id: 1\ndata: {}\n\n", b": heartbeat\r\n\r\nevent: x\rdata:y\r\r"], 1024
    ),
}
"""Every parser, by name."""
