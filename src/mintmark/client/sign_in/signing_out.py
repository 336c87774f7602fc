"""Signing out: the form of a page, and the issuer's word behind the browser's back."""

from __future__ import annotations

import hmac
import logging

from mintmark.client.sign_in.keeping import InStore, Keeping
from mintmark.client.sign_in.places import Places
from mintmark.client.sign_in.provider import LEEWAY, Provider
from mintmark.client.sign_in.refusals import SignInRefused
from mintmark.client.sign_in.sessions import Session
from mintmark.client.sign_in.visit import Reply, Visit, redirect, refusal_json
from mintmark.errors import InvalidToken, KeysUnavailable, MintmarkError
from mintmark.jwt import Claims, Verifier

__all__ = ["Backchannel", "check_form", "sign_out"]

_log = logging.getLogger("mintmark.client.sign_in")
_NO_STORE = ("Cache-Control", "no-store")


def check_form(visit: Visit, session: Session, places: Places) -> None:
    """Admit a post of our own page's form only.

    :raises SignInRefused: another site's page caused it, or it does not repeat the session's form token.
    """
    places.check_origin(visit)
    given = visit.fields.get("csrf_token", "").encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(session.csrf_token.encode("ascii"), given):
        raise SignInRefused(
            "The form does not carry this session's token.",
            status=403,
            claim="csrf_token",
            hint='<input type="hidden" name="csrf_token" value="{{ session.csrf_token }}">',
        )


def sign_out(
    visit: Visit,
    now: float,
    *,
    keeping: Keeping,
    provider: Provider,
    places: Places,
    post_logout_redirect_uri: str | None,
) -> Reply:
    """End the session here, revoke its refresh token, and go to the issuer to sign out there as well.

    The session here ends whatever the issuer answers.

    :raises SignInRefused: the form is forged.
    """
    session = keeping.find(visit, now)
    gone = keeping.forget(visit)
    if session is None:
        return redirect(places.home, gone)
    check_form(visit, session, places)
    keeping.end(session, now)
    to = places.home
    try:
        if session.tokens.refresh_token is not None:
            provider.revoke(session.tokens.refresh_token)
        if post_logout_redirect_uri is not None:
            to = provider.end_session_url(session, post_logout_redirect_uri)
    except MintmarkError as error:
        _log.warning("signed out here, but not at the issuer: %s", error.message)
    return redirect(to, gone)


class Backchannel:
    """Receives logout tokens (OpenID Connect Back-Channel Logout 1.0, 2.5-2.8).

    :param verifier: verifies them, by the profile ``LOGOUT_TOKEN``.
    """

    def __init__(self, verifier: Verifier[Claims], keeping: InStore) -> None:
        self._verifier = verifier
        self._keeping = keeping

    def receive(self, visit: Visit, now: float) -> Reply:
        """End the sessions that a logout token names; a token counts once (2.6, step 8)."""
        try:
            claims = self._verifier.verify(visit.fields.get("logout_token", ""))
            until = (claims.expires_at or now) + LEEWAY + 1.0
            used = f"logout {claims.issuer} {claims.jwt_id}"
            if not self._keeping.first_use(used, expires_at=until, now=now):
                raise SignInRefused("The logout token was used before.", claim="jti")
            ended = self._keeping.store.end_matching(subject=claims.subject, sid=claims.get("sid"))
        except (InvalidToken, SignInRefused) as error:
            _log.warning("logout token refused: %s: %s", error.code, error.message)
            return refusal_json(400, "invalid_request")
        except KeysUnavailable as error:
            _log.warning("logout token not verified: %s", error.message)
            return refusal_json(503, "temporarily_unavailable")
        _log.info("the issuer ended %d sessions", ended)
        return Reply(200, (_NO_STORE,))
