"""The public key taken for an HMAC secret, in every form that its bytes can have (attacks S4 and S5)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mintmark.hostile.attack import ASYMMETRIC, ECDSA, EDDSA, RSA, Attack, Forge
from mintmark.hostile.sample import HASHES, Need
from mintmark.jose.encoding import json_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

__all__ = ["CONFUSION"]


@dataclass(frozen=True, slots=True)
class _Form:
    """One way in which a public key may lie about as bytes."""

    name: str
    title: str
    octets: Callable[[Key], bytes]
    algorithms: frozenset[str] = ASYMMETRIC


def _pem(key: Key) -> bytes:
    return key.to_pem().encode("ascii")


def _der(key: Key) -> bytes:
    return _write(key, Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _pkcs1(key: Key) -> bytes:
    return _write(key, Encoding.PEM, PublicFormat.PKCS1)


def _point(key: Key) -> bytes:
    return _write(key, Encoding.X962, PublicFormat.UncompressedPoint)


def _write(key: Key, encoding: Encoding, form: PublicFormat) -> bytes:
    native: Any = key.public.material.public
    octets: bytes = native.public_bytes(encoding, form)
    return octets


def _base64_of_der(key: Key) -> bytes:
    return b"".join(_pem(key).splitlines()[1:-1])


def _modulus(key: Key) -> bytes:
    numbers: Any = key.public.material.public.public_numbers()
    size: int = key.material.bits // 8
    octets: bytes = numbers.n.to_bytes(size)
    return octets


def _thumbprint_input(key: Key) -> bytes:
    return json_encode(dict(key.public.material.identity))  # RFC 7638 3.2: only what is required, sorted


def _jwk(key: Key) -> bytes:
    return json_encode(key.public.to_jwk())


def _jwk_sorted(key: Key) -> bytes:
    return json.dumps(key.public.to_jwk(), sort_keys=True, separators=(",", ":")).encode("ascii")


def _jwk_spaced(key: Key) -> bytes:
    return json.dumps(key.public.to_jwk()).encode("ascii")


def _jwks(key: Key) -> bytes:
    return json_encode(KeySet([key.public]).to_jwks())


def _member(name: str) -> Callable[[Key], bytes]:
    return lambda key: str(key.public.to_jwk()[name]).encode("ascii")


_RAW_KEYS: Final = EDDSA
_SSH: Final = RSA | {"ES256", "ES384", "ES512", "EdDSA", "Ed25519"}  # what OpenSSH has a name for

_PEM: Final = _Form("pem", "the PEM text", _pem)
_FORMS: Final = (
    _Form("pem-no-newline", "the PEM text without its last newline", lambda key: _pem(key).rstrip(b"\n")),
    _Form("pem-crlf", "the PEM text with CRLF", lambda key: _pem(key).replace(b"\n", b"\r\n")),
    _Form("pem-leading-space", "a space before the PEM text", lambda key: b" " + _pem(key)),
    _Form("pem-leading-newline", "a newline before the PEM text", lambda key: b"\n" + _pem(key)),
    _Form("pem-bom", "a byte order mark before the PEM text", lambda key: b"\xef\xbb\xbf" + _pem(key)),
    _Form("pem-one-line", "the PEM text with \\n spelled out", lambda key: _pem(key).replace(b"\n", b"\\n")),
    _Form("der", "the DER encoding", _der),
    _Form("der-base64", "the DER encoding in base64", _base64_of_der),
    _Form("jwk", "the JWK", _jwk),
    _Form("jwk-sorted", "the JWK, sorted", _jwk_sorted),
    _Form("jwk-spaced", "the JWK with spaces", _jwk_spaced),
    _Form("jwk-required", "the required members of the JWK", _thumbprint_input),
    _Form("jwks", "the JWK Set", _jwks),
    _Form("pkcs1-pem", "the PKCS#1 PEM text", _pkcs1, RSA),
    _Form(
        "pkcs1-pem-no-newline",
        "the PKCS#1 PEM text without its last newline",
        lambda key: _pkcs1(key).rstrip(b"\n"),
        RSA,
    ),
    _Form(
        "pkcs1-der", "the PKCS#1 DER encoding", lambda key: _write(key, Encoding.DER, PublicFormat.PKCS1), RSA
    ),
    _Form("modulus", "the modulus", _modulus, RSA),
    _Form("modulus-hex", "the modulus in hexadecimal", lambda key: _modulus(key).hex().encode(), RSA),
    _Form("modulus-text", "the member n of the JWK", _member("n"), RSA),
    _Form("point", "the point, uncompressed", _point, ECDSA),
    _Form("x-text", "the member x of the JWK", _member("x"), ECDSA | EDDSA),
    _Form("raw", "the raw public key", lambda key: _write(key, Encoding.Raw, PublicFormat.Raw), _RAW_KEYS),
    _Form("ssh", "the OpenSSH line", lambda key: _write(key, Encoding.OpenSSH, PublicFormat.OpenSSH), _SSH),
)


def _forge(form: _Form, alg: str) -> Forge:
    return lambda sample: sample.mac(form.octets(sample.public), alg=alg)


def _attack(id_: str, form: _Form, alg: str) -> Attack:
    return Attack(
        id_,
        f"{alg} with {form.title} of the public key for a secret",
        _forge(form, alg),
        needs=frozenset({Need.PUBLIC_KEY}),
        algorithms=form.algorithms,
    )


def _attacks() -> Iterator[Attack]:
    for alg in HASHES:
        yield _attack(f"S4.confusion.{alg.lower()}", _PEM, alg)
    for form in _FORMS:
        yield _attack(f"S5.confusion.{form.name}", form, "HS256")


CONFUSION: Final = tuple(_attacks())
