"""Key sets (RFC 7517 5): which key fits a token is decided here, from ``kid`` and ``alg`` together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

from mintmark.errors import (
    AlgorithmNotAllowed,
    ConfigurationError,
    ErrorCode,
    InvalidKey,
    MalformedToken,
    UnknownKey,
)
from mintmark.jose.algorithms import default_name
from mintmark.jose.encoding import json_object
from mintmark.jose.jwk import Key

if TYPE_CHECKING:
    from mintmark.jose.problems import Problem

__all__ = ["KeySet", "SkippedKey", "select"]

MAX_KEYS: Final = 512
MAX_TRIES: Final = 16  # keys that a token without kid is tried against

Algorithms = Sequence[str] | Mapping[str, str]


class SkippedKey(Struct, frozen=True):
    """A member of a set that was not taken, and why (RFC 7517 5: skip what is not understood)."""

    index: int
    kid: str | None
    reason: str
    code: ErrorCode


class KeySet:
    """An immutable set of keys, in order. ``kid`` and ``alg`` together name at most one key."""

    __slots__ = ("_by_alg", "_by_kid", "_keys", "skipped")

    skipped: tuple[SkippedKey, ...]

    def __init__(self, keys: Iterable[Key] = (), *, skipped: Iterable[SkippedKey] = ()) -> None:
        """
        :raises ConfigurationError: when something is not a Key.
        :raises InvalidKey: when two different keys share ``kid`` and ``alg``.
        """
        if isinstance(keys, Key):
            keys = (keys,)
        if not isinstance(keys, Iterable):
            raise ConfigurationError("a KeySet is made of Key objects")
        kept: dict[Key, None] = {}
        by_kid: dict[tuple[str, str], list[Key]] = {}
        by_alg: dict[str, list[Key]] = {}
        for key in keys:
            if not isinstance(key, Key):
                raise ConfigurationError("a KeySet holds Key objects", hint="Key.from_jwk, Key.from_pem, …")
            if key in kept:
                continue
            if key.kid and any(other.alg == key.alg for other in by_kid.get((key.kid, key.accepts[0]), ())):
                raise InvalidKey("two different keys share kid and alg", kid=key.kid, claim="kid")
            kept[key] = None
            for name in key.accepts:
                by_kid.setdefault((key.kid, name), []).append(key)
                by_alg.setdefault(name, []).append(key)
        self._keys = tuple(kept)
        self._by_kid = {name: tuple(found) for name, found in by_kid.items()}
        self._by_alg = {name: tuple(found) for name, found in by_alg.items()}
        self.skipped = tuple(skipped)

    @classmethod
    def from_jwks(
        cls,
        data: Mapping[str, Any] | str | bytes,
        *,
        algorithms: Algorithms | None = None,
        allow_legacy: bool = False,
    ) -> KeySet:
        """Read a JWK Set; a member that cannot be used is skipped and reported in ``skipped``.

        :param algorithms: names of the algorithms to take keys for; a key that states none gets the one that
            fits it. Or a mapping from ``kid`` to algorithm, for keys that state none.
        :raises InvalidKey: when the data is no JWK Set at all.
        """
        if isinstance(algorithms, str) or not isinstance(algorithms, Iterable | None):
            raise ConfigurationError("algorithms is a list of names, or a mapping from kid to name")
        read: dict[Key, int] = {}
        skipped: list[SkippedKey] = []
        for index, member in enumerate(_members(data)):
            try:
                read.setdefault(_read(member, algorithms, allow_legacy), index)
            except InvalidKey as error:
                kid = member.get("kid") if isinstance(member, Mapping) else None
                name = kid[:200] if isinstance(kid, str) else None
                skipped.append(SkippedKey(index, name, error.message, error.code))
        names = Counter((key.kid, key.alg) for key in read)
        for key, index in list(read.items()):
            if key.kid and names[key.kid, key.alg] > 1:  # nobody can tell which of them is meant
                skipped.append(
                    SkippedKey(
                        index,
                        key.kid,
                        "another key of the set has the same kid and alg",
                        ErrorCode.KEY_INVALID,
                    )
                )
                del read[key]
        return cls(read, skipped=skipped)

    def get(self, kid: str) -> Key | None:
        """Return the first key of that name, or None."""
        return next((key for key in self._keys if key.kid == kid), None)

    def candidates(self, kid: str | None, alg: str) -> tuple[Key, ...]:
        """Return the keys that a token naming ``kid`` (or none) and ``alg`` may be tried with."""
        if kid is None:
            return self._by_alg.get(alg, ())
        return self._by_kid.get((kid, alg), ())

    @property
    def public(self) -> KeySet:
        """The public halves; shared secrets have none and are left out."""
        return KeySet((key.public for key in self._keys if key.kty != "oct"), skipped=self.skipped)

    def problems(self, *, published: bool = True) -> tuple[Problem, ...]:
        """Return what is weak, ambiguous, inconsistent or private in this set.

        :param published: the set is one that others can read, so nothing in it may be secret.
        """
        from mintmark.jose.problems import problems

        return problems(self, published=published)

    def to_jwks(self, *, private: bool = False) -> dict[str, Any]:
        """Return the JWK Set to publish: public halves, no shared secrets. With ``private``, everything."""
        if private:
            return {"keys": [key.to_jwk(private=key.is_private) for key in self._keys]}
        return {"keys": [key.to_jwk() for key in self._keys if key.kty != "oct"]}

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, index: int) -> Key:
        return self._keys[index]

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __eq__(self, other: object) -> bool:
        return self._keys == other._keys if isinstance(other, KeySet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._keys)

    def __repr__(self) -> str:
        return f"<KeySet of {len(self._keys)} keys, {len(self.skipped)} skipped>"


def select(
    keys: Key | KeySet, kid: str | None, alg: str, use: Literal["sig", "enc"] = "sig"
) -> tuple[Key, ...]:
    """Return the keys to try for a token. A single Key was chosen by the caller, so a ``kid`` cannot miss it.

    Of a set only keys count that may verify (or with ``use="enc"`` decrypt): the token names kid and alg, and
    must not be able to pick a key of another purpose.

    :raises AlgorithmNotAllowed: when the key named is for another algorithm.
    :raises UnknownKey: when no key fits.
    :raises ConfigurationError: when ``keys`` is neither a Key nor a KeySet.
    """
    if isinstance(keys, Key):
        if alg in keys.accepts:
            return (keys,)
        raise AlgorithmNotAllowed(
            "the token's algorithm is not the key's", expected=keys.alg, actual=alg[:40], kid=keys.kid
        )
    if not isinstance(keys, KeySet):
        raise ConfigurationError(
            "keys are a Key or a KeySet, never text or bytes", hint="Key.from_jwk, Key.from_pem, …"
        )
    found = tuple(key for key in keys.candidates(kid, alg) if key.row.use == use and _may_open(key))
    if len(found) > MAX_TRIES:
        raise UnknownKey(f"the token names no kid, and more than {MAX_TRIES} keys fit its algorithm")
    if found:
        return found
    named = keys.get(kid) if kid is not None else None
    if named is not None and (named.row.use != use or alg not in named.accepts):
        raise AlgorithmNotAllowed(
            "the token's algorithm is not the key's", expected=named.alg, actual=alg[:40], kid=named.kid
        )
    raise UnknownKey("no key of the set fits the token", kid=kid[:200] if kid else None, actual=alg[:40])


def _may_open(key: Key) -> bool:
    """Say whether a key of a set may verify or decrypt at all; a public encryption key may not."""
    try:
        key.require(producing=False)
    except InvalidKey:
        return False
    return True


def _members(data: Mapping[str, Any] | str | bytes) -> list[Any]:
    if isinstance(data, Mapping):
        members = data.get("keys")
    else:
        try:
            members = json_object(data, what="the JWK Set").get("keys")
        except MalformedToken as error:
            raise InvalidKey(error.message) from None
    if not isinstance(members, list | tuple):
        raise InvalidKey("a JWK Set has a list of keys (RFC 7517 5.1)", claim="keys")
    if len(members) > MAX_KEYS:
        raise InvalidKey(f"a JWK Set has at most {MAX_KEYS} keys", claim="keys")
    return list(members)


def _read(member: Any, algorithms: Algorithms | None, allow_legacy: bool) -> Key:
    """Read one member, for an algorithm that the caller asked for if anything was asked."""
    if not isinstance(member, Mapping):
        raise InvalidKey("a member of a JWK Set is an object (RFC 7517 5.1)")
    alg: str | None = None
    if isinstance(algorithms, Mapping):
        kid = member.get("kid")
        alg = algorithms.get(kid) if isinstance(kid, str) else None
    elif algorithms is not None:
        if "alg" not in member:
            return _choose(member, algorithms, allow_legacy)
        key = Key.from_jwk(member, allow_legacy=allow_legacy)
        if key.alg not in algorithms and not set(algorithms).intersection(key.accepts):
            raise InvalidKey("the key's algorithm is not among those asked for", claim="alg", actual=key.alg)
        return key
    return Key.from_jwk(member, alg=alg, allow_legacy=allow_legacy)


def _choose(member: Mapping[str, Any], algorithms: Sequence[str], allow_legacy: bool) -> Key:
    """Read a key that states no algorithm: for the one asked for that fits, or its default among those."""
    fitting: dict[str, Key] = {}
    for name in algorithms:
        try:
            fitting[name] = Key.from_jwk(member, alg=name, allow_legacy=allow_legacy)
        except InvalidKey as error:
            refusal = error
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    for key in fitting.values():
        if key.alg == default_name(key.kty, key.crv, member.get("use")):
            return key
    if fitting:
        raise InvalidKey("the key states no algorithm, and several of those asked for fit", claim="alg")
    if len(algorithms) == 1:
        raise refusal
    raise InvalidKey("the key states no algorithm, and none of those asked for fits", claim="alg")
