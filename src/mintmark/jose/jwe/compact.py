"""The compact form: header, encrypted key, IV, ciphertext and tag between four dots (RFC 7516 3.1, 7.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from mintmark._discreet import Discreet
from mintmark.errors import ErrorCode, MalformedToken
from mintmark.jose.algorithms.deflate import MAX_BYTES
from mintmark.jose.encoding import b64url_decode, b64url_encode, freeze, json_encode
from mintmark.jose.header import check_header, read_header
from mintmark.jose.jwe.core import (
    Decrypted,
    Sealed,
    check_sender,
    choose_encryption,
    decrypt_with,
    seal,
    sender_header,
)
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

__all__ = ["Decrypted", "Parts", "decrypt", "encrypt", "parse_compact"]

MAX_CHARACTERS: Final = 1 << 20


class Parts(Discreet, frozen=True):
    """A compact JWE taken apart and *not* decrypted."""

    header: Mapping[str, Any]
    encoded_header: str
    encrypted_key: bytes
    sealed: Sealed

    def __repr__(self) -> str:
        return f"<Parts, not decrypted, alg={self.header.get('alg')!r} enc={self.header.get('enc')!r}>"


def encrypt(
    plaintext: bytes,
    key: Key,
    *,
    enc: str | None = None,
    header: Mapping[str, Any] | None = None,
    compress: bool = False,
    allow: Collection[str] = (),
) -> str:
    """Return ``plaintext`` encrypted to ``key``, in compact form.

    :param enc: the content encryption; by default what the key is bound to, else the one that fits a ``dir``
        key, else A256GCM.
    :param header: further parameters (``typ``, ``cty``, ``apu``, ``apv`` …); ``alg``, ``enc``, ``kid`` and
        what key management needs come by themselves.
    :param compress: deflate first. The length of the token then tells something about its content.
    :param allow: names of algorithms that are off by default: RSA1_5, PBES2-….
    :raises ConfigurationError: when the header says what it must not, or ``enc`` is unknown.
    :raises InvalidKey: when the key may not encrypt, or not with this ``enc``.
    """
    row = check_sender(key, allow)
    encryption = choose_encryption(key, enc)
    protected = sender_header(key, encryption, header, compress)
    wrapped = row.wrap(key.material, encryption, None, protected)
    protected.update(wrapped.header)
    encoded_header = b64url_encode(json_encode(protected))
    sealed = seal(plaintext, encryption, wrapped.cek, encoded_header.encode("ascii"), compress)
    segments = (wrapped.encrypted_key, sealed.iv, sealed.ciphertext, sealed.tag)
    return ".".join((encoded_header, *(b64url_encode(segment) for segment in segments)))


def decrypt(
    token: str,
    keys: Key | KeySet,
    *,
    encs: Collection[str] | None = None,
    allow: Collection[str] = (),
    allow_zip: bool = False,
    max_size: int = MAX_CHARACTERS,
    max_plaintext: int = MAX_BYTES,
) -> Decrypted:
    """Return the content of a compact JWE (RFC 7516 5.2).

    :param encs: the content encryptions to take; by default all of them.
    :param allow: names of algorithms that are off by default: RSA1_5, PBES2-….
    :param allow_zip: take compressed content.
    :param max_size: the longest token to look at, in characters.
    :param max_plaintext: the most bytes that compressed content may become.
    :raises MalformedToken: when it is not such a token.
    :raises AlgorithmNotAllowed: when its algorithms are not the key's, or not allowed.
    :raises UnknownKey: when no key fits.
    :raises DecryptionFailed: for everything else, always the same.
    """
    parts = parse_compact(token, max_size=max_size)
    return decrypt_with(
        keys,
        parts.header,
        parts.encrypted_key,
        parts.sealed,
        parts.encoded_header.encode("ascii"),
        encs=encs,
        allow=allow,
        max_inflated=max_plaintext if allow_zip else None,
    )


def parse_compact(token: str, *, max_size: int = MAX_CHARACTERS) -> Parts:
    """Take a compact JWE apart and check its form and header. Decrypts nothing.

    :raises MalformedToken: when it is not such a token.
    """
    if not isinstance(token, str):
        raise MalformedToken("a token is text", code=ErrorCode.TOKEN_WRONG_FORM)
    if len(token) > max_size:
        raise MalformedToken(
            f"the token is longer than {max_size} characters", code=ErrorCode.TOKEN_TOO_LARGE
        )
    dots = token.count(".")
    if dots != 4:
        if dots == 2 or token.lstrip()[:1] == "{":
            raise MalformedToken("the token is not a compact JWE", code=ErrorCode.TOKEN_WRONG_FORM)
        raise MalformedToken("a compact JWE has five parts between four dots (RFC 7516 7.1)")
    encoded_header, *rest = token.split(".")
    header = read_header(encoded_header)
    check_header(header, header)
    names = ("the encrypted key", "the initialization vector", "the ciphertext", "the authentication tag")
    encrypted_key, iv, ciphertext, tag = (
        b64url_decode(text, what=name) for text, name in zip(rest, names, strict=True)
    )
    return Parts(freeze(header), encoded_header, encrypted_key, Sealed(iv, ciphertext, tag))
