"""Making and reading our own tokens: access tokens (RFC 9068), ID tokens, and what is published of those that
were revoked.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from typing import Any

from mintmark._discreet import Discreet
from mintmark.authorization_server.claims import TokenKind, Wanted, build_access_claims, build_id_claims
from mintmark.authorization_server.keys import SigningKeys
from mintmark.authorization_server.registrations import Client
from mintmark.authorization_server.revocation import STATUS_LIST_LIFETIME, DenyLog
from mintmark.authorization_server.settings import TokenLifetimes
from mintmark.authorization_server.storage.records import Grant, Person
from mintmark.jose.encoding import b64url_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jwt import (
    ACCESS_TOKEN,
    ID_TOKEN,
    REVOCATIONS,
    STATUS_LIST,
    UNCHECKED,
    Claims,
    Issuer,
    StatusReference,
    Verifier,
)

__all__ = ["SIGNING_ALG", "AccessToken", "TokenMint"]

SIGNING_ALG = "ES256"
_JITTER = 0.05  # lives end up to 5 % early, so that renewals do not come all at once
_SNAPSHOT_LIFETIME = 300.0
_IDS_AT_ONCE = 64


class AccessToken(Discreet, frozen=True):
    """An access token on its way out, with what the answer says about it."""

    text: str
    lifetime: float
    scope: tuple[str, ...]

    def __repr__(self) -> str:
        return f"AccessToken(lifetime={self.lifetime}, scope={self.scope})"


class _OwnKeys:
    """Our own signing keys as the KeySource of our own verifiers: always current, nothing to fetch.

    The same set is handed out until the schedule changes, as :class:`~mintmark.jwt.sources.KeySource` asks.
    """

    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys
        self._timeline: object = None
        self._set = KeySet([])

    def current(self) -> KeySet:
        timeline = self._keys.timeline()
        if timeline is not self._timeline:
            self._set, self._timeline = self._keys.public_keys(), timeline
        return self._set

    def refresh(self, kid: str | None) -> KeySet:
        return self.current()

    async def arefresh(self, kid: str | None) -> KeySet:
        return self.current()


class TokenMint:
    """Strikes every token of this service, and tells its own from others."""

    def __init__(
        self,
        issuer: str,
        keys: SigningKeys,
        deny_log: DenyLog,
        lifetimes: TokenLifetimes,
        *,
        clock: Callable[[], float],
        extra_claims: Callable[[Wanted], Mapping[str, Any]],
    ) -> None:
        self._issuer = issuer
        self._keys = keys
        self._lifetimes = lifetimes
        self._clock = clock
        self._extra_claims = extra_claims
        self._issuers: dict[str, tuple[Key, Issuer]] = {}
        self._ids: list[str] = []
        self._access_tokens = Verifier(
            issuer=issuer,
            audience=UNCHECKED,  # userinfo and exchange look at it themselves
            keys=_OwnKeys(keys),
            profile=ACCESS_TOKEN,
            revocations=deny_log,
            clock=clock,
        )
        self._hints = Verifier(
            issuer=issuer,
            audience=UNCHECKED,
            keys=_OwnKeys(keys),
            required=("sub", "aud", "azp"),  # an ID token, whose nonce is no longer ours to compare
            expires=UNCHECKED,  # a hint may be old (OpenID Connect RP-Initiated Logout 2)
            clock=clock,
        )

    def access_token(
        self,
        *,
        client: Client,
        subject: str,
        audience: str,
        scope: tuple[str, ...],
        grant: Grant | None,
        person: Person | None,
        act: Mapping[str, Any] | None = None,
        at_most: float | None = None,
        status: StatusReference | None = None,
    ) -> AccessToken:
        """Make an access token for one audience.

        :param act: who acts for the person (RFC 8693 4.1).
        :param at_most: seconds it may live at most, when it stands for another token.
        :param status: where a status list says how it stands.
        """
        lifetime = self._lifetimes.access_token_lifetime
        lifetime -= lifetime * _JITTER * random.random()  # noqa: S311 — spreads load, hides nothing
        lifetime = min(lifetime, at_most) if at_most is not None else lifetime
        extra = self._extra_claims(Wanted(TokenKind.ACCESS, client.client_id, audience, scope, person))
        claims = build_access_claims(
            grant=grant, person=person, client_id=client.client_id, scope=scope, extra=extra
        )
        if act is not None:
            claims["act"] = dict(act)
        if status is not None:
            claims["status"] = status.to_claim()
        text = self._signer(SIGNING_ALG).issue(
            subject=subject,
            audience=audience,
            lifetime=lifetime,
            claims=claims,
            profile=ACCESS_TOKEN,
            jwt_id=self._new_id(),
        )
        return AccessToken(text, lifetime, scope)

    def id_token(self, *, client: Client, grant: Grant, person: Person, access_token: str) -> str:
        """Make an ID token (OpenID Connect Core 2) for the client of a grant."""
        alg = client.id_token_signed_response_alg
        wanted = Wanted(TokenKind.ID, client.client_id, client.client_id, grant.scope, person)
        claims = build_id_claims(
            grant=grant,
            person=person,
            access_token=access_token,
            alg=alg,
            scope=grant.scope,
            extra=self._extra_claims(wanted),
        )
        return self._signer(alg).issue(
            subject=person.person_id,
            audience=client.client_id,
            lifetime=self._lifetimes.id_token_lifetime,
            claims=claims,
            profile=ID_TOKEN,
            jwt_id=self._new_id(),
        )

    def snapshot(self, seq: int, entries: list[dict[str, Any]]) -> str:
        """Sign the deny log as it stands (``revocations+jwt``)."""
        return self._signer(SIGNING_ALG).issue(
            lifetime=_SNAPSHOT_LIFETIME, claims={"seq": seq, "entries": entries}, profile=REVOCATIONS
        )

    def status_list(self, uri: str, claims: dict[str, Any]) -> str:
        """Sign the status list of that address (``statuslist+jwt``)."""
        return self._signer(SIGNING_ALG).issue(
            subject=uri, lifetime=STATUS_LIST_LIFETIME, claims=claims, profile=STATUS_LIST
        )

    async def read_access_token(self, text: str) -> Claims:
        """Verify one of our access tokens, whoever it is for.

        :raises InvalidToken: not ours, expired, revoked, malformed.
        """
        return await self._access_tokens.averify(text)

    async def read_hint(self, text: str) -> Claims:
        """Verify one of our ID tokens, however old.

        :raises InvalidToken: not ours.
        """
        return await self._hints.averify(text)

    def _new_id(self) -> str:
        """128 random bits; the system is asked for many at once, since each question costs.

        No process inherits them: a service is opened where it runs.
        """
        if not self._ids:
            bits = os.urandom(16 * _IDS_AT_ONCE)
            self._ids = [b64url_encode(bits[at : at + 16]) for at in range(0, len(bits), 16)]
        return self._ids.pop()

    def _signer(self, alg: str) -> Issuer:
        """Return the issuer with the key that signs now; keys change under way."""
        key = self._keys.current(alg)
        known = self._issuers.get(alg)
        if known is None or known[0] is not key:
            known = (key, Issuer(self._issuer, key, clock=self._clock))
            self._issuers[alg] = known
        return known[1]
