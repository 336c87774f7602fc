"""What leaves this process sealed: cookies, and records of a store. Our own JWE, ``dir`` with A256GCM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mintmark.errors import ConfigurationError, MintmarkError
from mintmark.jose import jwe
from mintmark.jose.encoding import json_encode, json_object
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

__all__ = ["Sealer"]

_ALGORITHM = "A256GCM"
_LONGEST = 1 << 17


class Sealer:
    """Seals JSON objects, each for one purpose: what was sealed for one opens for no other.

    :param keys: the first key seals, all of them open: put a new key in front to change it.
    :param context: who may open it: issuer and client.
    :raises ConfigurationError: a key that is no A256GCM secret.
    """

    def __init__(self, keys: Key | KeySet, context: str) -> None:
        every = tuple(_each(keys))
        if not every or any(key.alg != _ALGORITHM for key in every):
            raise ConfigurationError(
                "Sealing needs a key of 256 random bits, made for A256GCM.",
                expected=_ALGORITHM,
                hint='Key.generate("A256GCM"), or Key.from_secret(32 random bytes, alg="A256GCM")',
            )
        self._key = every[0]
        self._keys = KeySet(every)
        self._context = context

    def seal(self, purpose: str, members: Mapping[str, Any]) -> str:
        """Return the members, sealed."""
        text = json_encode({"for": [purpose, self._context], "is": dict(members)})
        return jwe.encrypt(text, self._key, enc=_ALGORITHM)

    def open(self, purpose: str, text: str) -> dict[str, Any] | None:
        """Return what was sealed for this purpose; None for everything else, without a reason."""
        try:
            plain = jwe.decrypt(text, self._keys, encs=(_ALGORITHM,), max_size=_LONGEST).plaintext
            found = json_object(plain)
        except MintmarkError:
            return None
        members = found.get("is")
        if found.get("for") != [purpose, self._context] or not isinstance(members, dict):
            return None
        return members


def _each(keys: Key | KeySet) -> Iterator[Key]:
    if isinstance(keys, Key):
        yield keys
    elif isinstance(keys, KeySet):
        yield from keys
    else:
        raise ConfigurationError("The key is a Key or a KeySet: text and bytes are never guessed to be one.")
