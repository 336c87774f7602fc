"""A key: material of one type, bound to one algorithm for life (RFC 7517, RFC 8725bis 3.1).

Where the algorithm comes from: the JWK's ``alg`` or the caller, who must agree where both speak. Where
neither does, EC and OKP keys follow their curve and ``use``, and an RSA key is RS256. Never from a token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from mintmark.errors import ConfigurationError, ErrorCode, InvalidKey
from mintmark.jose import pem
from mintmark.jose.algorithms import find
from mintmark.jose.algorithms.rows import Row, Sign, SignatureAlgorithm, Verify
from mintmark.jose.encoding import b64url_encode, json_encode
from mintmark.jose.keyrules import (
    agreed_algorithm,
    check_kid,
    check_purpose,
    is_weak,
    operations,
    permits,
    read_jwk,
    text_member,
)
from mintmark.jose.kinds import Material, kind

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Key"]

THUMBPRINT_URI: Final = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:"  # RFC 9278 3
MAX_FILE_BYTES: Final = 1 << 20
MAX_BITS: Final = 16_384

_PUBLIC_OPS: Final = {"sign": "verify", "decrypt": "encrypt", "unwrapKey": "wrapKey"}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Key:
    """One key with exactly one algorithm. Immutable; equal to a key of the same content.

    Made by :meth:`generate` and the ``from_…`` methods, not by calling the class.

    :ivar kid: its name; by default the RFC 7638 thumbprint, but empty for a password, whose hash tells too
        much.
    :ivar alg: its algorithm.
    :ivar use: ``sig`` or ``enc``, or None where ``key_ops`` says it.
    :ivar key_ops: the operations that it is limited to, or None.
    :ivar thumbprint: the RFC 7638 thumbprint (SHA-256, base64url).
    :ivar is_legacy: weaker than the standards ask; admitted by name, for verifying and decrypting only.
    :ivar row: the row of the algorithm table.
    :ivar sign_bytes: message to signature, or None where this key may not sign.
    :ivar verify_bytes: message and signature to bool, or None where this key may not verify.
    """

    kid: str
    alg: str
    use: str | None
    key_ops: tuple[str, ...] | None
    material: Material
    row: Row
    is_legacy: bool
    thumbprint: str
    sign_bytes: Sign | None
    verify_bytes: Verify | None

    # --- making one ---------------------------------------------------------------------------------------

    @classmethod
    def generate(
        cls,
        alg: str,
        *,
        kid: str | None = None,
        use: str | None = None,
        bits: int | None = None,
        crv: str | None = None,
    ) -> Self:
        """Make a new key for ``alg``.

        :param bits: the size of an RSA key (default 2048) or of a secret that may be longer than it must.
        :param crv: the curve, where the algorithm leaves a choice (``EdDSA``, ``ECDH-ES``).
        :raises InvalidKey: when there is no such algorithm, size or curve.
        """
        if bits is not None and (type(bits) is not int or not 0 < bits <= MAX_BITS):
            raise InvalidKey(f"the size of a key is a number of bits, at most {MAX_BITS}")
        if crv is not None and not isinstance(crv, str):
            raise InvalidKey("the name of a curve is text", claim="crv")
        material = find(alg).generate(bits, crv)
        return cls._build(material, alg=alg, kid=kid, use=use)

    @classmethod
    def from_secret(cls, secret: bytes, *, alg: str, kid: str | None = None) -> Self:
        """Return the key of a shared secret (HMAC, AES) or a password (PBES2).

        :raises InvalidKey: when it is not bytes, or has not the length that ``alg`` asks for.
        """
        return cls._build(kind("oct").from_native(secret, False), alg=alg, kid=kid)

    @classmethod
    def from_jwk(
        cls, jwk: Mapping[str, Any] | str | bytes, *, alg: str | None = None, allow_legacy: bool = False
    ) -> Self:
        """Read a JSON Web Key (RFC 7517 4).

        :param alg: the algorithm, where the JWK states none; where it does, both must agree.
        :param allow_legacy: admit short RSA and HMAC keys and small exponents, for verifying and decrypting.
        :raises InvalidKey: when it is malformed, weak or contradicts itself.
        """
        members = jwk if isinstance(jwk, Mapping) else read_jwk(jwk)
        material = kind(members.get("kty")).from_members(members, allow_legacy)
        return cls._build(
            material,
            alg=agreed_algorithm(members, alg, material),
            kid=text_member(members, "kid"),
            use=text_member(members, "use"),
            key_ops=operations(members),
            legacy=allow_legacy,
        )

    @classmethod
    def from_pem(
        cls,
        data: str | bytes,
        *,
        alg: str | None = None,
        kid: str | None = None,
        password: bytes | None = None,
        allow_legacy: bool = False,
    ) -> Self:
        """Read a PEM key: SPKI, PKCS#8 (also encrypted), PKCS#1, SEC 1 or OpenSSH; or an OpenSSH public line.

        :raises InvalidKey: when it is none of these, weak, or the password is missing or wrong.
        """
        return cls._from_native(pem.read_pem(data, password), alg, kid, allow_legacy)

    @classmethod
    def from_der(
        cls,
        data: bytes,
        *,
        alg: str | None = None,
        kid: str | None = None,
        password: bytes | None = None,
        allow_legacy: bool = False,
    ) -> Self:
        """Read a DER key: SPKI, PKCS#8 (also encrypted), PKCS#1 or SEC 1.

        :raises InvalidKey: when it is none of these, weak, or the password is missing or wrong.
        """
        return cls._from_native(pem.read_der(data, password), alg, kid, allow_legacy)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        alg: str | None = None,
        kid: str | None = None,
        password: bytes | None = None,
    ) -> Key:
        """Read a key file, whose content says whether it is PEM, OpenSSH, JWK or DER. Never a bare secret.

        :raises ConfigurationError: when the file cannot be read.
        :raises InvalidKey: when it holds no usable key.
        """
        try:
            with open(path, "rb") as file:  # noqa: PTH123  pathlib is slow to load
                data = file.read(MAX_FILE_BYTES + 1)
        except (OSError, ValueError, TypeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "the path is not valid"
            raise ConfigurationError(f"the key file {path} cannot be read: {reason}") from None
        if len(data) > MAX_FILE_BYTES:
            raise InvalidKey(f"the key file {path} is longer than {MAX_FILE_BYTES} bytes")
        if data.lstrip()[:1] == b"{":
            key = cls.from_jwk(data, alg=alg)
            return key if kid is None else key.named(kid)
        if pem.is_text(data):
            return cls.from_pem(data, alg=alg, kid=kid, password=password)
        return cls.from_der(data, alg=alg, kid=kid, password=password)

    @classmethod
    def _from_native(cls, native: Any, alg: str | None, kid: str | None, legacy: bool) -> Self:
        kty = pem.kty_of(native)
        material = kind(kty).from_native(native, legacy)
        return cls._build(material, alg=agreed_algorithm({}, alg, material), kid=kid, legacy=legacy)

    @classmethod
    def _build(
        cls,
        material: Material,
        *,
        alg: str,
        kid: str | None = None,
        use: str | None = None,
        key_ops: tuple[str, ...] | None = None,
        legacy: bool = False,
    ) -> Self:
        """Bind checked material to its algorithm, and compile what the hot paths call."""
        row = find(alg, material.kty, material.crv)
        check_purpose(row, use, key_ops)
        row.check(material, legacy)
        is_legacy = legacy and is_weak(row, material)
        thumbprint = b64url_encode(hashlib.sha256(json_encode(dict(material.identity))).digest())
        if kid is None:
            kid = "" if row.name.startswith("PBES2") else thumbprint
        check_kid(kid)
        sign = verify = None
        if isinstance(row, SignatureAlgorithm):
            if material.private is not None and not is_legacy and permits(key_ops, row.produces):
                sign = row.signer(material)
            if permits(key_ops, row.consumes):
                verify = row.verifier(material)
        return cls(
            kid,
            alg,
            use or (None if key_ops else row.use),
            key_ops,
            material,
            row,
            is_legacy,
            thumbprint,
            sign,
            verify,
        )

    # --- what it is ---------------------------------------------------------------------------------------

    @property
    def kty(self) -> str:
        """The key type (RFC 7517 4.1)."""
        return self.material.kty

    @property
    def crv(self) -> str | None:
        """The curve, for EC and OKP keys."""
        return self.material.crv if self.material.kty in ("EC", "OKP") else None

    @property
    def is_private(self) -> bool:
        """Whether it holds what must stay secret."""
        return self.material.private is not None

    @property
    def accepts(self) -> tuple[str, ...]:
        """The header names that mean this key's algorithm when verifying or decrypting."""
        return self.row.accepts

    @property
    def thumbprint_uri(self) -> str:
        """The thumbprint as a URI (RFC 9278)."""
        return THUMBPRINT_URI + self.thumbprint

    @property
    def public(self) -> Key:
        """The public half, under the same name.

        :raises InvalidKey: for a shared secret, which has none.
        """
        material = self.material
        if material.public is None:
            raise InvalidKey("a shared secret has no public half", kid=self.kid)
        if material.private is None:
            return self
        half = Material(material.kty, material.crv, material.identity, material.public, None, material.bits)
        ops = self.key_ops and tuple(dict.fromkeys(_PUBLIC_OPS.get(name, name) for name in self.key_ops))
        return self._build(half, alg=self.alg, kid=self.kid, use=self.use, key_ops=ops, legacy=self.is_legacy)

    def named(self, kid: str) -> Key:
        """Return the same key under another ``kid``."""
        return self._build(
            self.material, alg=self.alg, kid=kid, use=self.use, key_ops=self.key_ops, legacy=self.is_legacy
        )

    # --- writing it ---------------------------------------------------------------------------------------

    def to_jwk(self, *, private: bool = False) -> dict[str, Any]:
        """Return the JWK members; the secret ones only when ``private`` is said.

        :raises InvalidKey: when there is no half to export.
        """
        material = self.material
        if not private and material.public is None:
            raise InvalidKey("a shared secret is only exported with private=True", kid=self.kid)
        if private and material.private is None:
            raise InvalidKey("this is a public key: there is nothing private to export", kid=self.kid)
        members: dict[str, Any] = {"kty": material.kty, **material.identity}
        if private:
            members.update(kind(material.kty).private_members(material))
        members["alg"] = self.alg
        if self.use is not None:
            members["use"] = self.use
        if self.key_ops is not None:
            members["key_ops"] = list(self.key_ops if private else self.public.key_ops or ())
        if self.kid:
            members["kid"] = self.kid
        return members

    def to_pem(self, *, private: bool = False, password: bytes | None = None) -> str:
        """Return the key as SPKI PEM, or with ``private`` as PKCS#8, encrypted when a password is given.

        :raises InvalidKey: for a shared secret, or when there is no private half.
        """
        native = self.material.private if private else self.material.public
        if native is None or isinstance(native, bytes):
            raise InvalidKey("this key has no such PEM form", kid=self.kid)
        return pem.write_pem(native, password) if private else pem.write_public_pem(native)

    # --- using it -----------------------------------------------------------------------------------------

    def require(self, producing: bool) -> None:
        """Make sure that this key may sign or encrypt (``producing``), or verify or decrypt.

        :raises InvalidKey: saying what forbids it.
        """
        row, material = self.row, self.material
        verb = (
            ("sign" if producing else "verify")
            if row.use == "sig"
            else ("encrypt" if producing else "decrypt")
        )
        if not permits(self.key_ops, row.produces if producing else row.consumes):
            raise InvalidKey(
                f"the key's key_ops do not let it {verb}", code=ErrorCode.KEY_WRONG_USE, kid=self.kid
            )
        if producing and self.is_legacy:
            raise InvalidKey(f"a legacy key does not {verb}", code=ErrorCode.KEY_WEAK, kid=self.kid)
        needs_private = producing == (row.use == "sig")
        if needs_private and material.private is None:
            raise InvalidKey(f"a public key does not {verb}", code=ErrorCode.KEY_WRONG_USE, kid=self.kid)

    def _content(self) -> tuple[object, ...]:
        return self.thumbprint, self.alg, self.kid, self.use, self.key_ops, self.is_private, self.is_legacy

    def __eq__(self, other: object) -> bool:
        return self._content() == other._content() if isinstance(other, Key) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._content())

    def __repr__(self) -> str:
        half = "secret" if self.material.public is None else "private" if self.is_private else "public"
        return f"<Key kid={self.kid!r} alg={self.alg} kty={self.kty} {half}>"
