"""TokenClient: tokens for a service itself and on behalf of a person, for threads and for asyncio."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlencode

from mintmark.client import token_cache
from mintmark.client.authentication import Parameters, authentication_of
from mintmark.client.proofs import ProofMaker
from mintmark.client.token_cache import HeldToken, Need, RenewalPolicy
from mintmark.client.tokens import Token, TokenRefused, read_token_response
from mintmark.errors import FetchFailed, MintmarkError
from mintmark.jose.jwk import Key
from mintmark.net import Fetcher, Limits, Response, check_url
from mintmark.net.discovery import discover
from mintmark.net.flight import Flight, PerProcess

__all__ = ["TokenClient"]

_log = logging.getLogger("mintmark.client")
_DISCOVERY_LIFETIME = 86400.0  # seconds after which the issuer is asked again where its endpoint is
_ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - RFC 8693 3
_TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - RFC 8693 2.1


@dataclass(slots=True)
class _Local:
    """What belongs to one process."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    flights: dict[Parameters, Flight] = field(default_factory=dict)


class TokenClient:
    """A client of an issuer's token endpoint that keeps what it got.

    A token is asked for once, whoever waits for it, and renewed ahead of time in the background while the old
    one still serves. Tokens are held in memory only.

    :param issuer: the issuer, exactly as it names itself.
    :param client_id: this client as the issuer has registered it, and its ``client_secret``.
    :param client_key: its private key instead of a secret (``private_key_jwt``, RFC 7523).
    :param token_endpoint: for an issuer without discovery.
    :param dpop_key: bind the tokens to this private key (RFC 9449); :attr:`proofs` then makes the proofs.
    :param most: how many different tokens are held; beyond it the longest unused are forgotten.
    :param patience: for how many seconds one caller waits.
    :raises FetchFailed: the issuer is no https URL.
    :raises ConfigurationError: neither secret nor key, or both.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None = None,
        *,
        client_key: Key | None = None,
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
        self._authentication = authentication_of(issuer, client_id, client_secret, client_key, clock=clock)
        self._stated_endpoint = token_endpoint
        self._found_endpoint: tuple[str, float] | None = None
        self._fetcher = Fetcher(limits=limits, allow_http=allow_http, ca_file=ca_file)
        self.proofs = ProofMaker(dpop_key, clock=clock) if dpop_key is not None else None
        self._most = most
        self._patience = patience
        self._policy = policy or RenewalPolicy()
        self._clock = clock
        self._jitter = jitter
        self._held: OrderedDict[Parameters, HeldToken] = OrderedDict()
        self._local = PerProcess(_Local)

    # --- a service for itself (RFC 6749 4.4) ---

    def client_credentials(
        self, *, scope: str | Sequence[str] | None = None, resource: str | None = None
    ) -> Token:
        """Return a token that speaks for this client itself.

        :param scope: the scopes to ask for, as a text or a list.
        :param resource: the resource to call (RFC 8707).
        :raises TokenRefused: the issuer says no. :raises FetchFailed: it cannot be asked.
        """
        return self._get(_client_credentials(scope, resource))

    async def aclient_credentials(
        self, *, scope: str | Sequence[str] | None = None, resource: str | None = None
    ) -> Token:
        """Do what :meth:`client_credentials` does without holding up the event loop."""
        return await self._aget(_client_credentials(scope, resource))

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
        return self._get(_exchange(subject_token, audience, scope, resource))

    async def aexchange(
        self,
        subject_token: str,
        *,
        audience: str | None = None,
        scope: str | Sequence[str] | None = None,
        resource: str | None = None,
    ) -> Token:
        """Do what :meth:`exchange` does without holding up the event loop."""
        return await self._aget(_exchange(subject_token, audience, scope, resource))

    def forget(self, token: Token) -> None:
        """Hold a token no longer: a service has refused it, so the next call gets another."""
        with self._local.here().lock:
            for parameters, held in list(self._held.items()):
                if held.token is token:
                    del self._held[parameters]

    # --- holding and waiting ---

    def _get(self, parameters: Parameters) -> Token:
        token, flight = self._plan(parameters)
        if token is not None:
            return token
        return self._outcome(parameters, landed=flight is not None and flight.wait(self._patience))

    async def _aget(self, parameters: Parameters) -> Token:
        token, flight = self._plan(parameters)
        if token is not None:
            return token
        return self._outcome(parameters, landed=flight is not None and await flight.join(self._patience))

    def _plan(self, parameters: Parameters) -> tuple[Token | None, Flight | None]:
        """Return the token to use, or the request to wait for."""
        local = self._local.here()
        with local.lock:
            held = self._held.get(parameters, HeldToken())
            if parameters in self._held:
                self._held.move_to_end(parameters)
            needed = token_cache.need(held, self._clock(), self._policy)
            flight = local.flights.get(parameters)
            if flight is None and needed in (Need.WAIT, Need.USE_AND_RENEW):
                flight = local.flights[parameters] = Flight()
                try:
                    flight.begin(partial(self._fly, local, parameters), "mintmark-token")
                except RuntimeError:  # the interpreter ends, or the system has no thread left
                    del local.flights[parameters]
                    flight = None
            usable = needed in (Need.USE, Need.USE_AND_RENEW)
            return (held.token if usable else None), flight

    def _outcome(self, parameters: Parameters, *, landed: bool) -> Token:
        with self._local.here().lock:
            held = self._held.get(parameters, HeldToken())
        # Straight from the issuer a token is good for one use, however short it lives.
        if landed and held.token is not None and held.failures == 0:
            return held.token
        if held.error is not None:
            raise _again(held.error)
        raise FetchFailed(f"{self.issuer} gave no token in time.", expected=self._patience)

    def _fly(self, local: _Local, parameters: Parameters) -> None:
        try:
            outcome: Token | MintmarkError = self._request(parameters)
        except MintmarkError as error:
            outcome = error.with_traceback(None)
        except Exception as error:  # waiting callers must be woken whatever happens
            outcome = FetchFailed(f"Asking {self.issuer} for a token failed: {type(error).__name__}.")
        with local.lock:
            held = self._held.get(parameters, HeldToken())
            now, jitter = self._clock(), self._jitter()
            if isinstance(outcome, Token):
                held = token_cache.renewed(outcome, now=now, jitter=jitter)
            else:
                if held.failures == 0:  # once per outage, not once per try
                    _log.warning("no token from %s: %s", self.issuer, outcome.message)
                held = token_cache.failed(held, outcome, now=now, policy=self._policy, jitter=jitter)
            self._keep(parameters, held)
            local.flights.pop(parameters, None)

    def _keep(self, parameters: Parameters, held: HeldToken) -> None:
        self._held[parameters] = held
        self._held.move_to_end(parameters)
        while len(self._held) > self._most:
            self._held.popitem(last=False)

    # --- asking, in the flight's own thread ---

    def _request(self, parameters: Parameters) -> Token:
        endpoint = self._endpoint()
        response = self._post(endpoint, parameters)
        try:
            return read_token_response(response, now=self._clock())
        except TokenRefused as refused:
            nonce = response.headers.get("dpop-nonce")
            if refused.error != "use_dpop_nonce" or self.proofs is None or nonce is None:
                raise
            self.proofs.learn(endpoint, nonce)  # RFC 9449 8: once more, with the nonce
            return read_token_response(self._post(endpoint, parameters), now=self._clock())

    def _post(self, endpoint: str, parameters: Parameters) -> Response:
        headers = self._authentication.headers() | {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        if self.proofs is not None:
            headers["DPoP"] = self.proofs.prove("POST", endpoint)
        body = urlencode(parameters + self._authentication.parameters()).encode("ascii")
        return self._fetcher.fetch(endpoint, method="POST", headers=headers, body=body)

    def _endpoint(self) -> str:
        if self._stated_endpoint is not None:
            return self._stated_endpoint
        now, found = self._clock(), self._found_endpoint
        if found is None or not 0 <= now - found[1] < _DISCOVERY_LIFETIME:
            address = discover(self._fetcher, self.issuer).address("token_endpoint")
            found = self._found_endpoint = address, now
        return found[0]


def _again(error: MintmarkError) -> MintmarkError:
    """Copy a kept error for one more raising, so that it gathers no tracebacks of many callers."""
    copied = type(error).__new__(type(error), *error.args)
    copied.__dict__.update(error.__dict__)
    return copied


def _client_credentials(scope: str | Sequence[str] | None, resource: str | None) -> Parameters:
    return _parameters(grant_type="client_credentials", scope=_joined(scope), resource=resource)


def _exchange(
    subject_token: str,
    audience: str | None,
    scope: str | Sequence[str] | None,
    resource: str | None,
) -> Parameters:
    return _parameters(
        grant_type=_TOKEN_EXCHANGE,
        subject_token=subject_token,
        subject_token_type=_ACCESS_TOKEN_TYPE,
        requested_token_type=_ACCESS_TOKEN_TYPE,
        audience=audience,
        scope=_joined(scope),
        resource=resource,
    )


def _joined(scope: str | Sequence[str] | None) -> str | None:
    return scope if scope is None or isinstance(scope, str) else " ".join(scope)


def _parameters(**values: str | None) -> Parameters:
    return tuple((name, value) for name, value in values.items() if value)
