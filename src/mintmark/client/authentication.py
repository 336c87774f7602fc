"""How a client shows a token endpoint who it is (RFC 6749 2.3, RFC 7523 2.2)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote_plus

from mintmark.errors import ConfigurationError
from mintmark.jose.jwk import Key
from mintmark.jwt import CLIENT_ASSERTION, Issuer

__all__ = ["Authentication", "Parameters", "PrivateKeyJwt", "Public", "SecretBasic", "authentication_of"]

Parameters = tuple[tuple[str, str], ...]

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFETIME = 60.0


class Authentication(Protocol):
    """Gives what one request to the token endpoint carries beside its own parameters."""

    def headers(self) -> dict[str, str]:
        """Return further headers."""
        ...

    def parameters(self) -> Parameters:
        """Return further parameters."""
        ...


@dataclass(frozen=True, slots=True)
class SecretBasic:
    """``client_secret_basic``: both parts form-encoded, then HTTP Basic (RFC 6749 2.3.1)."""

    client_id: str
    client_secret: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        """Return the Authorization header."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")}

    def parameters(self) -> Parameters:
        """Return nothing."""
        return ()


@dataclass(frozen=True, slots=True)
class Public:
    """``none``: the client only says its name (RFC 6749 2.1, 3.2.1)."""

    client_id: str

    def headers(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    def parameters(self) -> Parameters:
        """Return the name."""
        return (("client_id", self.client_id),)


class PrivateKeyJwt:
    """``private_key_jwt``: an assertion of its own for each request; no secret ever leaves the client.

    Its audience is the issuer alone, so that it is worth nothing anywhere else (RFC 7523 3).

    :raises ConfigurationError: the key cannot sign.
    """

    __slots__ = ("_assertions", "_client_id", "_issuer")

    def __init__(self, client_id: str, key: Key, issuer: str, *, clock: Callable[[], float]) -> None:
        self._client_id = client_id
        self._issuer = issuer
        self._assertions = Issuer(client_id, key, clock=clock)

    def headers(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    def parameters(self) -> Parameters:
        """Return a new assertion."""
        assertion = self._assertions.issue(
            subject=self._client_id,
            audience=self._issuer,
            lifetime=_ASSERTION_LIFETIME,
            profile=CLIENT_ASSERTION,
        )
        return (
            ("client_id", self._client_id),
            ("client_assertion_type", _ASSERTION_TYPE),
            ("client_assertion", assertion),
        )


def authentication_of(
    issuer: str,
    client_id: str,
    client_secret: str | None,
    client_key: Key | None,
    *,
    public: bool = False,
    clock: Callable[[], float],
) -> Authentication:
    """Return the authentication for a secret, for a key, or for a client that has neither and says so.

    :raises ConfigurationError: not exactly one of them: a client has one method (RFC 6749 2.3).
    """
    if public and client_secret is None and client_key is None:
        return Public(client_id)
    if client_key is not None and client_secret is None and not public:
        return PrivateKeyJwt(client_id, client_key, issuer, clock=clock)
    if client_secret is not None and client_key is None and not public:
        return SecretBasic(client_id, client_secret)
    raise ConfigurationError("A client has a client_secret, a client_key, or is public: one of the three.")
