"""ResourceServer: the one object behind every framework. It checks a request, or refuses it exactly."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, Unpack, overload

from mintmark.errors import ConfigurationError, InvalidToken, KeysUnavailable, MintmarkError
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jwt import ACCESS_TOKEN, Claims, KeySource, Verifier
from mintmark.jwt.claims import raw_members
from mintmark.jwt.into import converter
from mintmark.jwt.policy import DEFAULT_LEEWAY
from mintmark.jwt.verifier import VerifierOptions
from mintmark.resource_server.binding import Binding, CertificateOf, Use, not_bound
from mintmark.resource_server.credentials import (
    Credentials,
    MalformedCredentials,
    Request,
)
from mintmark.resource_server.dpop import DPoP
from mintmark.resource_server.locations import (
    AuthorizationHeader,
    CsrfSuspected,
    Location,
    QueryParameter,
    find_credentials,
)
from mintmark.resource_server.metadata import ResourceMetadata
from mintmark.resource_server.refusals import Refusal, Wire
from mintmark.resource_server.remote_keys import RemoteKeys
from mintmark.resource_server.require import Require
from mintmark.resource_server.revocation_feed import RevocationFeed

__all__ = ["ResourceServer"]

_log = logging.getLogger("mintmark.resource_server")
_LONGEST = 200  # characters of one value in a log line: an attacker chooses some of them
_NOTHING_MORE = Require()
_BESIDE_VERIFIER = frozenset({"revocations", "leeway", "clock"})

T = TypeVar("T")


class _Verifies(Protocol):
    """A Verifier, or several Verifiers, that give claims."""

    def verify(self, token: str) -> Claims: ...

    async def averify(self, token: str) -> Claims: ...


class ResourceServer:
    """A service that is called with access tokens.

    It needs the issuer's address and the audience by which the issuer knows this service; all else has a safe
    default. Every adapter in :mod:`mintmark.frameworks` asks this object, so all of them answer alike.

    :param issuer: who issues the tokens, exactly as it names itself.
    :param audience: this service's name at the issuer: the ``aud`` of its tokens.
    :param keys: the issuer's keys; by default RemoteKeys of the issuer.
    :param verifier: a Verifier or Verifiers of your own, instead of the one made here.
    :param realm: the protection space that challenges name; the audience by default.
    :param external_url: the URL under which clients reach this service. With it challenges name the
        resource's metadata (RFC 9728), and the frameworks serve that document.
    :param scopes_supported: the scopes to publish there; ``name`` is the name for people.
    :param locations: where requests may bring their token; the Authorization header by default.
    :param dpop: take DPoP-bound tokens (RFC 9449); needs ``external_url``. Without it they are refused.
    :param certificate_of: finds the client's certificate (DER) of a request, for certificate-bound tokens
        (RFC 8705); trust a header only if your proxy sets it and drops the client's own.
    :param options: of the Verifier that is made here: ``revocations`` (usually a RevocationFeed), ``leeway``,
        ``typ``, ``decryption_keys`` …; ``profile`` is that of RFC 9068 access tokens unless told otherwise.
    :raises ConfigurationError: something cannot be or must not be.
    """

    def __init__(
        self,
        issuer: str,
        audience: str | Sequence[str],
        *,
        keys: Key | KeySet | KeySource | None = None,
        verifier: _Verifies | None = None,
        realm: str | None = None,
        external_url: str | None = None,
        scopes_supported: Sequence[str] = (),
        name: str | None = None,
        locations: Sequence[Location] = (AuthorizationHeader(),),
        dpop: DPoP | None = None,
        certificate_of: CertificateOf | None = None,
        allow_http: Collection[str] = (),
        ca_file: str | None = None,
        **options: Unpack[VerifierOptions],
    ) -> None:
        self.issuer = issuer
        self.audience = (audience,) if isinstance(audience, str) else tuple(audience)
        self.revocations = options.get("revocations")
        self._leeway = options.get("leeway", DEFAULT_LEEWAY)
        self._clock = options.get("clock", time.time)
        if verifier is None:
            if keys is None:
                keys = RemoteKeys(issuer, allow_http=allow_http, ca_file=ca_file, clock=self._clock)
            options.setdefault("profile", ACCESS_TOKEN)
            verifier = Verifier(issuer=issuer, audience=self.audience, keys=keys, **options)
        elif keys is not None or options.keys() - _BESIDE_VERIFIER:
            raise ConfigurationError("A verifier of your own has its keys and options already.")
        self.keys = keys
        self._verifier = verifier
        self._locations = tuple(locations)
        if any(isinstance(location, QueryParameter) for location in self._locations):
            _log.warning("tokens are taken from the query: they will be in logs and histories")
        self._binding = Binding(dpop, certificate_of, external_url, self._leeway)
        self.metadata = None
        if external_url is not None:
            self.metadata = ResourceMetadata(
                external_url,
                (issuer,),
                tuple(scopes_supported),
                name,
                bearer_methods=tuple(place.bearer_method for place in locations if place.bearer_method),
                proof_algorithms=self._binding.proof_algorithms,
                proof_required=self._binding.dpop_required,
                certificate_bound=certificate_of is not None,
            )
        self._wire = Wire(
            realm or self.audience[0],
            self.metadata.url if self.metadata else None,
            self._binding.schemes,
            self._binding.proof_algorithms,
        )
        self._converters: dict[type[Any], Callable[[Claims], Any]] = {}

    # --- checking a request ---

    @overload
    def check(self, request: Request, require: Require | None = None) -> Claims: ...
    @overload
    def check(self, request: Request, require: Require | None = None, *, into: type[T]) -> T: ...

    def check(
        self, request: Request, require: Require | None = None, *, into: type[Any] | None = None
    ) -> Any:
        """Return the claims of the request's token if it is valid and suffices.

        :param require: what the token must carry beyond being valid.
        :param into: a type to get instead of Claims, as Verifier takes it.
        :raises Refusal: it is not; the refusal knows status, headers and body. It has been logged.
        """
        require = require or _NOTHING_MORE
        try:
            credentials = self._credentials(request)
            claims = self._verifier.verify(credentials.token)
            use = self._use(request, credentials, claims, require)
            if use is not None:
                use.claim_first(self._clock())
            return self._sufficient(claims, require, into)
        except Refusal as refusal:
            self._report(refusal)
            raise
        except (InvalidToken, KeysUnavailable, MalformedCredentials, CsrfSuspected) as error:
            raise self._refusal(error) from error

    @overload
    async def acheck(self, request: Request, require: Require | None = None) -> Claims: ...
    @overload
    async def acheck(self, request: Request, require: Require | None = None, *, into: type[T]) -> T: ...

    async def acheck(
        self, request: Request, require: Require | None = None, *, into: type[Any] | None = None
    ) -> Any:
        """Do what :meth:`check` does; the event loop goes on while keys are fetched.

        :raises Refusal: as :meth:`check`.
        """
        require = require or _NOTHING_MORE
        try:
            credentials = self._credentials(request)
            claims = await self._verifier.averify(credentials.token)
            use = self._use(request, credentials, claims, require)
            if use is not None:
                await use.aclaim_first(self._clock())
            return self._sufficient(claims, require, into)
        except Refusal as refusal:
            self._report(refusal)
            raise
        except (InvalidToken, KeysUnavailable, MalformedCredentials, CsrfSuspected) as error:
            raise self._refusal(error) from error

    def check_optional(self, request: Request, require: Require | None = None) -> Claims | None:
        """Return the claims, or None when the request brings no token; a token that is brought must be good.

        :raises Refusal: as :meth:`check`, but for a missing token.
        """
        return self.check(request, require) if self.brings_token(request) else None

    async def acheck_optional(self, request: Request, require: Require | None = None) -> Claims | None:
        """Do what :meth:`check_optional` does; the event loop goes on while keys are fetched."""
        return await self.acheck(request, require) if self.brings_token(request) else None

    def check_claims(self, claims: Claims | None, require: Require) -> None:
        """Check claims that :meth:`check` gave before against a further Require.

        For frameworks that ask in two steps: who is it, and may they. None means that there was no token.

        :raises Refusal: as :meth:`check`.
        """
        try:
            if claims is None:
                raise self._wire.missing()
            if (require.dpop or self._binding.dpop_required) and "jkt" not in (claims.get("cnf") or {}):
                raise self._wire.invalid(not_bound())
            self._sufficient(claims, require, None)
        except Refusal as refusal:
            self._report(refusal)
            raise

    @property
    def challenge(self) -> str:
        """The challenge to a request without a token."""
        return self._wire.missing().challenge or ""

    def brings_token(self, request: Request) -> bool:
        """Tell whether there is something to check, good or bad."""
        try:
            return find_credentials(request, self._locations, self._binding.understood) is not None
        except (MalformedCredentials, CsrfSuspected):
            return True  # check() says what is wrong with it

    def _credentials(self, request: Request) -> Credentials:
        credentials = find_credentials(request, self._locations, self._binding.understood)
        if credentials is None:
            raise self._wire.missing()
        return credentials

    def _use(
        self, request: Request, credentials: Credentials, claims: Claims, require: Require
    ) -> Use | None:
        required = require.dpop or self._binding.dpop_required
        confirmation = raw_members(claims).get("cnf")
        if confirmation is None and not required and credentials.scheme == "bearer":
            return None  # the usual case: a token that anyone may bear
        return self._binding.check(request, credentials, confirmation, now=self._clock(), required=required)

    def _sufficient(self, claims: Claims, require: Require, into: type[Any] | None) -> Any:
        if require is not _NOTHING_MORE:
            unmet = require.unmet(raw_members(claims), now=self._clock(), leeway=self._leeway)
            if unmet is not None:
                raise self._wire.unmet(unmet)
        if into is None:
            return claims
        convert = self._converters.get(into)
        if convert is None:
            convert = self._converters.setdefault(into, converter(into))
        return convert(claims)

    # --- refusing it ---

    def _refusal(self, error: MintmarkError) -> Refusal:
        if isinstance(error, KeysUnavailable):
            refusal = self._wire.unavailable(error)
        elif isinstance(error, MalformedCredentials):
            refusal = self._wire.malformed(error)
        elif isinstance(error, CsrfSuspected):
            refusal = self._wire.suspected(error)
        else:
            refusal = self._wire.invalid(error)
        self._report(refusal)
        return refusal

    def _report(self, refusal: Refusal) -> None:
        """Write the one line that says why, for the operator; never the token."""
        level = logging.INFO if refusal.error is None else logging.WARNING
        if not _log.isEnabledFor(level):
            return
        line = {"status": refusal.status, "issuer": self.issuer} | refusal.details()
        short = {name: _shortened(value) for name, value in line.items()}
        _log.log(level, "refused %s", json.dumps(short, default=repr))

    # --- its life ---

    def start(self) -> None:
        """Begin what runs in the background, if anything does; frameworks call it when the service starts."""
        if isinstance(self.revocations, RevocationFeed):
            self.revocations.start()

    def close(self) -> None:
        """End what runs in the background."""
        if isinstance(self.revocations, RevocationFeed):
            self.revocations.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _shortened(value: Any) -> Any:
    if isinstance(value, int | float | None):
        return value
    text = value if isinstance(value, str) else json.dumps(value, default=repr)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
