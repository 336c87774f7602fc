"""Keys that the token itself brings along or points to: jwk, x5c, jku, x5u (attacks S19 to S21)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from mintmark.hostile.attack import ASYMMETRIC, ECDSA, EDDSA, RSA, Attack
from mintmark.hostile.sample import ABSENT, Need, Sample
from mintmark.jose.encoding import json_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

__all__ = ["BORROWED_KEYS"]

_FROM: Final = datetime(2020, 1, 1, tzinfo=UTC)
_UNTIL: Final = datetime(2100, 1, 1, tzinfo=UTC)

Additions = Callable[[Sample, Key], Mapping[str, Any]]
"""The header members that present the key."""


def _jwk(sample: Sample, key: Key) -> Mapping[str, Any]:
    return {"jwk": key.public.to_jwk()}


def _jwk_like_ours(sample: Sample, key: Key) -> Mapping[str, Any]:
    return {"jwk": {**key.public.to_jwk(), "kid": sample.header.get("kid", "")}}


def _jwk_text(sample: Sample, key: Key) -> Mapping[str, Any]:
    return {"jwk": json_encode(key.public.to_jwk()).decode("ascii")}


def _jwks(sample: Sample, key: Key) -> Mapping[str, Any]:
    return {"jwks": KeySet([key]).to_jwks()}


def _x5c(sample: Sample, key: Key) -> Mapping[str, Any]:
    return {"x5c": [b64encode(_self_signed(key)).decode("ascii")]}


def _self_signed(key: Key) -> bytes:
    native: Any = key.material.private
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "intruder")])
    builder = x509.CertificateBuilder(name, name, key.material.public, 1, _FROM, _UNTIL)
    digest = hashes.SHA256() if isinstance(native, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) else None
    return builder.sign(native, digest).public_bytes(Encoding.DER)


def _address(parameter: str, address: Callable[[Sample, Key], str]) -> Additions:
    return lambda sample, key: {parameter: address(sample, key)}


def _callback(sample: Sample, key: Key) -> str:
    return sample.callback


def _data(sample: Sample, key: Key) -> str:
    octets = json_encode(KeySet([key]).to_jwks())
    return "data:application/json;base64," + b64encode(octets).decode("ascii")


def _file(sample: Sample, key: Key) -> str:
    return "file:///dev/null"


def _internal(sample: Sample, key: Key) -> str:
    return "http://169.254.169.254/latest/meta-data/"  # where clouds keep their credentials


def _attack(name: str, title: str, additions: Additions, *, kid: object = None) -> Attack:
    """Build the row: the intruder's key in the header, under the good token's kid unless told otherwise."""

    def forge(sample: Sample) -> str:
        key = sample.intruder
        return sample.forge(key, sample.header_with(**_kid(kid, key), **additions(sample, key)))

    def shape(sample: Sample) -> str:
        return sample.seal(sample.header_with(**additions(sample, sample.intruder)))

    return Attack(name, title, forge, shape=shape)


def _kid(kid: object, key: Key) -> dict[str, Any]:
    return {} if kid is None else {"kid": key.kid if kid is True else kid}


def _other_family(sample: Sample) -> str:
    key = sample.intruders.key("ES256" if sample.alg in RSA else "RS256")
    return sample.forge(key, sample.header_with(jwk=key.public.to_jwk()))


def _secret(sample: Sample) -> str:
    key = sample.intruders.key("HS256")
    return sample.forge(key, sample.header_with(jwk=key.to_jwk(private=True)))


def _public_as_embedded(sample: Sample) -> str:
    """The real public key embedded, and a stranger's signature: taken where a known jwk is enough."""
    return sample.forge(sample.intruder, sample.header_with(jwk=sample.public.to_jwk()))


def _attacks() -> Iterator[Attack]:
    yield _attack("S19.jwk.our-kid", "the intruder's key in jwk, the issuer's kid", _jwk)
    yield _attack("S19.jwk.same-name", "the same, and the embedded key has the issuer's kid", _jwk_like_ours)
    yield _attack("S19.jwk.own-kid", "the intruder's key in jwk, its own kid", _jwk, kid=True)
    yield _attack("S19.jwk.no-kid", "the intruder's key in jwk, no kid", _jwk, kid=ABSENT)
    yield _attack("S19.jwk.text", "the intruder's key in jwk, as a text", _jwk_text, kid=ABSENT)
    yield _attack("S19.jwk.set", "the intruder's key in a header member jwks", _jwks, kid=ABSENT)
    yield Attack("S19.jwk.other-family", "a key of another kind in jwk", _other_family)
    yield Attack("S19.jwk.secret", "a shared secret in jwk", _secret)
    yield Attack(
        "S19.jwk.public",
        "the issuer's key in jwk, signed by another",
        _public_as_embedded,
        needs=frozenset({Need.PUBLIC_KEY}),
        algorithms=ASYMMETRIC,
    )
    certified = RSA | ECDSA | EDDSA
    for name, kid in (("our-kid", None), ("no-kid", ABSENT)):
        row = _attack(f"S20.x5c.{name}", "a self-signed certificate in x5c", _x5c, kid=kid)
        yield Attack(row.id, row.title, row.forge, algorithms=certified, shape=row.shape)
    for parameter in ("jku", "x5u"):
        for name, title, address in (
            ("callback", "an address of the intruder", _callback),
            ("data", "a data: address that holds the key", _data),
            ("file", "a file: address", _file),
            ("internal", "an address within the network", _internal),
        ):
            yield _attack(
                f"S21.{parameter}.{name}",
                f"{title} in {parameter}",
                _address(parameter, address),
                kid=True,
            )


BORROWED_KEYS: Final = tuple(_attacks())
