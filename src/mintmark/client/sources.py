"""Where a call's token comes from, and what a call does with it: the part that all HTTP clients share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mintmark.client.proofs import ProofMaker
from mintmark.client.token_client import TokenClient
from mintmark.client.tokens import Token

__all__ = ["ClientCredentials", "OnBehalfOf", "TokenSource", "call_headers", "wants_another"]


class TokenSource(Protocol):
    """Gives the token to call with; asked before every call."""

    @property
    def proofs(self) -> ProofMaker | None:
        """What makes DPoP proofs, where the tokens are bound."""
        ...

    def token(self) -> Token:
        """Return the token.

        :raises TokenRefused: the issuer says no. :raises FetchFailed: it cannot be asked.
        """
        ...

    async def atoken(self) -> Token:
        """Return the token without holding up the event loop."""
        ...

    def forget(self, token: Token) -> None:
        """Take note that a service has refused this token."""
        ...


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Tokens that speak for this service itself."""

    client: TokenClient
    scope: str | Sequence[str] | None = None
    resource: str | None = None

    @property
    def proofs(self) -> ProofMaker | None:
        """The client's proof maker."""
        return self.client.proofs

    def token(self) -> Token:
        """Return the token."""
        return self.client.client_credentials(scope=self.scope, resource=self.resource)

    async def atoken(self) -> Token:
        """Return the token without holding up the event loop."""
        return await self.client.aclient_credentials(scope=self.scope, resource=self.resource)

    def forget(self, token: Token) -> None:
        """Hold the token no longer."""
        self.client.forget(token)


@dataclass(frozen=True, slots=True)
class OnBehalfOf:
    """Tokens for another service in the name of the person whose token this service was called with."""

    client: TokenClient
    subject_token: str = field(repr=False)
    audience: str | None = None
    scope: str | Sequence[str] | None = None

    @property
    def proofs(self) -> ProofMaker | None:
        """The client's proof maker."""
        return self.client.proofs

    def token(self) -> Token:
        """Return the token."""
        return self.client.exchange(self.subject_token, audience=self.audience, scope=self.scope)

    async def atoken(self) -> Token:
        """Return the token without holding up the event loop."""
        return await self.client.aexchange(self.subject_token, audience=self.audience, scope=self.scope)

    def forget(self, token: Token) -> None:
        """Hold the token no longer."""
        self.client.forget(token)


def call_headers(source: TokenSource, token: Token, method: str, url: str) -> dict[str, str]:
    """Return the headers of one call: the token, and its proof where it is bound (RFC 9449 7.1)."""
    headers = {"Authorization": token.authorization}
    if token.token_type == "DPoP" and source.proofs is not None:  # noqa: S105 - a type
        headers["DPoP"] = source.proofs.prove(method, url, access_token=token.access_token)
    return headers


def wants_another(
    source: TokenSource, token: Token, url: str, status: int, headers: Mapping[str, str]
) -> bool:
    """Tell whether the call is worth one more try with another token or proof.

    A 401 that calls the token invalid makes the source get another; one that asks for a nonce gets it.

    :param headers: the answer's, by names in lower case.
    """
    if source.proofs is not None and (nonce := headers.get("dpop-nonce")) is not None:
        source.proofs.learn(url, nonce)
    if status != 401:
        return False
    challenge = headers.get("www-authenticate", "")
    if 'error="use_dpop_nonce"' in challenge:
        return source.proofs is not None and "dpop-nonce" in headers
    if 'error="invalid_token"' in challenge:
        source.forget(token)
        return True
    return False
