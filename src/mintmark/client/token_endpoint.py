"""TokenEndpoint: asks an issuer's endpoints as one client. It blocks, and keeps nothing but addresses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from mintmark.client.authentication import Authentication, Parameters
from mintmark.client.proofs import ProofMaker
from mintmark.client.tokens import Token, TokenRefused, read_token_response
from mintmark.net import Fetcher, Response
from mintmark.net.discovery import IssuerMetadata, discover

__all__ = ["TokenEndpoint", "form"]

_DISCOVERY_LIFETIME = 86400.0  # seconds after which the issuer is asked again where its endpoints are


class TokenEndpoint:
    """What a client says to its issuer, over a connection that checks where it leads.

    :param stated: the token endpoint of an issuer without discovery.
    :param proofs: binds every token that is asked for.
    """

    def __init__(
        self,
        issuer: str,
        authentication: Authentication,
        fetcher: Fetcher,
        *,
        stated: str | None,
        proofs: ProofMaker | None,
        clock: Callable[[], float],
    ) -> None:
        self.issuer = issuer
        self.proofs = proofs
        self.clock = clock
        self._authentication = authentication
        self._fetcher = fetcher
        self._stated = stated
        self._found: tuple[IssuerMetadata, float] | None = None

    def token(self, parameters: Parameters) -> Token:
        """Ask for a token.

        :raises TokenRefused: the issuer says no. :raises FetchFailed: it cannot be asked.
        """
        endpoint = self._stated or self.address("token_endpoint")
        response = self._post_proven(endpoint, parameters)
        try:
            return read_token_response(response, now=self.clock())
        except TokenRefused as refused:
            nonce = response.headers.get("dpop-nonce")
            if refused.error != "use_dpop_nonce" or self.proofs is None or nonce is None:
                raise
            self.proofs.learn(endpoint, nonce)  # RFC 9449 8: once more, with the nonce
            return read_token_response(self._post_proven(endpoint, parameters), now=self.clock())

    def address(self, name: str) -> str:
        """Return the address of an endpoint, as the issuer publishes it.

        :raises FetchFailed: it cannot be asked, or has no such endpoint.
        """
        now, found = self.clock(), self._found
        if found is None or not 0 <= now - found[1] < _DISCOVERY_LIFETIME:
            found = self._found = discover(self._fetcher, self.issuer), now
        return found[0].address(name)

    def post(self, address: str, parameters: Parameters, proof: str | None = None) -> Response:
        """Send a form, and who this client is.

        :raises FetchFailed: there was no answer.
        """
        headers = self._authentication.headers() | {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        if proof is not None:
            headers["DPoP"] = proof
        body = urlencode(parameters + self._authentication.parameters()).encode("ascii")
        return self._fetcher.fetch(address, method="POST", headers=headers, body=body)

    def _post_proven(self, endpoint: str, parameters: Parameters) -> Response:
        proof = None if self.proofs is None else self.proofs.prove("POST", endpoint)
        return self.post(endpoint, parameters, proof)


def form(*, scope: str | Sequence[str] | None = None, **values: str | None) -> Parameters:
    """Return the parameters of a request, those without a value left out."""
    joined = scope if scope is None or isinstance(scope, str) else " ".join(scope)
    return tuple((name, value) for name, value in {**values, "scope": joined}.items() if value)
