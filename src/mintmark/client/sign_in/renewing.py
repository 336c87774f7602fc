"""Renewing sessions: one renewal each, however many requests wait for it, threads and tasks alike."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from mintmark.client.sign_in.keeping import Keeping
from mintmark.client.sign_in.provider import Provider
from mintmark.client.sign_in.refusals import SessionEnded
from mintmark.client.sign_in.sessions import Need, Session, need
from mintmark.client.tokens import TokenRefused
from mintmark.errors import FetchFailed, InvalidToken, MintmarkError
from mintmark.net.flight import Flight, PerProcess

__all__ = ["Renewal", "Renewer"]

_log = logging.getLogger("mintmark.client.sign_in")
_REMEMBERED = 120.0  # seconds in which requests with the cookie from before get the same outcome
_RETRY_AFTER = 5.0  # seconds until a renewal that failed is tried again


@dataclass(slots=True)
class Renewal:
    """One renewal: under way, or landed with an outcome. ``repr`` shows no session."""

    flight: Flight = field(default_factory=Flight, repr=False)
    outcome: Session | MintmarkError | None = field(default=None, repr=False)
    forgotten_at: float = float("inf")


@dataclass(slots=True)
class _Local:
    """What belongs to one process."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    renewals: dict[tuple[str, int], Renewal] = field(default_factory=dict)


class Renewer:
    """Runs renewals, each in a thread of its own, and remembers for a moment what came of them."""

    def __init__(self, provider: Provider, keeping: Keeping, clock: Callable[[], float]) -> None:
        self._provider = provider
        self._keeping = keeping
        self._clock = clock
        self._local = PerProcess(_Local)

    def join(self, session: Session) -> Renewal | None:
        """Return the renewal of this revision of a session, begun if there is none.

        None if none can begin: the process ends.
        """
        name = (session.session_id, session.revision)
        local, now = self._local.here(), self._clock()
        with local.lock:
            found = local.renewals.get(name)
            if found is not None and now < found.forgotten_at:
                return found
            local.renewals = {key: kept for key, kept in local.renewals.items() if now < kept.forgotten_at}
            renewal = local.renewals[name] = Renewal()
            try:
                renewal.flight.begin(partial(self._run, renewal, session), "mintmark-renewal")
            except RuntimeError:  # the interpreter ends, or the system has no thread left
                del local.renewals[name]
                return None
            return renewal

    def _run(self, renewal: Renewal, session: Session) -> None:
        try:
            renewal.outcome = self._renew(session)
        except MintmarkError as error:
            renewal.outcome = error.with_traceback(None)
        except Exception as error:  # waiting callers must be woken whatever happens
            renewal.outcome = FetchFailed(f"Renewing a session failed: {type(error).__name__}.")
        worked = isinstance(renewal.outcome, Session)
        renewal.forgotten_at = self._clock() + (_REMEMBERED if worked else _RETRY_AFTER)

    def _renew(self, session: Session) -> Session:
        now = self._clock()
        known = self._known(session, now)
        if need(known, now) is Need.NOTHING:  # another process was first
            return known
        try:
            tokens, claims = self._provider.refresh(known)
        except (TokenRefused, InvalidToken) as error:
            if isinstance(error, TokenRefused) and error.error != "invalid_grant":
                _log.error("sessions cannot be renewed: %s", error.message)
                raise
            again = self._known(known, now)
            if again.revision != known.revision:
                return again
            _log.info("a session is over: %s: %s", error.code, error.message)
            self._keeping.end(known, now)
            raise SessionEnded("The issuer does not renew this session.") from None
        renewed = known.renewed(tokens, claims)
        if not self._keeping.replace(renewed):
            raise SessionEnded("The session was ended while it was renewed.")
        return renewed

    def _known(self, session: Session, now: float) -> Session:
        known = self._keeping.reload(session, now)
        if known is None:
            raise SessionEnded("The session has been ended.")
        return known
