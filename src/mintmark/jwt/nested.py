"""Nested tokens: signed, then encrypted (RFC 7519 11.2). One layer of each, never more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mintmark.errors import ConfigurationError, ErrorCode, InvalidClaim, MalformedToken
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jwt.policy import media_type

__all__ = ["check_replicated", "decrypt_token", "encrypt_token", "is_encrypted"]

_NESTED: Final = media_type("JWT")
_REPLICATED: Final = ("iss", "sub", "aud")


def is_encrypted(token: str) -> bool:
    """Tell whether a compact token has the five parts of a JWE (RFC 7516 9)."""
    return token.count(".") == 4


def encrypt_token(token: str, key: Key, *, enc: str | None) -> str:
    """Return a signed token encrypted to ``key``."""
    if not isinstance(key, Key):
        raise ConfigurationError("encrypt_to= takes a Key of the recipient")
    from mintmark.jose import jwe  # most programs never encrypt, and start without it

    return jwe.encrypt(token.encode("ascii"), key, enc=enc, header={"typ": "JWT", "cty": "JWT"})


def decrypt_token(token: str, keys: Key | KeySet) -> tuple[str, Mapping[str, Any]]:
    """Return the signed token within an encrypted one, and the header of the encryption.

    Both layers are checked with keys of the caller, and there are exactly two (RFC 8725 3.3, attack S42):
    what is within must be a signed token, not another encrypted one and not bare claims, because encryption
    to a public key says nothing of the sender (attack E14).

    :raises DecryptionFailed: when no key decrypts it.
    :raises MalformedToken: when it holds anything but a signed token.
    """
    from mintmark.jose import jwe

    opened = jwe.decrypt(token, keys)
    cty = opened.header.get("cty")
    if not isinstance(cty, str) or media_type(cty) != _NESTED:  # RFC 7519 5.2
        raise MalformedToken(
            "The encrypted content is not declared to be a JWT",
            code=ErrorCode.HEADER_INVALID,
            claim="cty",
            expected="JWT",
            hint="Encrypted claims without a signature are not accepted: sign, then encrypt.",
        )
    inner = opened.plaintext.decode("ascii", "replace")
    if inner.count(".") != 2:
        raise MalformedToken(
            "The encrypted content is not a signed token", code=ErrorCode.TOKEN_WRONG_FORM, claim="cty"
        )
    return inner, opened.header


def check_replicated(outer: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    """Refuse claims that were copied into the header of the encryption and differ there (RFC 7519 5.3)."""
    for name in _REPLICATED:
        if name in outer and (name not in claims or _plain(outer[name]) != _plain(claims[name])):
            raise InvalidClaim(f"The header of the encryption says another {name} than the token", claim=name)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
