"""The issuer as this application meets it: where its endpoints are, and what its token endpoint gives."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import quote, quote_plus, urlencode

from mintmark.client.sign_in.attempts import Attempt
from mintmark.client.sign_in.refusals import SignInRefused
from mintmark.client.sign_in.sessions import Session, Tokens, renewal_time
from mintmark.client.tokens import read_token_response
from mintmark.errors import ConfigurationError, ErrorCode, FetchFailed, InvalidClaim, KeysUnavailable
from mintmark.jose.encoding import json_object
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jwt import UNCHECKED, Claims, KeySource, Profile, Verifier
from mintmark.jwt import SignIn as Expected
from mintmark.net import Fetcher, Response, check_url
from mintmark.net.discovery import IssuerMetadata, discover

__all__ = ["LEEWAY", "AuthMethod", "Provider", "Registration"]

AuthMethod = Literal["client_secret_basic", "client_secret_post"]
LEEWAY = 30.0  # seconds by which our clock and the issuer's may differ
_METADATA_LIFETIME = 86400.0  # seconds after which the issuer is asked again where its endpoints are


@dataclass(frozen=True, slots=True)
class Registration:
    """This application as the issuer has registered it."""

    issuer: str
    client_id: str
    redirect_uri: str
    client_secret: str | None = field(repr=False)
    auth_method: AuthMethod

    def __post_init__(self) -> None:
        if self.client_secret == "":
            raise ConfigurationError("client_secret is empty.", hint="None says that the client is public.")

    def verifier(
        self, profile: Profile, keys: Key | KeySet | KeySource, clock: Callable[[], float]
    ) -> Verifier[Claims]:
        """Return what verifies this issuer's tokens for this application. Each comes once: none is kept."""
        return Verifier(
            issuer=self.issuer,
            audience=self.client_id,
            keys=keys,
            profile=profile,
            leeway=LEEWAY,
            cache=None,
            clock=clock,
        )


class Provider:
    """The issuer's side of one registration. Everything here may wait for the network.

    :param max_age: how long ago, in seconds, the person may have signed in at the issuer.
    """

    def __init__(
        self,
        registration: Registration,
        verifier: Verifier[Claims],
        fetcher: Fetcher,
        clock: Callable[[], float],
        *,
        max_age: float | None,
    ) -> None:
        self.issuer = registration.issuer
        self._us = registration
        self._verifier = verifier
        self._fetcher = fetcher
        self._clock = clock
        self._max_age = max_age
        self._found: tuple[IssuerMetadata, float] | None = None

    def metadata(self) -> IssuerMetadata:
        """Return the issuer's metadata, fetched once a day.

        :raises FetchFailed: it cannot be had.
        """
        now, found = self._clock(), self._found
        if found is None or not 0 <= now - found[1] < _METADATA_LIFETIME:
            found = self._found = discover(self._fetcher, self.issuer), now
        return found[0]

    def authorization_url(self, attempt: Attempt, asked: Mapping[str, str]) -> str:
        """Return where to send the browser (OpenID Connect Core 3.1.2.1, RFC 7636 4.3)."""
        return self._address(
            "authorization_endpoint",
            response_type="code",
            client_id=self._us.client_id,
            redirect_uri=self._us.redirect_uri,
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=attempt.challenge,
            code_challenge_method="S256",
            **asked,
        )

    def end_session_url(self, session: Session, post_logout_redirect_uri: str) -> str:
        """Return where to send the browser to sign out there, too (RP-Initiated Logout 1.0, 2)."""
        hint = {"id_token_hint": session.tokens.id_token} if session.tokens.id_token else {}
        return self._address(
            "end_session_endpoint",
            client_id=self._us.client_id,
            post_logout_redirect_uri=post_logout_redirect_uri,
            **hint,
        )

    def _address(self, endpoint: str, **parameters: str) -> str:
        address = self.metadata().address(endpoint)
        check_url(address)
        return f"{address}{'&' if '?' in address else '?'}{urlencode(parameters, quote_via=quote)}"

    def check_sender(self, named: str | None) -> None:
        """Check who answered (RFC 9207 2.4): the issuer must name itself where its metadata says it does.

        :raises SignInRefused: another issuer, or none where there must be one.
        """
        values = self.metadata().values
        required = values.get("authorization_response_iss_parameter_supported") is True
        if named != self.issuer and (named is not None or required):
            raise SignInRefused(
                "The answer does not come from the issuer that was asked.",
                code=ErrorCode.CLAIM_MISMATCH,
                claim="iss",
                expected=self.issuer,
            )

    def redeem(self, code: str, attempt: Attempt) -> tuple[Tokens, Claims]:
        """Exchange a code, and verify the ID token that comes along (OpenID Connect Core 3.1.3).

        :raises TokenRefused, FetchFailed: no tokens. :raises InvalidToken: the ID token is refused.
        """
        tokens = self._ask(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self._us.redirect_uri,
            code_verifier=attempt.verifier,
        )
        if tokens.id_token is None:
            raise FetchFailed("The issuer gave no ID token.", hint="Ask for the scope openid.")
        return tokens, self._verified(
            tokens.id_token, tokens, Expected(nonce=attempt.nonce, max_age=self._max_age)
        )

    def refresh(self, session: Session) -> tuple[Tokens, Claims | None]:
        """Renew tokens (OpenID Connect Core 12).

        :raises TokenRefused, FetchFailed: no tokens. :raises InvalidToken: the ID token is refused.
        """
        refresh_token = session.tokens.refresh_token or ""
        tokens = self._ask(grant_type="refresh_token", refresh_token=refresh_token)
        if tokens.id_token is None:
            return tokens, None
        try:
            claims = self._verified(tokens.id_token, tokens, Expected(nonce=UNCHECKED))
        except KeysUnavailable:  # the refresh token is used up by now: what came for it must not be lost
            return replace(tokens, id_token=None), None
        if claims.subject != session.subject:  # Core 12.2
            raise InvalidClaim("The renewed ID token speaks of another person.", claim="sub")
        return tokens, claims

    def revoke(self, refresh_token: str) -> None:
        """Revoke a refresh token (RFC 7009 2.1), where the issuer has an endpoint for it.

        :raises FetchFailed: it cannot be asked.
        """
        address = self.metadata().values.get("revocation_endpoint")
        if isinstance(address, str):
            self._post(address, {"token": refresh_token, "token_type_hint": "refresh_token"})

    def _verified(self, id_token: str, tokens: Tokens, expected: Expected) -> Claims:
        claims = self._verifier.verify(id_token, expected=expected)
        if "at_hash" in claims:  # optional here, for both came in one answer (Core 3.1.3.6); true if there
            bound = replace(expected, access_token=tokens.access_token)
            claims = self._verifier.verify(id_token, expected=bound)
        return claims

    def _ask(self, **parameters: str) -> Tokens:
        response = self._post(self.metadata().address("token_endpoint"), parameters)
        now = self._clock()
        token, members = read_token_response(response, now=now), json_object(response.body)
        if token.token_type != "Bearer":  # noqa: S105 - a type
            raise FetchFailed("The issuer bound the token to a key that was not asked for.")
        refresh_token, id_token = members.get("refresh_token"), members.get("id_token")
        return Tokens(
            token.access_token,
            token.expires_at,
            renewal_time(now, token.expires_at),
            refresh_token if isinstance(refresh_token, str) and refresh_token else None,
            id_token if isinstance(id_token, str) and id_token else None,
            token.scope,
        )

    def _post(self, address: str, parameters: Mapping[str, str]) -> Response:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        sent = dict(parameters)
        if self._us.client_secret is None:
            sent["client_id"] = self._us.client_id
        elif self._us.auth_method == "client_secret_post":
            sent |= {"client_id": self._us.client_id, "client_secret": self._us.client_secret}
        else:
            pair = f"{quote_plus(self._us.client_id)}:{quote_plus(self._us.client_secret)}"  # RFC 6749 2.3.1
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")
        return self._fetcher.fetch(address, method="POST", headers=headers, body=urlencode(sent).encode())
