"""What RSA and ECDSA have in common: they sign the hash of a message, which may come in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mintmark.jose.algorithms.rows import Sign, Verify
from mintmark.jose.kinds.material import Material

__all__ = ["Hash", "HashedStream"]

Hash = Callable[..., Any]
"""Begins a hash, as those of ``hashlib`` do, which are faster than the hash objects of the backend."""


class HashedStream:
    """A signature over a message that comes in parts.

    :param signer: makes what signs a message, of how its hash is begun, and the key; ``verifier`` likewise.
    """

    def __init__(
        self,
        hash_: Hash,
        signer: Callable[[Hash, Material], Sign],
        verifier: Callable[[Hash, Material], Verify],
        material: Material,
    ) -> None:
        self._hash = hash_()
        self._signer, self._verifier, self._material = signer, verifier, material
        self.update = self._hash.update

    def sign(self) -> bytes:
        return self._signer(_finished, self._material)(self._hash)

    def verify(self, signature: bytes) -> bool:
        return self._verifier(_finished, self._material)(self._hash, signature)


def _finished(hash_: Any) -> Any:
    """Stand in for a hash function where the message has been hashed already."""
    return hash_
