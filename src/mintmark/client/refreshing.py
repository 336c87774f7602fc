"""RefreshSource: access tokens in a person's name, for as long as the issuer renews them (RFC 6749 6)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from mintmark.client.authentication import Parameters
from mintmark.client.proofs import ProofMaker
from mintmark.client.refresh_store import RefreshTokenStore
from mintmark.client.token_client import TokenClient
from mintmark.client.token_endpoint import form
from mintmark.client.tokens import Token, TokenRefused
from mintmark.errors import ErrorCode, MintmarkError

__all__ = ["RefreshSource", "SignInNeeded"]

_log = logging.getLogger("mintmark.client")


class SignInNeeded(MintmarkError):
    """There is no refresh token, or the issuer takes it no more: the person has to sign in again."""

    default_code = ErrorCode.TOKEN_REQUEST_REFUSED


class RefreshSource:
    """Tokens that are renewed with a refresh token; a TokenSource.

    Most issuers give a new refresh token at each use and take the old one for stolen when it comes again. So
    one renewal happens at a time, in whichever thread, task or process the store reaches; each begins with
    what the store holds then; and the new refresh token is in the store before its access token is used.

    :param client: the client that the refresh token was given to.
    :param store: where the newest refresh token is kept.
    :param scope: fewer scopes than the person granted, for these access tokens.
    :param resource: the resource to call (RFC 8707).
    """

    def __init__(
        self,
        client: TokenClient,
        store: RefreshTokenStore,
        *,
        scope: str | Sequence[str] | None = None,
        resource: str | None = None,
    ) -> None:
        self._client = client
        self._store = store
        self._narrowed = form(scope=scope, resource=resource)
        self._unsaved: str | None = None
        self._keeper = client.keeper(self._renew)

    def begin(self, refresh_token: str) -> None:
        """Take the refresh token of a new sign-in, the first one or one after :class:`SignInNeeded`.

        It waits for a renewal that is under way.

        :raises StoreFailed: the store cannot be written.
        """
        with self._store.exclusive():
            self._store.save(refresh_token)
            self._unsaved = None
            self._keeper = self._client.keeper(self._renew)  # nothing of the sign-in before is worth keeping

    @property
    def proofs(self) -> ProofMaker | None:
        """The client's proof maker."""
        return self._client.proofs

    def token(self) -> Token:
        """Return the token.

        :raises SignInNeeded: only the person can help. :raises TokenRefused: the issuer says no.
        :raises FetchFailed: it cannot be asked. :raises StoreFailed: the store cannot be read.
        """
        return self._keeper.get(self._narrowed)

    async def atoken(self) -> Token:
        """Return the token without holding up the event loop."""
        return await self._keeper.aget(self._narrowed)

    def forget(self, token: Token) -> None:
        """Hold the token no longer."""
        self._keeper.forget(token)

    # --- in the keeper's thread ---

    def _renew(self, narrowed: Parameters) -> Token:
        with self._store.exclusive():
            presented = self._newest()
            try:
                token = self._ask(presented, narrowed)
            except SignInNeeded:
                # Somebody who does not know of the lock may have renewed in the meantime.
                newer = self._store.load()
                if self._unsaved is not None or newer is None or newer == presented:
                    raise
                presented, token = newer, self._ask(newer, narrowed)
            if token.refresh_token is not None and token.refresh_token != presented:
                self._keep(token.refresh_token)
        return replace(token, refresh_token=None)  # it is the store's alone

    def _newest(self) -> str:
        if self._unsaved is not None:
            self._keep(self._unsaved)
        newest = self._unsaved or self._store.load()
        if newest is None:
            raise _needed("There is no refresh token.")
        return newest

    def _ask(self, refresh_token: str, narrowed: Parameters) -> Token:
        asked = form(grant_type="refresh_token", refresh_token=refresh_token)
        try:
            return self._client.endpoint.token(asked + narrowed)
        except TokenRefused as refused:
            if refused.error != "invalid_grant":
                raise
            raise _needed("The issuer takes the refresh token no more.") from None

    def _keep(self, refresh_token: str) -> None:
        """Save it; while the store fails, this object holds it, and saves it at the next renewal."""
        try:
            self._store.save(refresh_token)
        except Exception as error:  # the store is the user's own, and the old token is worth nothing any more
            self._unsaved = refresh_token
            reason = error.message if isinstance(error, MintmarkError) else type(error).__name__
            _log.error("the new refresh token is not saved, and lost if this process ends: %s", reason)
        else:
            self._unsaved = None


def _needed(why: str) -> SignInNeeded:
    return SignInNeeded(f"{why} The person has to sign in again.")
