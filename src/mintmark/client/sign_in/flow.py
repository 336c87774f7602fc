"""One attempt to sign in, from our sign-in address over the issuer and back to the callback."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from mintmark.client.sign_in.attempts import ATTEMPT_LIFETIME, Attempt, kept_attempts, match, read_attempts
from mintmark.client.sign_in.cookies import CookieJar
from mintmark.client.sign_in.keeping import Keeping
from mintmark.client.sign_in.places import Places
from mintmark.client.sign_in.provider import Provider
from mintmark.client.sign_in.refusals import SignInRefused
from mintmark.client.sign_in.sealing import Sealer
from mintmark.client.sign_in.sessions import Session
from mintmark.client.sign_in.visit import Cookie, Reply, Visit, page, parameters, redirect, refusal_json
from mintmark.client.tokens import TokenRefused
from mintmark.errors import ErrorCode, FetchFailed, InvalidToken, KeysUnavailable, MintmarkError

__all__ = ["Flow", "refusal"]

_log = logging.getLogger("mintmark.client.sign_in")
_PURPOSE = "attempts"


class Flow:
    """Begins attempts and finishes them, each once, in the browser that began it.

    :param asked: what every authorization request asks for: scope and the like.
    :param lifetime: of the sessions that come of it, in seconds.
    """

    def __init__(
        self,
        places: Places,
        provider: Provider,
        keeping: Keeping,
        jar: CookieJar,
        sealer: Sealer,
        *,
        asked: Mapping[str, str],
        lifetime: float,
    ) -> None:
        self._places = places
        self._provider = provider
        self._keeping = keeping
        self._jar = jar
        self._sealer = sealer
        self._asked = asked
        self._lifetime = lifetime

    def begin(self, visit: Visit, now: float) -> Reply:
        """Send the browser to the issuer, and remember in its own sealed cookie what for."""
        attempt = Attempt.begin(self._places.return_to(parameters(visit.query).get("return_to")), now)
        to = self._provider.authorization_url(attempt, self._asked)
        return redirect(to, self._keep(visit, (*self._going_on(visit, now), attempt)))

    def finish(self, visit: Visit, now: float) -> Reply:
        """Take the issuer's answer: a session, or a page that says it came to nothing.

        :raises SignInRefused: the answer belongs to no attempt of this browser: nothing at all happens.
        """
        answer = parameters(visit.query)
        attempts = self._going_on(visit, now)
        attempt = match(attempts, answer.get("state"))
        if attempt is None:
            raise SignInRefused(
                "The answer belongs to no attempt to sign in of this browser.",
                claim="state",
                hint="It took too long, was finished before, or somebody else began it.",
            )
        left = self._keep(visit, tuple(other for other in attempts if other is not attempt))
        try:
            cookies = self._redeem(visit, answer, attempt, now)
        except MintmarkError as error:  # the attempt is over in any case
            return refusal(visit, error, self._places, left)
        return redirect(attempt.return_to, (*left, *cookies))

    def _redeem(
        self, visit: Visit, answer: Mapping[str, str], attempt: Attempt, now: float
    ) -> tuple[Cookie, ...]:
        self._provider.check_sender(answer.get("iss"))
        if "error" in answer or not answer.get("code"):
            denied = answer.get("error") == "access_denied"
            raise SignInRefused(
                "The issuer did not sign the person in.",
                status=403 if denied else 400,
                code=ErrorCode.TOKEN_REQUEST_REFUSED,
                actual="access_denied" if denied else None,
            )
        if not self._keeping.first_use(f"state {attempt.state}", expires_at=attempt.ends_at, now=now):
            raise SignInRefused("The answer was used before.", claim="state")
        tokens, claims = self._provider.redeem(answer["code"], attempt)
        return self._keeping.begin(Session.begin(claims, tokens, now + self._lifetime), visit, now)

    def _going_on(self, visit: Visit, now: float) -> tuple[Attempt, ...]:
        text = self._jar.read(visit)
        return read_attempts(None if text is None else self._sealer.open(_PURPOSE, text), now)

    def _keep(self, visit: Visit, attempts: tuple[Attempt, ...]) -> tuple[Cookie, ...]:
        if not attempts:
            return self._jar.remove(visit)
        return self._jar.write(visit, self._sealer.seal(_PURPOSE, kept_attempts(attempts)), ATTEMPT_LIFETIME)


def refusal(visit: Visit, error: MintmarkError, places: Places, cookies: tuple[Cookie, ...] = ()) -> Reply:
    """Answer a request that came to nothing: one line in the log says why, and the browser learns little."""
    _log.warning("sign-in refused at %s: %s: %s", visit.path, error.code, error.message)
    status, sentence = _explained(error)
    if not visit.wants_page:
        word = "temporarily_unavailable" if status == 503 else "access_denied"
        return refusal_json(status, word, cookies=cookies)
    return page(status, sentence, places.sign_in, cookies)


def _explained(error: MintmarkError) -> tuple[int, str]:
    """Return status and sentence of the page: what the person can do; the log says the rest."""
    if isinstance(error, FetchFailed | KeysUnavailable):
        return 503, "The sign-in service cannot be reached at the moment."
    if isinstance(error, SignInRefused):
        forged = error.code is ErrorCode.CSRF_SUSPECTED and error.status == 403
        sentence = "The form is too old, or another site sent it." if forged else "This attempt has ended."
        return error.status, sentence
    if isinstance(error, InvalidToken | TokenRefused):
        return 400, "The answer of the sign-in service could not be accepted."
    return 500, "This application is not set up to sign people in."
