"""Decides about one token at a time, over (token, keys, now): knows no clock and waits for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mintmark.errors import (
    ConfigurationError,
    ErrorCode,
    InvalidSignature,
    InvalidToken,
    KeysUnavailable,
    MalformedToken,
    UnknownKey,
)
from mintmark.jose import jws
from mintmark.jose.encoding import json_object
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jwt.cache import Generation
from mintmark.jwt.checks import problems, validity
from mintmark.jwt.claims import Claims, raw_members
from mintmark.jwt.nested import check_replicated, decrypt_token, is_encrypted
from mintmark.jwt.policy import Policy
from mintmark.jwt.reader import ClaimsReader

__all__ = ["Examiner", "KeysNeeded", "plain_text"]


class KeysNeeded(Exception):
    """These keys do not verify the token, and a newer set might.

    :param kid: the key that the token names.
    :param keys: what was looked in, if anything.
    :param refusal: how the token is refused if there is nothing newer.
    """

    def __init__(self, kid: str | None, keys: Key | KeySet | None, refusal: InvalidToken | None) -> None:
        super().__init__()
        self.kid = kid
        self.keys = keys
        self.refusal = refusal


def plain_text(token: object) -> str:
    """Return the token as an exact ``str``, without the surprises that a subclass may hold.

    :raises MalformedToken: when it is no text at all.
    """
    if isinstance(token, str):
        return str.__str__(token)
    raise MalformedToken(f"A token is a text, not {type(token).__name__}", code=ErrorCode.TOKEN_WRONG_FORM)


class Examiner:
    """Takes the layers off a token, verifies its signature, and applies the policy.

    :ivar generation: what was verified with the present keys; replaced as a whole when those change.
    """

    __slots__ = (
        "_accept_unencrypted",
        "_decryption_keys",
        "_decrypts",
        "_limit",
        "_policy",
        "_read",
        "generation",
    )

    def __init__(
        self, policy: Policy, *, limit: int, decryption_keys: Key | KeySet | None, accept_unencrypted: bool
    ) -> None:
        if decryption_keys is None and accept_unencrypted:
            raise ConfigurationError("accept_unencrypted= says something only with decryption_keys=")
        if decryption_keys is not None and not isinstance(decryption_keys, Key | KeySet):
            raise ConfigurationError("decryption_keys= takes a Key or a KeySet")
        self._policy = policy
        self._read = ClaimsReader(policy).read
        self._limit = limit
        self._decryption_keys = decryption_keys
        self._accept_unencrypted = accept_unencrypted
        self.generation = Generation(KeySet([]), limit)

    def examine(
        self, token: str, keys: Key | KeySet | None, now: float | None, need: KeysNeeded | None = None
    ) -> Claims:
        """Return the claims of a token in which signature and policy hold, and remember it.

        :param now: None looks at the signature only, and remembers nothing.
        :param need: what was asked of the source before; nothing is asked twice.
        :raises KeysNeeded: when a newer key set might verify it.
        :raises InvalidToken: the first thing that is wrong with it.
        """
        signed, outer, generation = token, None, self.generation
        if (
            generation.keys is not keys
            or need is not None
            or self._decryption_keys is not None
            or type(token) is not str
        ):
            token = plain_text(token)
            signed, outer, generation = self._prepared(token, keys, need)
        verify, read = generation.verify, self._read
        try:
            # attack S34: this refuses an encrypted token, for encryption to a public key proves nothing
            payload, header, key = verify(signed)
        except (UnknownKey, InvalidSignature) as refusal:
            kid = _kid(signed)
            # a token without kid was tried with every key of its alg: the right one may be newer than our set
            if need is not None or (kid is not None and isinstance(refusal, InvalidSignature)):
                raise
            raise KeysNeeded(kid, keys, refusal) from None
        if now is None:
            members, span = json_object(payload, "the claims set"), None
        else:
            members, span = read(payload, now)
        if outer is not None:
            check_replicated(outer, members)
        if now is None:
            return Claims(members, header, key)
        if span is None or (header is not generation.good_header and not generation.knows(header)):
            for problem in problems(self._policy, header, members, now):
                raise problem
            span = validity(self._policy, members)
            generation.remember_header(header)
        claims = Claims(members, header, key)
        if generation.limit:
            generation.remember(token, claims, *span)
        return claims

    def _prepared(
        self, token: str, keys: Key | KeySet | None, need: KeysNeeded | None
    ) -> tuple[str, Mapping[str, Any] | None, Generation]:
        """Return the signed token, the header of the encryption around it, and what verifies with ``keys``.

        :raises KeysNeeded: when there are no keys at all.
        :raises InvalidToken: when the encryption is wrong or missing, or the source has nothing newer.
        """
        if need is not None:
            if keys is None:
                raise KeysUnavailable("The key source has no keys.", kid=need.kid) from None
            if need.keys is keys and need.refusal is not None:
                raise need.refusal from None  # the source has nothing else
        outer: Mapping[str, Any] | None = None
        if self._decryption_keys is not None:
            token, outer = self._decrypted(token, self._decryption_keys)
        if keys is None:
            raise KeysNeeded(_kid(token), None, None)
        generation = self.generation
        if generation.keys is not keys:
            generation = self.generation = Generation(keys, self._limit)
        return token, outer, generation

    def problems(self, claims: Claims, now: float) -> list[InvalidToken]:
        """Return everything that the policy finds wrong with claims whose signature holds."""
        return list(problems(self._policy, claims.header, raw_members(claims), now))

    def _decrypted(self, token: str, keys: Key | KeySet) -> tuple[str, Mapping[str, Any] | None]:
        if is_encrypted(token):
            return decrypt_token(token, keys)
        if self._accept_unencrypted:
            return token, None
        raise MalformedToken(
            "The token is not encrypted, and this verifier takes encrypted ones",
            code=ErrorCode.TOKEN_WRONG_FORM,
            hint="accept_unencrypted=True takes both.",
        )


def _kid(token: str) -> str | None:
    kid: str | None = jws.parse_compact(token).header.get("kid")
    return kid
