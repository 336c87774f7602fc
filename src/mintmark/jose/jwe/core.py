"""What every form of JWE shares: which key and algorithms apply, sealing and opening the content."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from os import urandom
from typing import Any, Final

from mintmark._discreet import Discreet
from mintmark.errors import (
    AlgorithmNotAllowed,
    ConfigurationError,
    DecryptionFailed,
    ErrorCode,
    InvalidKey,
    MalformedToken,
    UnknownKey,
)
from mintmark.jose.algorithms import CONTENT, content_encryption, deflate
from mintmark.jose.algorithms.rows import ContentEncryption, KeyManagement
from mintmark.jose.header import check_header, refuse_header
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet, select

__all__ = [
    "Decrypted",
    "Sealed",
    "check_sender",
    "choose_encryption",
    "decrypt_with",
    "seal",
    "sender_header",
]

MAX_PASSWORDS: Final = 4
_RESERVED: Final = ("alg", "enc", "kid", "zip", "epk", "iv", "tag", "p2s", "p2c")
_DIRECT_BY_SIZE: Final = {
    16: "A128GCM",
    24: "A192GCM",
    32: "A256GCM",
    48: "A192CBC-HS384",
    64: "A256CBC-HS512",
}


class Decrypted(Discreet, frozen=True):
    """A plaintext, the header that applied, and the key that opened it."""

    plaintext: bytes
    header: Mapping[str, Any]
    key: Key

    def __repr__(self) -> str:
        return f"<Decrypted {len(self.plaintext)} bytes, alg={self.header.get('alg')!r} kid={self.key.kid!r}>"


class Sealed(Discreet, frozen=True):
    """The encrypted content."""

    iv: bytes
    ciphertext: bytes
    tag: bytes

    def __repr__(self) -> str:
        return f"<Sealed {len(self.ciphertext)} bytes>"


# --- sending -----------------------------------------------------------------------------------------------


def check_sender(key: Key, allow: Collection[str]) -> KeyManagement:
    """Return the row of a key that may encrypt.

    :raises ConfigurationError: when it is not a Key.
    :raises InvalidKey: when it may not.
    """
    row = management_row(key)
    if row.by_name and row.name not in allow:
        raise InvalidKey(
            f"{row.name} is off unless allowed by name",
            code=ErrorCode.KEY_WEAK,
            hint=f"allow=({row.name!r},)",
        )
    key.require(producing=True)
    return row


def management_row(key: Key) -> KeyManagement:
    """Return the key's row.

    :raises ConfigurationError: when it is not a Key.
    :raises InvalidKey: when its algorithm does not encrypt.
    """
    if not isinstance(key, Key):
        raise ConfigurationError(
            "keys are Key objects, never text or bytes", hint="Key.from_jwk, Key.from_pem, …"
        )
    if not isinstance(key.row, KeyManagement):
        raise InvalidKey(f"{key.alg} does not encrypt", code=ErrorCode.KEY_WRONG_USE, kid=key.kid)
    return key.row


def choose_encryption(key: Key, enc: str | None) -> ContentEncryption:
    """Return the content encryption asked for, or the one that the key implies.

    :raises ConfigurationError: when there is none of that name.
    """
    if enc is None:
        if key.alg in CONTENT:
            enc = key.alg
        elif key.alg == "dir":
            enc = _DIRECT_BY_SIZE[len(key.material.private)]
        else:
            enc = "A256GCM"
    return content_encryption(enc)


def sender_header(
    key: Key, encryption: ContentEncryption, extra: Mapping[str, Any] | None, compress: bool
) -> dict[str, Any]:
    """Return the header of a message to one recipient, before key management adds to it.

    :raises ConfigurationError: when ``extra`` names what comes by itself.
    """
    header: dict[str, Any] = {"alg": key.accepts[0], "enc": encryption.name}
    if not isinstance(extra, Mapping | None):
        raise ConfigurationError("further header parameters are a mapping from names to values")
    for name, value in (extra or {}).items():
        if name in _RESERVED:
            raise ConfigurationError(f"the header parameter {name!r} does not come from header=", claim=name)
        header[name] = value
    if key.kid:
        header["kid"] = key.kid
    if compress:
        header["zip"] = "DEF"
    try:
        check_header(header, header, understood=frozenset(header))
    except MalformedToken as error:
        raise ConfigurationError(error.message, claim=error.claim) from None
    return header


def seal(plaintext: bytes, encryption: ContentEncryption, cek: bytes, aad: bytes, compress: bool) -> Sealed:
    """Encrypt the content under a fresh random IV."""
    if not isinstance(plaintext, bytes):
        raise ConfigurationError("a plaintext is bytes")
    iv = urandom(encryption.iv_bytes)
    content = deflate.deflate(plaintext) if compress else plaintext
    return Sealed(iv, *encryption.encrypt(cek, iv, content, aad))


# --- receiving ---------------------------------------------------------------------------------------------


def decrypt_with(
    keys: Key | KeySet,
    header: Mapping[str, Any],
    encrypted_key: bytes,
    sealed: Sealed,
    aad: bytes,
    *,
    encs: Collection[str] | None,
    allow: Collection[str],
    max_inflated: int | None,
) -> Decrypted:
    """Open the content for one recipient: ``header`` is what applies to it, already checked.

    :raises AlgorithmNotAllowed: when ``alg``, ``enc`` or ``zip`` is not allowed.
    :raises DecryptionFailed: when the key does not open it, whatever the reason.
    """
    encryption = _encryption(header, encs)
    if "zip" in header:
        _check_zip(header, max_inflated)
    candidates = select(keys, header.get("kid"), header["alg"], "enc")
    if header["alg"].startswith("PBES2") and len(candidates) > MAX_PASSWORDS:  # each is stretched at length
        raise UnknownKey(f"the token names no kid, and more than {MAX_PASSWORDS} passwords fit its algorithm")
    failure = DecryptionFailed("the content cannot be decrypted")
    for key in candidates:
        row = management_row(key)
        if row.by_name and row.name not in allow:
            raise AlgorithmNotAllowed(
                f"{row.name} is off unless allowed by name", actual=row.name, hint=f"allow=({row.name!r},)"
            )
        key.require(producing=False)
        try:
            plaintext = _open(row, key, encryption, header, encrypted_key, sealed, aad)
        except DecryptionFailed as error:
            failure = error
            continue
        if "zip" in header and max_inflated is not None:
            plaintext = deflate.inflate(plaintext, max_inflated)
        return Decrypted(plaintext, header, key)
    raise failure


def _encryption(header: Mapping[str, Any], encs: Collection[str] | None) -> ContentEncryption:
    name = header.get("enc")
    if type(name) is not str:
        refuse_header("enc", "the header names no content encryption (RFC 7516 4.1.2)")
    if name not in CONTENT or (encs is not None and name not in encs):
        raise AlgorithmNotAllowed("the content encryption is not allowed", claim="enc", actual=name[:40])
    return content_encryption(name)


def _check_zip(header: Mapping[str, Any], max_inflated: int | None) -> None:
    if header["zip"] != "DEF":
        refuse_header("zip", "the only zip is DEF (RFC 7516 4.1.3)")
    if max_inflated is None:
        raise AlgorithmNotAllowed(
            "compressed content is off unless allowed", claim="zip", hint="allow_zip=True"
        )


def _open(
    row: KeyManagement,
    key: Key,
    encryption: ContentEncryption,
    header: Mapping[str, Any],
    encrypted_key: bytes,
    sealed: Sealed,
    aad: bytes,
) -> bytes:
    # Exact lengths before any cryptography: a short tag is a forger's (CVE-2018-1000539).
    if len(sealed.iv) != encryption.iv_bytes or len(sealed.tag) != encryption.tag_bytes:
        raise DecryptionFailed("the content cannot be decrypted")
    cek = row.unwrap(key.material, encryption, header, encrypted_key)
    return encryption.decrypt(cek, sealed.iv, sealed.ciphertext, sealed.tag, aad)
