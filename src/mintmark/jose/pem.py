"""Keys in PEM, DER and OpenSSH files: SPKI, PKCS#8 (also encrypted), PKCS#1, SEC 1, OpenSSH.

``serialization`` is loaded when first needed: it takes long, and most services read their keys from JSON.
"""

from __future__ import annotations

from typing import Any, Final

from cryptography.exceptions import InternalError, UnsupportedAlgorithm

from mintmark.errors import InvalidKey

__all__ = ["is_text", "kty_of", "read_der", "read_pem", "write_pem", "write_public_pem"]

_SSH_PUBLIC: Final = (b"ssh-", b"ecdsa-sha2-")
# InternalError: OpenSSL's own words for a PKCS#8 key of another length than its curve's
_FAILURES: Final = (ValueError, TypeError, UnsupportedAlgorithm, InternalError)


def is_text(data: bytes) -> bool:
    """Say whether a key file is PEM or an OpenSSH public line, rather than DER."""
    start = data.lstrip()
    return b"-----BEGIN " in data or start.startswith(_SSH_PUBLIC)


def read_pem(data: str | bytes, password: bytes | None) -> Any:
    """Return the key object of a PEM text or an OpenSSH public line.

    :raises InvalidKey: when there is none, or the password is missing or wrong.
    """
    from cryptography.hazmat.primitives import serialization

    data = _octets(data)
    try:
        if data.lstrip().startswith(_SSH_PUBLIC):
            return serialization.load_ssh_public_key(data.strip())
        if b"-----BEGIN OPENSSH PRIVATE KEY-----" in data:
            return serialization.load_ssh_private_key(data, password)
        if b"PRIVATE KEY-----" in data:
            return serialization.load_pem_private_key(data, password, unsafe_skip_rsa_key_validation=True)
        if b"PUBLIC KEY-----" in data:
            return serialization.load_pem_public_key(data)
    except _FAILURES:
        raise _unreadable("PEM", password) from None
    raise InvalidKey(
        "the text is not a PEM or OpenSSH key", hint="a certificate is not a key; export its public key"
    )


def read_der(data: bytes, password: bytes | None) -> Any:
    """Return the key object of a DER encoding.

    :raises InvalidKey: when it is none, or the password is missing or wrong.
    """
    from cryptography.hazmat.primitives import serialization

    data = _octets(data)
    try:
        return serialization.load_der_public_key(data)
    except _FAILURES:
        pass
    try:
        return serialization.load_der_private_key(data, password, unsafe_skip_rsa_key_validation=True)
    except _FAILURES:
        raise _unreadable("DER", password) from None


def kty_of(native: Any) -> str:
    """Return the JOSE key type of a key object."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(native, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        return "RSA"
    if isinstance(native, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
        return "EC"
    return "AKP" if type(native).__name__.startswith("MLDSA") else "OKP"


def write_pem(private: Any, password: bytes | None) -> str:
    """Return a private key as PKCS#8."""
    from cryptography.hazmat.primitives import serialization

    cipher: serialization.KeySerializationEncryption = serialization.NoEncryption()
    try:
        if password is not None:
            cipher = serialization.BestAvailableEncryption(password)
        text: bytes = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher
        )
    except (ValueError, TypeError):
        raise InvalidKey("the password cannot be used: it is 1 to 1023 bytes") from None
    return text.decode("ascii")


def write_public_pem(public: Any) -> str:
    """Return a public key as SubjectPublicKeyInfo."""
    from cryptography.hazmat.primitives import serialization

    text: bytes = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return text.decode("ascii")


def _octets(data: str | bytes) -> bytes:
    if isinstance(data, bytes):
        return data
    if not isinstance(data, str):
        raise InvalidKey("a key is read from text or bytes")
    return data.encode("utf-8", "surrogatepass")


def _unreadable(form: str, password: bytes | None) -> InvalidKey:
    hint = "is it encrypted? then give its password" if password is None else "is the password right?"
    return InvalidKey(f"the {form} key cannot be read", hint=hint)
