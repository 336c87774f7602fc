"""Inputs about which libraries disagree: what each does, what we do, and the section that decides.

A: accepted. r: refused through the library's own errors. L: a built-in exception leaked out. -: the library
has no such thing. The columns of the others are what their pinned releases do. What
``tests/jose/test_jose_strictness_table.py`` shows already is not repeated here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import joserfc.errors
import joserfc.jwe
import joserfc.jwk
import joserfc.jws
import joserfc.jwt
import jwcrypto.common
import jwcrypto.jwe
import jwcrypto.jwk
import jwcrypto.jws
import jwcrypto.jwt
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import jwt as pyjwt
from mintmark import Key, KeySet, MintmarkError, Verifier, jwe, jws

pytestmark = pytest.mark.filterwarnings("ignore")

SECRET = bytes(range(32))
LATER = int(time.time()) + 86_400
CLAIMS = {"iss": "https://a.example", "aud": "api", "exp": LATER}
EC = Key.generate("ES256")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


OCT = {"kty": "oct", "k": b64(SECRET)}


@dataclass(frozen=True)
class Row:
    """One input, who decides about it, and what ours, PyJWT, joserfc and jwcrypto do."""

    name: str
    section: str
    given: Any
    expected: str


def claimed(claims: Any = None, **header: Any) -> str:
    """Return a token that is validly signed, whatever its claims and header are."""
    body = claims if isinstance(claims, bytes) else json.dumps(CLAIMS if claims is None else claims).encode()
    text = f"{b64(json.dumps({'alg': 'HS256', **header}).encode())}.{b64(body)}"
    return f"{text}.{b64(hmac.digest(SECRET, text.encode(), 'sha256'))}"


def sealed(
    key: bytes = SECRET, *, encrypted_key: bytes = b"", tag: int = 16, **header: Any
) -> dict[str, str]:
    """Return the parts of a JWE with the key used directly."""
    protected = b64(json.dumps({"alg": "dir", "enc": "A256GCM", **header}).encode())
    octets = AESGCM(key).encrypt(bytes(12), b"content", protected.encode())
    parts = {"protected": protected, "encrypted_key": b64(encrypted_key), "iv": b64(bytes(12))}
    return parts | {"ciphertext": b64(octets[:-16]), "tag": b64(octets[-16:][:tag])}


def signed(protected: Any, header: Any = None, *, signatures: Any = None) -> dict[str, Any]:
    """Return a JWS in JSON form, validly signed."""
    encoded = "" if protected is None else b64(json.dumps(protected).encode())
    message: dict[str, Any] = {"payload": b64(b"content")}
    if signatures is not None:
        return message | {"signatures": signatures}
    mac = hmac.digest(SECRET, f"{encoded}.{message['payload']}".encode(), hashlib.sha256)
    entry = {"signature": b64(mac), **({"protected": encoded} if encoded else {})}
    return message | entry | ({"header": header} if header is not None else {})


# --- tokens ------------------------------------------------------------------------------------------------

TOKENS = (
    Row("nbf is text", "RFC 7519 4.1.5", claimed(CLAIMS | {"nbf": "0"}), "rArL"),
    Row("iat is true", "RFC 7519 2", claimed(CLAIMS | {"iat": True}), "rArA"),
    Row("iat is in the future", "RFC 7519 leaves it open", claimed(CLAIMS | {"iat": LATER}), "rrrA"),
    Row("exp lies beyond the year 9999", "RFC 7519 2", claimed(CLAIMS | {"exp": 10**18}), "rAAA"),
    Row("typ of a DPoP proof", "RFC 8725 3.11", claimed(typ="dpop+jwt"), "rAAA"),
    Row("typ is a number", "RFC 7515 4.1.9", claimed(typ=5), "rArA"),
    Row("claims in UTF-16", "RFC 8259 8.1", claimed(json.dumps(CLAIMS).encode("utf-16")), "rAAL"),
    Row("a byte order mark", "RFC 8259 8.1", claimed(b"\xef\xbb\xbf" + json.dumps(CLAIMS).encode()), "rAAA"),
    Row("a JWS in JSON form", "RFC 7519 7.2", json.dumps(signed({"alg": "HS256"})), "rrrL"),
)


def with_ours(token: str) -> None:
    key = Key.from_jwk(OCT, alg="HS256")
    Verifier(issuer="https://a.example", audience="api", keys=key).verify(token)


def with_pyjwt(token: str) -> None:
    pyjwt.decode(token, pyjwt.PyJWK(OCT, "HS256"), algorithms=["HS256"], issuer=CLAIMS["iss"], audience="api")


def with_joserfc(token: str) -> None:
    claims = joserfc.jwt.decode(token, joserfc.jwk.OctKey.import_key(OCT), algorithms=["HS256"]).claims
    wanted: dict[str, Any] = {name: {"essential": True, "value": CLAIMS[name]} for name in ("iss", "aud")}
    joserfc.jwt.JWTClaimsRegistry(**wanted).validate(claims)


def with_jwcrypto(token: str) -> None:
    jwcrypto.jwt.JWT(jwt=token, key=jwcrypto.jwk.JWK(**OCT), algs=["HS256"])


# --- messages ----------------------------------------------------------------------------------------------

MESSAGES = (
    Row(
        "a name in both headers", "RFC 7515 7.2.1", signed({"alg": "HS256", "kid": "a"}, {"kid": "a"}), "r-Ar"
    ),
    Row("b64 without crit", "RFC 7797 6", signed({"alg": "HS256", "b64": True}), "r-AA"),
    Row("alg only unprotected", "RFC 7515 4.1.1 allows it", signed(None, {"alg": "HS256"}), "r-AA"),
)


def message_ours(message: dict[str, Any]) -> None:
    jws.verify_json(message, Key.from_jwk(OCT, alg="HS256"))


def message_joserfc(message: dict[str, Any]) -> None:
    joserfc.jws.deserialize_json(message, joserfc.jwk.OctKey.import_key(OCT), algorithms=["HS256"])


def message_jwcrypto(message: dict[str, Any]) -> None:
    found = jwcrypto.jws.JWS()
    found.deserialize(json.dumps(message), jwcrypto.jwk.JWK(**OCT))


# --- encryption --------------------------------------------------------------------------------------------

SECRETS = (
    Row("a tag of 12 octets", "RFC 7518 5.3", sealed(tag=12), "r-Lr"),
    Row("crit is empty", "RFC 7516 4.1.13", sealed(crit=[]), "r-AA"),
    Row("kid is a number", "RFC 7516 4.1.6", sealed(kid=5), "r-rA"),
)


def compact(parts: dict[str, str]) -> str:
    return ".".join(parts[name] for name in ("protected", "encrypted_key", "iv", "ciphertext", "tag"))


def secret_ours(parts: dict[str, str]) -> None:
    jwe.decrypt(compact(parts), Key.from_jwk(OCT, alg="dir"), allow_zip=True)


def secret_joserfc(parts: dict[str, str]) -> None:
    joserfc.jwe.decrypt_compact(compact(parts), joserfc.jwk.OctKey.import_key(OCT))


def secret_jwcrypto(parts: dict[str, str]) -> None:
    found = jwcrypto.jwe.JWE()
    found.deserialize(compact(parts), jwcrypto.jwk.JWK(**OCT))


# --- keys --------------------------------------------------------------------------------------------------


def _ec(**changes: Any) -> dict[str, Any]:
    return EC.to_jwk(private=True) | changes


def _padded(name: str) -> str:
    octets = base64.urlsafe_b64decode(EC.to_jwk()[name] + "=")
    return b64(b"\0" + octets)


OTHER = Key.generate("ES256").to_jwk(private=True)["d"]
SMALL = b64((1).to_bytes(32, "little"))
RSA = Key.generate("RS256").to_jwk()
LONG_N = b64(b"\0" + base64.urlsafe_b64decode(RSA["n"] + "=="))

KEYS = (
    Row("x of 33 octets", "RFC 7518 6.2.1.2", _ec(x=_padded("x")), "rrAA"),
    Row("d of another key", "RFC 7518 6.2.2.1", _ec(d=OTHER), "rrLA"),
    Row("a leading zero in n", "RFC 7518 6.3.1.1", RSA | {"n": LONG_N}, "rAAA"),
    Row("e is 1", "RFC 8017 3.1", RSA | {"e": "AQ"}, "rrLA"),
    Row(
        "an Ed25519 key of small order", "RFC 8032 8.9", {"kty": "OKP", "crv": "Ed25519", "x": SMALL}, "rAAA"
    ),
    Row(
        "key_ops names one twice", "RFC 7517 4.3", OCT | {"alg": "HS256", "key_ops": ["sign", "sign"]}, "rAAr"
    ),
    Row("use and key_ops disagree", "RFC 7517 4.3", _ec(use="sig", key_ops=["deriveKey"]), "rArr"),
    Row("use of another alg", "RFC 7517 4.4", _ec(use="enc"), "rAAA"),
    Row("padding in k", "RFC 7515 2", {"kty": "oct", "alg": "HS256", "k": b64(SECRET) + "="}, "rALA"),
)

SETS = (
    Row("a member off its curve", "RFC 7517 5", [EC.to_jwk() | {"y": EC.to_jwk()["x"]}, EC.to_jwk()], "AALA"),
)


def set_ours(members: list[Any]) -> None:
    assert len(KeySet.from_jwks({"keys": members})) == 1


COLUMNS: tuple[tuple[tuple[Row, ...], tuple[Callable[[Any], object] | None, ...]], ...] = (
    (TOKENS, (with_ours, with_pyjwt, with_joserfc, with_jwcrypto)),
    (MESSAGES, (message_ours, None, message_joserfc, message_jwcrypto)),
    (SECRETS, (secret_ours, None, secret_joserfc, secret_jwcrypto)),
    (
        KEYS,
        (
            Key.from_jwk,
            pyjwt.PyJWK.from_dict,
            joserfc.jwk.JWKRegistry.import_key,
            lambda members: jwcrypto.jwk.JWK(**members),
        ),
    ),
    (
        SETS,
        (
            set_ours,
            lambda members: pyjwt.PyJWKSet.from_dict({"keys": members}),
            lambda members: joserfc.jwk.KeySet.import_key_set({"keys": members}),
            lambda members: jwcrypto.jwk.JWKSet.from_json(json.dumps({"keys": members})),
        ),
    ),
)
FAMILIES: tuple[tuple[type[Exception], ...], ...] = (
    (MintmarkError,),
    (pyjwt.PyJWTError,),
    (joserfc.errors.JoseError,),
    (jwcrypto.common.JWException, jwcrypto.jws.InvalidJWSSignature),
)


def letter(column: Callable[[Any], object] | None, family: tuple[type[Exception], ...], given: Any) -> str:
    if column is None:
        return "-"
    try:
        column(given)
    except family:
        return "r"
    except Exception:
        return "L"
    return "A"


@pytest.mark.parametrize(
    ("row", "columns"),
    [pytest.param(row, columns, id=row.name) for rows, columns in COLUMNS for row in rows],
)
def test_who_does_what(row: Row, columns: tuple[Callable[[Any], object] | None, ...]) -> None:
    found = "".join(
        letter(column, family, row.given) for column, family in zip(columns, FAMILIES, strict=True)
    )
    assert found == row.expected, row.section
