"""An issuer that lives in the test's own process: real keys, real tokens, no server unless asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from mintmark.errors import ConfigurationError, KeysUnavailable
from mintmark.jose.encoding import b64url_encode, json_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jose.jws import sign
from mintmark.jwt.inspection import inspect
from mintmark.jwt.sources import KeySource
from mintmark.testing.clock import FrozenClock
from mintmark.testing.revocations import LocalRevocations

if TYPE_CHECKING:
    from mintmark.testing.publishing import Publisher

__all__ = ["LocalIssuer"]

DEFAULT_NAME: Final = "https://issuer.test"  # RFC 6761 6.2: a name that nobody has
DEFAULT_AUDIENCE: Final = "test"
_LONG_AGO: Final = 3600.0  # beyond any leeway


class LocalIssuer:
    """An issuer for tests.

    ::

        issuer = LocalIssuer(audience="orders")
        service = ResourceServer(issuer.issuer, "orders", keys=issuer.keys, clock=issuer.clock)
        token = issuer.mint(sub="alice", scopes="orders:read")

    :param name: what it calls itself (``iss``). By default that is settled at first use: the address of its
        server when :attr:`url` is asked for first, and ``https://issuer.test`` otherwise.
    :param audience: the ``aud`` of its tokens unless a token is minted for another.
    :param alg: the algorithm of its keys.
    :param key: its first key, when there is one already (RSA keys take long to make).
    :param clock: the time it lives in.
    :raises InvalidKey: when there is no such algorithm.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        audience: str = DEFAULT_AUDIENCE,
        alg: str = "ES256",
        key: Key | None = None,
        clock: FrozenClock | None = None,
    ) -> None:
        self.audience = audience
        self.clock = clock or FrozenClock()
        self.revocations = LocalRevocations()
        self._is_named = name is not None
        self._name = name
        self._key = key or Key.generate(alg)
        self._published = KeySet([_verifying(self._key)])
        self._is_up = True
        self._publisher: Publisher | None = None
        self._keys = _PublishedKeys(self)

    def __repr__(self) -> str:
        return f"<LocalIssuer {self._name or '(no name yet)'} kid={self._key.kid}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server, if there is one."""
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None

    # --- who it is ----------------------------------------------------------------------------------------

    @property
    def issuer(self) -> str:
        """Its name: the ``iss`` of its tokens."""
        if self._name is None:
            self._name = DEFAULT_NAME
        return self._name

    @property
    def url(self) -> str:
        """The address of its server on loopback, which is started when this is first asked for.

        :raises ConfigurationError: when the issuer has already used its default name: discovery would name
            another issuer than the tokens do.
        """
        if self._publisher is None:
            if self._name == DEFAULT_NAME and not self._is_named:
                raise ConfigurationError(
                    f"the issuer already goes by {DEFAULT_NAME}, in a token or in a verifier",
                    hint="Ask for .url first, or give the issuer a name of its own: LocalIssuer(name).",
                )
            from mintmark.testing.publishing import Publisher

            self._publisher = Publisher(self._document)
            self._publisher.is_up = self._is_up
            if self._name is None:
                self._name = self._publisher.url
        return self._publisher.url

    @property
    def jwks_uri(self) -> str:
        """The address of its key set; starts the server like :attr:`url`."""
        return f"{self.url}/jwks"

    @property
    def fetches(self) -> int:
        """How often its key set was fetched over the socket."""
        return 0 if self._publisher is None else self._publisher.requests["/jwks"]

    def _document(self, path: str) -> dict[str, Any] | None:
        from mintmark.testing.publishing import DISCOVERY_PATHS, JWKS_PATH

        if path == JWKS_PATH:
            return self._published.to_jwks()
        if path in DISCOVERY_PATHS:
            return {
                "issuer": self.issuer,
                "jwks_uri": self.jwks_uri,
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [self._key.alg],
            }
        return None

    # --- its keys -----------------------------------------------------------------------------------------

    @property
    def key(self) -> Key:
        """The key that signs. A test may sign anything with it."""
        return self._key

    @property
    def keys(self) -> KeySource:
        """Its published keys, for ``keys=`` of a Verifier, ResourceServer or Protect: no socket is needed.

        It follows rotation at once. While the issuer is down it has none, like a service that starts then.
        """
        return self._keys

    @property
    def published(self) -> KeySet:
        """The keys that it publishes now, the newest first."""
        return self._published

    def rotate(self, *, withdraw: bool = False, alg: str | None = None) -> Key:
        """Sign with a new key from now on and return it; the old ones stay published unless withdrawn.

        :param withdraw: publish nothing but the new key.
        :param alg: its algorithm, when it changes.
        """
        self._key = Key.generate(alg or self._key.alg)
        older = () if withdraw else tuple(self._published)
        self._published = KeySet([_verifying(self._key), *older])
        return self._key

    def go_down(self) -> None:
        """Be out of reach: the server hangs up, and :attr:`keys` has none."""
        self._set_up(False)

    def go_up(self) -> None:
        """Be there again."""
        self._set_up(True)

    def _set_up(self, is_up: bool) -> None:
        self._is_up = is_up
        if self._publisher is not None:
            self._publisher.is_up = is_up

    @property
    def is_up(self) -> bool:
        """Whether it can be reached."""
        return self._is_up

    # --- its tokens ---------------------------------------------------------------------------------------

    def mint(
        self,
        sub: str = "alice",
        *,
        scopes: str | Iterable[str] = (),
        audience: str | list[str] | None = None,
        expired: bool = False,
        lifetime: float = 600.0,
        claims: Mapping[str, Any] | None = None,
        without: Iterable[str] = (),
        typ: str | None = "at+jwt",
        header: Mapping[str, Any] | None = None,
        key: Key | None = None,
    ) -> str:
        """Return a signed access token (RFC 9068) that says whatever a test wants it to say.

        Unlike a real :class:`~mintmark.Issuer` this one makes tokens that nobody should: already expired,
        without required claims, with claims of wrong types.

        :param sub: whom it speaks of.
        :param scopes: its scopes, as a list or as one text.
        :param audience: whom it is for, where not for :attr:`audience`.
        :param expired: it expired an hour ago.
        :param lifetime: seconds until it expires.
        :param claims: further claims; they also replace the registered ones.
        :param without: the names of claims to leave out.
        :param typ: the header's ``typ``; None leaves it out. ``"JWT"`` makes it look like an ID token.
        :param header: further members of the header.
        :param key: a key to sign with instead of the issuer's.
        """
        expiry = self.clock() + lifetime if not expired else self.clock() - _LONG_AGO
        members: dict[str, Any] = {
            "iss": self.issuer,
            "sub": sub,
            "aud": self.audience if audience is None else audience,
            "client_id": "test-client",
            "iat": int(expiry - lifetime),
            "exp": int(expiry),
            "jti": b64url_encode(os.urandom(16)),
        }
        scope = scopes if isinstance(scopes, str) else " ".join(scopes)
        if scope:
            members["scope"] = scope
        members.update(claims or {})
        left = set(without)
        payload = json_encode({name: value for name, value in members.items() if name not in left})
        named = {} if typ is None else {"typ": typ}
        return sign(payload, key or self._key, header={**named, **(header or {})})

    def revoke(self, token: str | None = None, **claims: str) -> None:
        """Refuse a token (by its ``jti``), or every token with a claim (``sub="alice"``), from now on.

        Seen by services that were given :attr:`revocations`.

        :raises ConfigurationError: when the token has no ``jti``.
        """
        if token is not None:
            said = inspect(token).claims
            jti = said.get("jti") if said is not None else None
            if not isinstance(jti, str):
                raise ConfigurationError("a token without jti cannot be revoked by itself", claim="jti")
            claims = {**claims, "jti": jti}
        self.revocations.revoke(**claims)


def _verifying(key: Key) -> Key:
    """What verifiers of a key get: the public half, or the shared secret itself."""
    return key if key.kty == "oct" else key.public


class _PublishedKeys:
    """A KeySource straight from the issuer."""

    __slots__ = ("_issuer",)

    def __init__(self, issuer: LocalIssuer) -> None:
        self._issuer = issuer

    def current(self) -> KeySet | None:
        return self._issuer.published if self._issuer.is_up else None

    def refresh(self, kid: str | None) -> KeySet:
        keys = self.current()
        if keys is None:
            raise KeysUnavailable("The issuer is down, as the test wants it.", kid=kid)
        return keys

    async def arefresh(self, kid: str | None) -> KeySet:
        return self.refresh(kid)
