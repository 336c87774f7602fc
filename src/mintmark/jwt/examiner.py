"""Decides about one token at a time, over (token, keys, now): knows no clock and waits for nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from msgspec import Struct

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
from mintmark.jose.jws.compiled import verifier_into
from mintmark.jwt.cache import Generation, Memory
from mintmark.jwt.checks import problems, raise_first, validity
from mintmark.jwt.claims import Claims, raw_members
from mintmark.jwt.nested import check_replicated, decrypt_token, is_encrypted
from mintmark.jwt.policy import Policy
from mintmark.jwt.reader import Accept, ClaimsReader

__all__ = ["Examiner", "KeysNeeded", "plain_text"]

_Opened = tuple[str, Mapping[str, Any] | None]
_Sent = tuple[str, Mapping[str, Any] | None, float]
"""The whole text of a token, the header of its encryption if there was one, and the time."""


class KeysNeeded(Exception):
    """These keys do not verify the token, and a newer set might.

    :param kid: the key that the token names.
    :param keys: what was looked in, if anything.
    :param refusal: how the token is refused if there is nothing newer. Whoever raises it takes it out, for it
        leads back here, as to what it was raised in.
    """

    def __init__(self, kid: str | None, keys: Key | KeySet | None, *refusal: InvalidToken) -> None:
        super().__init__()
        self.kid = kid
        self.keys = keys
        self.refusal = list(refusal)


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
        "_envelope",
        "_limit",
        "_policy",
        "_reader",
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
        self._reader = ClaimsReader(policy)
        self._limit = limit
        self._envelope = None if decryption_keys is None else _Envelope(decryption_keys, accept_unencrypted)
        self.generation = self._begun(KeySet([]))

    def examine(
        self, token: str, keys: Key | KeySet | None, now: float, need: KeysNeeded | None = None
    ) -> Claims:
        """Return the claims of a token in which signature and policy hold, and remember it.

        Where the present generation is of these keys and nothing was asked before, its ``verify`` does the
        same for an exact ``str``.

        :param need: what was asked of the source before; nothing is asked twice.
        :raises KeysNeeded: when a newer key set might verify it.
        :raises InvalidToken: the first thing that is wrong with it.
        """
        token = plain_text(token)
        generation = self._generation_of(keys, token, need)
        try:
            return generation.verify(token, now)
        except KeysNeeded as further:
            if need is None:
                raise
            raise further.refusal.pop() from None

    def signed(self, token: str, keys: Key | KeySet | None, need: KeysNeeded | None = None) -> Claims:
        """Return the claims of a token whose signature holds, whatever they are, and remember nothing.

        Raises as :meth:`examine`.
        """
        token = plain_text(token)
        generation = self._generation_of(keys, token, need)
        signed, outer = (token, None) if self._envelope is None else self._envelope.opened(token)
        try:
            verified = jws.verify(signed, generation.keys)
        except (UnknownKey, InvalidSignature) as refusal:
            raise (refusal if need is not None else _wanting(generation.keys, refusal, signed)) from None
        members = json_object(verified.payload, "the claims set")
        if outer is not None:
            check_replicated(outer, members)
        return Claims(members, verified.header, verified.key)

    def _generation_of(self, keys: Key | KeySet | None, token: str, need: KeysNeeded | None) -> Generation:
        """Return what verifies with ``keys``.

        :raises KeysNeeded: when there are no keys at all.
        :raises InvalidToken: when the source has nothing newer.
        """
        if need is not None:
            if keys is None:
                raise KeysUnavailable("The key source has no keys.", kid=need.kid) from None
            if need.keys is keys and need.refusal:
                raise need.refusal.pop() from None  # the source has nothing else
        if keys is None:
            signed = token if self._envelope is None else self._envelope.opened(token)[0]
            raise KeysNeeded(_kid(signed), None)
        generation = self.generation
        if generation.keys is not keys:
            generation = self.generation = self._begun(keys)
        return generation

    def _begun(self, keys: Key | KeySet) -> Generation:
        memory = Memory(self._limit)
        accept = self._reader.accepting(memory, partial(_closely, self._policy, memory))
        refused = partial(_wanting, keys)
        # attack S34: these refuse an encrypted token, for encryption to a public key proves nothing
        if self._envelope is None:
            verify = verifier_into(keys, accept, refused)
        else:
            verify = _opening(self._envelope, verifier_into(keys, partial(_accept_nested, accept), refused))
        return Generation(keys, verify, memory)

    def problems(self, claims: Claims, now: float) -> list[InvalidToken]:
        """Return everything that the policy finds wrong with claims whose signature holds."""
        return list(problems(self._policy, claims.header, raw_members(claims), now))


class _Envelope(Struct, frozen=True):
    """How tokens come encrypted.

    :ivar keys: what decrypts them.
    :ivar optional: whether tokens that are only signed are taken, too.
    """

    keys: Key | KeySet
    optional: bool

    def opened(self, token: str) -> _Opened:
        """Return the signed token, and the header of the encryption around it.

        :raises InvalidToken: when the encryption is wrong or missing.
        """
        if is_encrypted(token):
            return decrypt_token(token, self.keys)
        if self.optional:
            return token, None
        raise MalformedToken(
            "The token is not encrypted, and this verifier takes encrypted ones",
            code=ErrorCode.TOKEN_WRONG_FORM,
            hint="accept_unencrypted=True takes both.",
        )


def _opening(envelope: _Envelope, verify: Callable[[str, _Sent], Claims]) -> Callable[[str, float], Claims]:
    def open_and_verify(token: str, now: float) -> Claims:
        signed, outer = envelope.opened(token)
        return verify(signed, (token, outer, now))

    return open_and_verify


def _accept_nested(
    accept: Accept, payload: bytes, header: Mapping[str, Any], key: Key, _signed: str, sent: _Sent
) -> Claims:
    """Accept what was signed, under the text that was sent: the signed part alone was not."""
    token, outer, now = sent
    if outer is not None:
        check_replicated(outer, json_object(payload, "the claims set"))
    return accept(payload, header, key, token, now)


def _closely(
    policy: Policy,
    memory: Memory,
    members: dict[str, Any],
    header: Mapping[str, Any],
    key: Key,
    token: str,
    now: float,
) -> Claims:
    """Decide about verified claims that were not recognised at a glance.

    :raises InvalidToken: the first problem.
    """
    raise_first(problems(policy, header, members, now))
    claims = Claims(members, header, key)
    memory.remember_header(header)
    if memory.limit:
        memory.remember(token, claims, *validity(policy, members))
    return claims


def _wanting(keys: Key | KeySet, refusal: UnknownKey | InvalidSignature, signed: str) -> Exception:
    """Return what to raise where these keys did not verify a token: the refusal, unless newer ones might."""
    kid = _kid(signed)
    # a token without kid was tried with every key of its alg: the right one may be newer than our set
    if kid is not None and isinstance(refusal, InvalidSignature):
        return refusal
    return KeysNeeded(kid, keys, refusal)


def _kid(token: str) -> str | None:
    kid: str | None = jws.parse_compact(token).header.get("kid")
    return kid
