"""Where a Verifier's keys and its knowledge of revocations come from: two protocols of a few lines.

``mintmark.resource_server`` implements both over HTTP; a test or an application may bring its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mintmark.errors import ConfigurationError
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

if TYPE_CHECKING:
    from mintmark.jwt.claims import Claims

__all__ = ["FixedKeys", "KeySource", "Revocations", "as_source"]


@runtime_checkable
class KeySource(Protocol):
    """A key set that changes over time, usable from threads and from asyncio.

    A set is replaced as a whole: :meth:`current` returns the same object until something changed, and another
    object afterwards. Verifiers rely on that to forget what they verified with the old set.
    """

    def current(self) -> KeySet | None:
        """Return what is usable now, or None; never blocks."""
        ...

    def refresh(self, kid: str | None) -> KeySet:
        """Return the set to look in again because ``kid`` was not found (None: the token names none).

        May block. The source decides by its own rules whether it really fetches.

        :raises KeysUnavailable: when there is no usable set.
        """
        ...

    async def arefresh(self, kid: str | None) -> KeySet:
        """Like :meth:`refresh`, without blocking the event loop."""
        ...


class FixedKeys:
    """Keys that never change: what a :class:`Key` or :class:`KeySet` given to a Verifier becomes.

    A single Key stays one: whoever hands over one key has chosen, whatever ``kid`` a token names.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: Key | KeySet) -> None:
        self._keys = keys

    def current(self) -> Key | KeySet:
        """Return the keys."""
        return self._keys

    def refresh(self, kid: str | None) -> Key | KeySet:
        """Return the same keys: there is nothing else to look in."""
        return self._keys

    async def arefresh(self, kid: str | None) -> Key | KeySet:
        """Return the same keys."""
        return self._keys


@runtime_checkable
class Revocations(Protocol):
    """What is known to be revoked. Asked about every token on every call: in memory, without waiting."""

    def reason(self, claims: Claims) -> str | None:
        """Return why the token is revoked, or None.

        :raises MintmarkError: when it cannot know and must not guess (stale, and told to fail closed).
        """
        ...


def as_source(keys: object) -> KeySource | FixedKeys:
    """Return what a Verifier follows: fixed keys for a Key or a KeySet, a source as it is.

    :raises ConfigurationError: for anything else. A text is never guessed to be a PEM or a secret (S4, S5).
    """
    if isinstance(keys, Key | KeySet):
        return FixedKeys(keys)
    if isinstance(keys, KeySource):
        return keys
    raise ConfigurationError(
        f"keys= takes a Key, a KeySet or a KeySource, not {type(keys).__name__}",
        hint="Key.from_pem(text), Key.from_secret(secret, alg=...) or KeySet.from_jwks(data) make one.",
    )
