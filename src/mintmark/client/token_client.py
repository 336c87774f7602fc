"""TokenClient: tokens for a service itself and on behalf of a person, for threads and for asyncio."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Sequence

from mintmark.client.authentication import Parameters, authentication_of
from mintmark.client.proofs import ProofMaker
from mintmark.client.token_cache import RenewalPolicy
from mintmark.client.token_endpoint import TokenEndpoint, form
from mintmark.client.token_keeper import KeepingPolicy, TokenKeeper
from mintmark.client.tokens import Token
from mintmark.jose.jwk import Key
from mintmark.net import Fetcher, Limits, check_url

__all__ = ["TokenClient"]

_ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - RFC 8693 3
_TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - RFC 8693 2.1


class TokenClient:
    """A client of an issuer's token endpoint that keeps what it got.

    A token is asked for once, whoever waits for it, and renewed ahead of time in the background while the old
    one still serves. Tokens are held in memory only.

    :param issuer: the issuer, exactly as it names itself.
    :param client_id: this client as the issuer has registered it, and its ``client_secret``.
    :param client_key: its private key instead of a secret (``private_key_jwt``, RFC 7523).
    :param public: it has neither, as programs on people's own machines (RFC 6749 2.1).
    :param token_endpoint: for an issuer without discovery.
    :param dpop_key: bind the tokens to this private key (RFC 9449); :attr:`proofs` then makes the proofs.
    :param most: how many different tokens are held; beyond it the longest unused are forgotten.
    :param patience: for how many seconds one caller waits.
    :raises FetchFailed: the issuer is no https URL.
    :raises ConfigurationError: not exactly one of secret, key and ``public``.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None = None,
        *,
        client_key: Key | None = None,
        public: bool = False,
        token_endpoint: str | None = None,
        allow_http: Collection[str] = (),
        ca_file: str | None = None,
        most: int = 1024,
        patience: float = 10.0,
        dpop_key: Key | None = None,
        limits: Limits | None = None,
        policy: RenewalPolicy | None = None,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        check_url(token_endpoint or issuer, allow_http=frozenset(allow_http))
        self.issuer = issuer
        self.proofs = ProofMaker(dpop_key, clock=clock) if dpop_key is not None else None
        self.endpoint = TokenEndpoint(
            issuer,
            authentication_of(issuer, client_id, client_secret, client_key, public=public, clock=clock),
            Fetcher(limits=limits, allow_http=allow_http, ca_file=ca_file),
            stated=token_endpoint,
            proofs=self.proofs,
            clock=clock,
        )
        self._policy = KeepingPolicy(most, patience, policy or RenewalPolicy(), clock, jitter)
        self._keeper = self.keeper(self.endpoint.token)

    # --- a service for itself (RFC 6749 4.4) ---

    def client_credentials(
        self, *, scope: str | Sequence[str] | None = None, resource: str | None = None
    ) -> Token:
        """Return a token that speaks for this client itself.

        :param scope: the scopes to ask for, as a text or a list.
        :param resource: the resource to call (RFC 8707).
        :raises TokenRefused: the issuer says no. :raises FetchFailed: it cannot be asked.
        """
        return self._keeper.get(_client_credentials(scope, resource))

    async def aclient_credentials(
        self, *, scope: str | Sequence[str] | None = None, resource: str | None = None
    ) -> Token:
        """Do what :meth:`client_credentials` does without holding up the event loop."""
        return await self._keeper.aget(_client_credentials(scope, resource))

    # --- on behalf of the person who called (RFC 8693) ---

    def exchange(
        self,
        subject_token: str,
        *,
        audience: str | None = None,
        scope: str | Sequence[str] | None = None,
        resource: str | None = None,
    ) -> Token:
        """Return a token for another service, in the name of the person whose token this is.

        :param subject_token: the access token with which this service was called.
        :param audience: the service to call, as the issuer knows it.
        :raises TokenRefused: the issuer says no. :raises FetchFailed: it cannot be asked.
        """
        return self._keeper.get(_exchange(subject_token, audience, scope, resource))

    async def aexchange(
        self,
        subject_token: str,
        *,
        audience: str | None = None,
        scope: str | Sequence[str] | None = None,
        resource: str | None = None,
    ) -> Token:
        """Do what :meth:`exchange` does without holding up the event loop."""
        return await self._keeper.aget(_exchange(subject_token, audience, scope, resource))

    # --- what other sources of this client stand on ---

    def forget(self, token: Token) -> None:
        """Hold a token no longer: a service has refused it, so the next call gets another."""
        self._keeper.forget(token)

    def keeper(self, request: Callable[[Parameters], Token]) -> TokenKeeper:
        """Return a keeper of its own for tokens that are asked for in another way."""
        return TokenKeeper(self.issuer, request, self._policy)


def _client_credentials(scope: str | Sequence[str] | None, resource: str | None) -> Parameters:
    return form(grant_type="client_credentials", scope=scope, resource=resource)


def _exchange(
    subject_token: str,
    audience: str | None,
    scope: str | Sequence[str] | None,
    resource: str | None,
) -> Parameters:
    return form(
        grant_type=_TOKEN_EXCHANGE,
        subject_token=subject_token,
        subject_token_type=_ACCESS_TOKEN_TYPE,
        requested_token_type=_ACCESS_TOKEN_TYPE,
        audience=audience,
        scope=scope,
        resource=resource,
    )
