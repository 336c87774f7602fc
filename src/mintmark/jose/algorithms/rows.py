"""What a row of the algorithm tables holds: data and the few functions that differ between algorithms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from mintmark.jose.kinds.material import Material

__all__ = [
    "ContentEncryption",
    "KeyManagement",
    "Row",
    "Sign",
    "SignatureAlgorithm",
    "Stream",
    "Verify",
    "Wrapped",
]

Sign = Callable[[bytes], bytes]
"""Message to signature."""
Verify = Callable[[bytes, bytes], bool]
"""Message and signature to whether they fit; never raises."""


class Stream(Protocol):
    """A signature over a message that comes in parts."""

    def update(self, part: bytes, /) -> None: ...

    def sign(self) -> bytes: ...

    def verify(self, signature: bytes, /) -> bool: ...


class SignatureAlgorithm(Struct, frozen=True):
    """One ``alg`` of JWS.

    ``accepts`` are the header names that mean this algorithm when verifying (RFC 9864 gave some a second
    one). ``generate`` takes a size in bits and a curve, both optional. ``check`` raises InvalidKey for a key
    that the algorithm must not be used with; its second argument admits legacy strength.
    """

    name: str
    kty: str
    crvs: tuple[str, ...]
    accepts: tuple[str, ...]
    generate: Callable[[int | None, str | None], Material]
    check: Callable[[Material, bool], None]
    signer: Callable[[Material], Sign]
    verifier: Callable[[Material], Verify]
    stream: Callable[[Material], Stream] | None = None
    use: str = "sig"
    produces: frozenset[str] = frozenset(("sign",))
    consumes: frozenset[str] = frozenset(("verify",))


class Wrapped(NamedTuple):
    """What key management gives a sender: the key, how the recipient gets it, and header members for that."""

    cek: bytes
    encrypted_key: bytes
    header: dict[str, Any]


class ContentEncryption(Struct, frozen=True):
    """One ``enc`` of JWE. ``decrypt`` raises DecryptionFailed, whatever the reason."""

    name: str
    key_bytes: int
    iv_bytes: int
    tag_bytes: int
    encrypt: Callable[[bytes, bytes, bytes, bytes], tuple[bytes, bytes]]
    """(key, iv, plaintext, aad) to (ciphertext, tag)"""
    decrypt: Callable[[bytes, bytes, bytes, bytes, bytes], bytes]
    """(key, iv, ciphertext, tag, aad) to plaintext"""


class KeyManagement(Struct, frozen=True):
    """One ``alg`` of JWE.

    ``direct`` ones give the content key themselves (shared or agreed), so there is one recipient and no
    encrypted key. ``by_name`` ones are refused until the caller names them. ``wrap`` takes the content key to
    wrap (None for direct ones) and the header built so far; ``unwrap`` the joined header of the recipient.
    """

    name: str
    kty: str
    crvs: tuple[str, ...]
    accepts: tuple[str, ...]
    generate: Callable[[int | None, str | None], Material]
    check: Callable[[Material, bool], None]
    wrap: Callable[[Material, ContentEncryption, bytes | None, Mapping[str, Any]], Wrapped]
    unwrap: Callable[[Material, ContentEncryption, Mapping[str, Any], bytes], bytes]
    direct: bool = False
    by_name: bool = False
    use: str = "enc"
    produces: frozenset[str] = frozenset(("encrypt", "wrapKey", "deriveKey", "deriveBits"))
    consumes: frozenset[str] = frozenset(("decrypt", "unwrapKey", "deriveKey", "deriveBits"))


Row = SignatureAlgorithm | KeyManagement
