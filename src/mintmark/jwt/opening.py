"""Opening a token: decrypt it where asked, verify its signature, read its claims. No policy yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mintmark.errors import ConfigurationError, ErrorCode, MalformedToken
from mintmark.jose import jws
from mintmark.jose.encoding import json_object
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jwt.claims import Claims
from mintmark.jwt.nested import check_replicated, decrypt_token, is_encrypted

__all__ = ["Opener", "plain_text"]

VerifySigned = Callable[[str], tuple[bytes, Mapping[str, Any], Key]]


def plain_text(token: object) -> str:
    """Return the token as an exact ``str``, without the surprises that a subclass may hold.

    :raises MalformedToken: when it is no text at all.
    """
    if isinstance(token, str):
        return str.__str__(token)
    raise MalformedToken(f"A token is a text, not {type(token).__name__}", code=ErrorCode.TOKEN_WRONG_FORM)


class Opener:
    """Knows which layers a token must have, and takes them off."""

    __slots__ = ("_accept_unencrypted", "_decryption_keys")

    def __init__(self, decryption_keys: Key | KeySet | None, *, accept_unencrypted: bool) -> None:
        if decryption_keys is None and accept_unencrypted:
            raise ConfigurationError("accept_unencrypted= says something only with decryption_keys=")
        self._decryption_keys = decryption_keys
        self._accept_unencrypted = accept_unencrypted

    def open(self, token: str, verify: VerifySigned) -> Claims:
        """Return the claims of a token whose signature holds, unexamined.

        :param verify: from a signed token to (payload, header, key).
        :raises InvalidToken: when there is something wrong with form, encryption, key or signature.
        """
        signed, outer = self._decrypted(token)
        payload, header, key = verify(signed)
        members = json_object(payload, what="the claims set")
        if outer is not None:
            check_replicated(outer, members)
        return Claims(members, header, key)

    def kid(self, token: str) -> str | None:
        """Return the ``kid`` that names the signing key; refuses what is no token at all.

        :raises InvalidToken: when there is something wrong with form or encryption.
        """
        kid: str | None = jws.parse_compact(self._decrypted(token)[0]).header.get("kid")
        return kid

    def _decrypted(self, token: str) -> tuple[str, Mapping[str, Any] | None]:
        keys = self._decryption_keys
        if is_encrypted(token):
            if keys is None:  # attack S34: encryption to a public key proves nothing
                raise MalformedToken(
                    "The token is encrypted, and this verifier takes signed ones",
                    code=ErrorCode.TOKEN_WRONG_FORM,
                    hint="Verifier(..., decryption_keys=...) takes signed and encrypted tokens.",
                )
            return decrypt_token(token, keys)
        if keys is not None and not self._accept_unencrypted:
            raise MalformedToken(
                "The token is not encrypted, and this verifier takes encrypted ones",
                code=ErrorCode.TOKEN_WRONG_FORM,
                hint="accept_unencrypted=True takes both.",
            )
        return token, None
