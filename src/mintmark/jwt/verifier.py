"""Verifier: the one call that turns a text into claims that can be trusted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, Literal, TypedDict, TypeVar, Unpack, cast, overload

from mintmark.errors import ConfigurationError, InvalidToken, RevokedToken
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jwt.cache import MARK
from mintmark.jwt.checks import raise_first
from mintmark.jwt.claims import Claims, raw_members
from mintmark.jwt.examiner import Examiner, KeysNeeded
from mintmark.jwt.policy import DEFAULT_LEEWAY, UNCHECKED, Policy, Unchecked
from mintmark.jwt.profile import Profile
from mintmark.jwt.sources import FixedKeys, KeySource, Revocations, as_source

__all__ = ["Verifier", "VerifierOptions"]

T = TypeVar("T")


class VerifierOptions(TypedDict, total=False):
    """What a :class:`Verifier` may be told beyond issuer, audience and keys."""

    profile: Profile | None
    typ: str | Sequence[str | None] | Unchecked | None
    leeway: float
    required: Iterable[str]
    expires: Literal[True] | Unchecked
    max_age: float | None
    revocations: Revocations | None
    decryption_keys: Key | KeySet | None
    accept_unencrypted: bool
    cache: int | None
    clock: Callable[[], float]


class Verifier(Generic[T]):
    """Verifies tokens of one issuer by one policy: signature, times, issuer, audience, kind, revocation.

    ::

        verifier = Verifier(issuer="https://auth.example.com", audience="orders", keys=key.public)
        claims = verifier.verify(token)          # or: await verifier.averify(token)

    Nothing is checked in a second call and nothing can be forgotten: what is not stated is refused when the
    verifier is made, and a check is waived only by name (``audience=UNCHECKED``). The policy is compiled
    once; the object is immutable and may be shared between threads and event loops.

    :param issuer: the exact ``iss``.
    :param audience: who we are: ``aud`` must be one of these, or contain one of them.
    :param keys: a :class:`Key`, a :class:`KeySet`, or a :class:`KeySource` that follows a changing set.
    :param profile: the kind of token: ``ACCESS_TOKEN``, ``ID_TOKEN``, …
    :param typ: the header's ``typ``, where it differs from the profile's; without a profile, absent or
        ``JWT``. None in a list admits its absence.
    :param leeway: how far clocks may differ, in seconds, at most 300.
    :param required: further claims that must be there.
    :param expires: ``UNCHECKED`` accepts tokens without ``exp`` and expired ones.
    :param max_age: refuse tokens issued (``iat``) longer ago than this many seconds.
    :param into: a dataclass, TypedDict, msgspec.Struct or pydantic model to return instead of
        :class:`Claims`.
    :param revocations: asked about every token on every call.
    :param decryption_keys: tokens come signed and then encrypted, to these keys.
    :param accept_unencrypted: with ``decryption_keys``: also take tokens that are only signed.
    :param cache: how many verified tokens to remember; None remembers none.
    :param clock: gives the time in seconds since the epoch.
    :raises ConfigurationError: when something is missing or contradicts itself.
    """

    __slots__ = (
        "_clock",
        "_convert",
        "_examiner",
        "_fixed",
        "_plain",
        "_policy",
        "_remembers",
        "_revocations",
        "_source",
    )

    @overload
    def __init__(
        self: Verifier[Claims],
        *,
        issuer: str | Unchecked,
        audience: str | Iterable[str] | Unchecked,
        keys: Key | KeySet | KeySource,
        into: None = None,
        **options: Unpack[VerifierOptions],
    ) -> None: ...

    @overload
    def __init__(
        self,
        *,
        issuer: str | Unchecked,
        audience: str | Iterable[str] | Unchecked,
        keys: Key | KeySet | KeySource,
        into: type[T],
        **options: Unpack[VerifierOptions],
    ) -> None: ...

    def __init__(
        self,
        *,
        issuer: str | Unchecked,
        audience: str | Iterable[str] | Unchecked,
        keys: Key | KeySet | KeySource,
        profile: Profile | None = None,
        typ: str | Sequence[str | None] | Unchecked | None = None,
        leeway: float = DEFAULT_LEEWAY,
        required: Iterable[str] = (),
        expires: Literal[True] | Unchecked = True,
        max_age: float | None = None,
        into: type[T] | None = None,
        revocations: Revocations | None = None,
        decryption_keys: Key | KeySet | None = None,
        accept_unencrypted: bool = False,
        cache: int | None = 4096,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if revocations is not None and not isinstance(revocations, Revocations):
            raise ConfigurationError("revocations= takes an object with reason(claims)")
        self._policy = Policy.build(
            issuer=issuer,
            audience=audience,
            profile=profile,
            typ=typ,
            leeway=leeway,
            expires=expires,
            max_age=max_age,
            required=required,
        )
        self._examiner = Examiner(
            self._policy,
            limit=_entries(cache),
            decryption_keys=decryption_keys,
            accept_unencrypted=accept_unencrypted,
        )
        self._remembers = bool(cache)
        self._source = as_source(keys)
        # keys that never change are not asked for each time
        self._fixed = self._source.current() if isinstance(self._source, FixedKeys) else None
        self._clock = clock
        self._revocations = revocations
        self._convert = None if into is None else _conversion(into)
        # the common case, decided once: nothing is left to do for a token that is remembered
        self._plain = (
            revocations is None and into is None and (profile is None or profile.expectation is None)
        )

    def __repr__(self) -> str:
        return f"<Verifier issuer={self._policy.issuer or UNCHECKED!r}>"

    @property
    def issuer(self) -> str | None:
        """The ``iss`` that is accepted; None when the check was waived."""
        return self._policy.issuer

    def verify(self, token: str, *, expected: object = None) -> T:
        """Return the claims of a token in which everything holds.

        :param expected: what the profile compares each token with: a ``SignIn`` for ``ID_TOKEN``.
        :raises InvalidToken: when the token is refused; its subclasses and ``code`` say why.
        :raises KeysUnavailable: when there are no keys to verify with, which is not the token's fault.
        :raises ConfigurationError: when ``expected`` is not what the profile asks for.
        """
        keys = self._fixed
        if keys is None:
            keys = self._source.current()
        claims = self._recall(token, keys) if self._remembers else None
        if claims is None:
            examiner, clock = self._examiner, self._clock
            generation = examiner.generation
            try:
                if generation.keys is keys and type(token) is str:  # nearly always, and a call less
                    verify = generation.verify
                    claims = verify(token, clock())
                else:
                    claims = examiner.examine(token, keys, clock())
            except KeysNeeded as need:
                claims = examiner.examine(token, self._source.refresh(need.kid), clock(), need)
        if self._plain and expected is None:
            return claims  # type: ignore[return-value]  # T is Claims where nothing else was asked for
        return self._finish(claims, expected)

    async def averify(self, token: str, *, expected: object = None) -> T:
        """Like :meth:`verify`, without ever blocking the event loop, whatever the key source."""
        keys = self._fixed
        if keys is None:
            keys = self._source.current()
        claims = self._recall(token, keys) if self._remembers else None
        if claims is None:
            examiner, clock = self._examiner, self._clock
            generation = examiner.generation
            try:
                if generation.keys is keys and type(token) is str:  # nearly always, and a call less
                    verify = generation.verify
                    claims = verify(token, clock())
                else:
                    claims = examiner.examine(token, keys, clock())
            except KeysNeeded as need:
                claims = examiner.examine(token, await self._source.arefresh(need.kid), clock(), need)
        if self._plain and expected is None:
            return claims  # type: ignore[return-value]  # T is Claims where nothing else was asked for
        return self._finish(claims, expected)

    def check(self, token: str, *, expected: object = None) -> list[InvalidToken]:
        """Return everything that is wrong with a token; an empty list means that :meth:`verify` accepts it.

        The signature comes first: when that does not hold, nothing the token says is worth a look, and the
        list has that one entry. Meant for people who look into a refusal, not for deciding about requests.

        :raises KeysUnavailable: when there are no keys to verify with.
        """
        try:
            try:
                claims = self._examiner.signed(token, self._source.current())
            except KeysNeeded as need:
                claims = self._examiner.signed(token, self._source.refresh(need.kid), need)
        except InvalidToken as refusal:
            return [refusal]
        return self._problems(claims, expected)

    async def acheck(self, token: str, *, expected: object = None) -> list[InvalidToken]:
        """Like :meth:`check`, without blocking the event loop."""
        try:
            try:
                claims = self._examiner.signed(token, self._source.current())
            except KeysNeeded as need:
                claims = self._examiner.signed(token, await self._source.arefresh(need.kid), need)
        except InvalidToken as refusal:
            return [refusal]
        return self._problems(claims, expected)

    def _recall(self, token: str, keys: Key | KeySet | None) -> Claims | None:
        """Return the claims of a token that was verified with the present keys and whose time is not over."""
        generation = self._examiner.generation
        if generation.keys is not keys or type(token) is not str:
            return None
        memory = generation.memory
        entry = memory.entries.get(token[MARK])
        if entry is None:
            return None
        text, claims, start, until = entry
        if text != token:
            return None
        clock = self._clock
        if start <= clock() < until:
            return claims
        memory.forget(token)
        return None

    def _finish(self, claims: Claims, expected: object) -> T:
        """Do what has to be done for every call, remembered or not."""
        raise_first(self._particular_problems(claims, expected))
        return cast("T", claims) if self._convert is None else self._convert(claims)

    def _particular_problems(self, claims: Claims, expected: object) -> Iterator[InvalidToken]:
        if self._revocations is not None:
            reason = self._revocations.reason(claims)
            if reason is not None:
                yield RevokedToken(f"The token has been revoked: {reason}", actual=reason)
        profile = self._policy.profile
        expectation = None if profile is None else profile.expectation
        if expectation is None:
            if expected is not None:
                raise ConfigurationError("expected= says something only with a profile that compares it")
        elif not isinstance(expected, expectation):
            raise ConfigurationError(
                f"{profile.name if profile else 'token'}s are compared with what the caller expects",
                hint=f"verify(token, expected={expectation.__name__}(...))",
            )
        elif profile is not None and profile.matches is not None:
            yield from profile.matches(
                raw_members(claims), claims.header, expected, self._clock(), self._policy.leeway
            )

    def _problems(self, claims: Claims, expected: object) -> list[InvalidToken]:
        found = self._examiner.problems(claims, self._clock())
        found += self._particular_problems(claims, expected)
        if not found and self._convert is not None:
            try:
                self._convert(claims)
            except InvalidToken as misfit:
                found.append(misfit)
        return found


def _entries(cache: object) -> int:
    if cache is None:
        return 0
    if isinstance(cache, bool) or not isinstance(cache, int) or cache < 0:
        raise ConfigurationError("cache is a number of tokens to remember, or None")
    return cache


def _conversion(into: type[T]) -> Callable[[Claims], T]:
    from mintmark.jwt.into import converter

    return converter(into)
