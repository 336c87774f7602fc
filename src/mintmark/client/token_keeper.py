"""TokenKeeper: tokens in memory, each asked for once whoever waits, and renewed while the old one serves."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from mintmark.client import token_cache
from mintmark.client.authentication import Parameters
from mintmark.client.token_cache import HeldToken, Need, RenewalPolicy
from mintmark.client.tokens import Token
from mintmark.errors import FetchFailed, MintmarkError
from mintmark.net.flight import Flight, PerProcess

__all__ = ["KeepingPolicy", "TokenKeeper"]

_log = logging.getLogger("mintmark.client")


@dataclass(frozen=True, slots=True)
class KeepingPolicy:
    """How many tokens are held, for how many seconds one caller waits, and when tokens are renewed."""

    most: int
    patience: float
    renewal: RenewalPolicy
    clock: Callable[[], float]
    jitter: Callable[[], float]


@dataclass(slots=True)
class _Local:
    """What belongs to one process."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    flights: dict[Parameters, Flight] = field(default_factory=dict)


class TokenKeeper:
    """Holds a token for each kind of request, for threads and for asyncio.

    :param request: asks the issuer, in a thread of its own; never twice at once for the same parameters.
    """

    def __init__(self, issuer: str, request: Callable[[Parameters], Token], policy: KeepingPolicy) -> None:
        self._issuer = issuer
        self._request = request
        self._policy = policy
        self._held: OrderedDict[Parameters, HeldToken] = OrderedDict()
        self._local = PerProcess(_Local)

    def __len__(self) -> int:
        return len(self._held)

    def get(self, parameters: Parameters) -> Token:
        """Return the token of a request.

        :raises MintmarkError: there is none; as ``request`` says.
        """
        token, flight = self._plan(parameters)
        if token is not None:
            return token
        landed = flight is not None and flight.wait(self._policy.patience)
        return self._outcome(parameters, landed=landed)

    async def aget(self, parameters: Parameters) -> Token:
        """Do what :meth:`get` does without holding up the event loop."""
        token, flight = self._plan(parameters)
        if token is not None:
            return token
        landed = flight is not None and await flight.join(self._policy.patience)
        return self._outcome(parameters, landed=landed)

    def forget(self, token: Token) -> None:
        """Hold a token no longer."""
        with self._local.here().lock:
            for parameters, held in list(self._held.items()):
                if held.token is token:
                    del self._held[parameters]

    def _plan(self, parameters: Parameters) -> tuple[Token | None, Flight | None]:
        """Return the token to use, or the request to wait for."""
        local = self._local.here()
        with local.lock:
            held = self._held.get(parameters, HeldToken())
            if parameters in self._held:
                self._held.move_to_end(parameters)
            needed = token_cache.need(held, self._policy.clock(), self._policy.renewal)
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
        raise FetchFailed(f"{self._issuer} gave no token in time.", expected=self._policy.patience)

    def _fly(self, local: _Local, parameters: Parameters) -> None:
        try:
            outcome: Token | MintmarkError = self._request(parameters)
        except MintmarkError as error:
            outcome = error.with_traceback(None)
        except Exception as error:  # waiting callers must be woken whatever happens
            outcome = FetchFailed(f"Asking {self._issuer} for a token failed: {type(error).__name__}.")
        with local.lock:
            held = self._held.get(parameters, HeldToken())
            now, jitter = self._policy.clock(), self._policy.jitter()
            if isinstance(outcome, Token):
                held = token_cache.renewed(outcome, now=now, jitter=jitter)
            else:
                if held.failures == 0:  # once per outage, not once per try
                    _log.warning("no token from %s: %s", self._issuer, outcome.message)
                policy = self._policy.renewal
                held = token_cache.failed(held, outcome, now=now, policy=policy, jitter=jitter)
            self._keep(parameters, held)
            local.flights.pop(parameters, None)

    def _keep(self, parameters: Parameters, held: HeldToken) -> None:
        self._held[parameters] = held
        self._held.move_to_end(parameters)
        while len(self._held) > self._policy.most:
            self._held.popitem(last=False)


def _again(error: MintmarkError) -> MintmarkError:
    """Copy a kept error for one more raising, so that it gathers no tracebacks of many callers."""
    copied = type(error).__new__(type(error), *error.args)
    copied.__dict__.update(error.__dict__)
    return copied
