"""A good token taken apart, and the ways to put one together again: honestly, dishonestly, or wrongly."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from mintmark.errors import InvalidKey
from mintmark.jose.encoding import b64url_encode, json_encode, json_object
from mintmark.jose.jwk import Key
from mintmark.jose.jws import parse_compact

__all__ = ["ABSENT", "CALLBACK", "HASHES", "Intruders", "Need", "Sample"]

CALLBACK: Final = "https://attacker.invalid/keys"  # RFC 2606 2: a name that nobody can have
ABSENT: Final = object()
"""In a change of members: this one goes."""
HASHES: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}

Segment = Mapping[str, Any] | bytes
"""Members, or a JSON text exactly as it shall stand."""


class Need(StrEnum):
    """What an attack is built from besides the good token."""

    PUBLIC_KEY = "public key"
    SIGNING_KEY = "signing key"
    """The owner's own, so that the token is wrong in the one point that is tested."""


@dataclass(frozen=True, slots=True, repr=False)
class Intruders:
    """Keys that no honest verifier knows, one per algorithm, made when first asked for.

    Give one to many samples: an RSA key takes its time.
    """

    _made: dict[str, Key] = field(default_factory=dict)

    def key(self, alg: str) -> Key:
        """Return the intruder's key for ``alg``."""
        if alg not in self._made:
            self._made[alg] = Key.generate(alg, kid="intruder")
        return self._made[alg]

    def __repr__(self) -> str:
        return f"<Intruders {' '.join(self._made)}>"


@dataclass(frozen=True, slots=True, repr=False)
class Sample:
    """A good token, its parts, and the keys that may be used to break it. Made by :meth:`of`.

    :ivar public_key: the issuer's public key, where it is known (None for a shared secret).
    :ivar signing_key: the issuer's own key, where the owner lends it.
    :ivar callback: the address that tokens with ``jku`` and ``x5u`` point to.
    """

    token: str
    header: dict[str, Any]
    claims: dict[str, Any]
    signature: bytes
    public_key: Key | None
    signing_key: Key | None
    callback: str
    intruders: Intruders

    @classmethod
    def of(
        cls,
        token: str,
        *,
        public_key: Key | None = None,
        signing_key: Key | None = None,
        callback: str = CALLBACK,
        intruders: Intruders | None = None,
    ) -> Sample:
        """Take a good token apart.

        :raises MalformedToken: when it is no JWT in compact form.
        :raises InvalidKey: when the keys do not fit its signature: such attacks would prove nothing.
        """
        parts = parse_compact(token)
        claims = json_object(parts.payload, what="the payload")
        if public_key is None and signing_key is not None and signing_key.kty != "oct":
            public_key = signing_key.public
        message = token.rpartition(".")[0].encode("ascii")
        if signing_key is not None:
            signing_key.require(producing=True)
        for key in (public_key, signing_key):
            if key is not None and not _fits(key, parts.header["alg"], message, parts.signature):
                raise InvalidKey("the key is not the one that signed the good token", kid=key.kid)
        return cls(
            token,
            dict(parts.header),
            claims,
            parts.signature,
            public_key,
            signing_key,
            callback,
            intruders or Intruders(),
        )

    def __repr__(self) -> str:
        return f"<Sample alg={self.alg!r} with {' and '.join(sorted(self.available)) or 'no key'}>"

    @property
    def alg(self) -> str:
        """The good token's algorithm."""
        alg: str = self.header["alg"]
        return alg

    @property
    def available(self) -> frozenset[Need]:
        """What attacks can be built from."""
        keys = {Need.PUBLIC_KEY: self.public_key, Need.SIGNING_KEY: self.signing_key}
        return frozenset(need for need, key in keys.items() if key is not None)

    @property
    def public(self) -> Key:
        """The public key, for attacks that say that they need it.

        :raises InvalidKey: when it is not known.
        """
        if self.public_key is None:
            raise InvalidKey("the public key is not known")
        return self.public_key

    @property
    def owner(self) -> Key:
        """The owner's signing key, for attacks that say that they need it.

        :raises InvalidKey: when it was not lent.
        """
        if self.signing_key is None:
            raise InvalidKey("the owner's key was not lent")
        return self.signing_key

    @property
    def intruder(self) -> Key:
        """A key pair of the good token's algorithm (ES256 for a shared secret) that no verifier knows."""
        return self.intruders.key("ES256" if self.alg in HASHES else self.alg)

    # --- parts that differ from the good ones ---------------------------------------------------------------

    def header_with(self, **changes: Any) -> dict[str, Any]:
        """Return the good header with some members changed, added, or gone (:data:`ABSENT`)."""
        return _changed(self.header, changes)

    def claims_with(self, **changes: Any) -> dict[str, Any]:
        """Return the good claims with some members changed, added, or gone (:data:`ABSENT`)."""
        return _changed(self.claims, changes)

    @property
    def _forged(self) -> dict[str, Any]:
        """The good claims and one more: whoever guesses the key has still made another token."""
        return self.claims_with(forged=True)

    # --- putting tokens together ----------------------------------------------------------------------------

    def seal(self, header: Segment | None = None, claims: Segment | None = None) -> str:
        """Sign honestly with the owner's key; without it, leave the old signature on the new content."""
        return self.sealed(self.message(header, claims))

    def sealed(self, message: bytes) -> str:
        """Like :meth:`seal`, over a message exactly as it stands."""
        key = self.signing_key
        return attach(message, self.signature if key is None else _signed(key, message))

    def forge(self, key: Key, header: Mapping[str, Any] | None = None) -> str:
        """Sign claims of one's own with somebody else's key, under that key's algorithm."""
        message = self.message({**(self.header if header is None else header), "alg": key.alg}, self._forged)
        return attach(message, _signed(key, message))

    def mac(self, secret: bytes, *, alg: str = "HS256", header: Mapping[str, Any] | None = None) -> str:
        """Sign claims of one's own with HMAC, whatever the secret (the library itself makes no such key)."""
        message = self.message({**(self.header if header is None else header), "alg": alg}, self._forged)
        return attach(message, hmac.digest(secret, message, HASHES[alg]))

    def message(self, header: Segment | None = None, claims: Segment | None = None) -> bytes:
        """Return what a signature covers (RFC 7515 5.1)."""
        encoded = (
            _segment(self.header if header is None else header),
            _segment(self.claims if claims is None else claims),
        )
        return ".".join(encoded).encode("ascii")


def attach(message: bytes, signature: bytes) -> str:
    """Return a compact token of what was signed and a signature."""
    return f"{message.decode('ascii')}.{b64url_encode(signature)}"


def _signed(key: Key, message: bytes) -> bytes:
    if key.sign_bytes is None:
        raise InvalidKey("this key does not sign", kid=key.kid)
    return key.sign_bytes(message)


def _segment(content: Segment) -> str:
    return b64url_encode(content if isinstance(content, bytes) else json_encode(content))


def _changed(members: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**members, **changes}.items() if value is not ABSENT}


def _fits(key: Key, alg: str, message: bytes, signature: bytes) -> bool:
    return alg in key.accepts and key.verify_bytes is not None and key.verify_bytes(message, signature)
