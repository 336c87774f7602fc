"""The JSON forms: flattened (one recipient) and general (several) (RFC 7516 3.2, 7.2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from mintmark.errors import (
    ConfigurationError,
    DecryptionFailed,
    ErrorCode,
    InvalidKey,
    InvalidToken,
    MalformedToken,
)
from mintmark.jose.algorithms.deflate import MAX_BYTES
from mintmark.jose.algorithms.rows import ContentEncryption
from mintmark.jose.encoding import b64url_decode, b64url_encode, freeze, json_encode, json_members
from mintmark.jose.header import check_header, join, read_header, refuse_header, unprotected_parameters
from mintmark.jose.jwe.compact import MAX_CHARACTERS
from mintmark.jose.jwe.core import (
    Decrypted,
    Sealed,
    check_sender,
    choose_encryption,
    decrypt_with,
    seal,
    sender_header,
)
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

__all__ = ["decrypt_json", "encrypt_json"]

MAX_RECIPIENTS: Final = 64
_PROTECTED_ONLY: Final = ("zip", "crit")
MAX_ROUNDS: Final = 4_800_000  # of PBES2 for all recipients of a message: four times what one may ask for


def encrypt_json(
    plaintext: bytes,
    keys: Key | Sequence[Key],
    *,
    enc: str | None = None,
    header: Mapping[str, Any] | None = None,
    unprotected: Mapping[str, Any] | None = None,
    aad: bytes | None = None,
    compress: bool = False,
    allow: Collection[str] = (),
) -> dict[str, Any]:
    """Return ``plaintext`` encrypted: one Key gives the flattened form, a sequence of keys the general one.

    :param enc: the content encryption, one for all recipients.
    :param header: further protected parameters.
    :param unprotected: parameters that anybody may change on the way.
    :param aad: further bytes that are authenticated and travel readable.
    :param compress: deflate first. The length of the message then tells something about its content.
    :param allow: names of algorithms that are off by default: RSA1_5, PBES2-….
    :raises ConfigurationError: when a header says what it must not, or there are no keys.
    :raises InvalidKey: when a key may not encrypt, or is not for several recipients (dir, ECDH-ES).
    """
    shared = unprotected_parameters(unprotected, protected_only=_PROTECTED_ONLY)
    if not isinstance(aad, bytes | None):
        raise ConfigurationError("an aad is bytes")
    if isinstance(keys, Key):
        encryption = choose_encryption(keys, enc)
        protected = sender_header(keys, encryption, header, compress)
        cek, entry = _flattened(keys, encryption, protected, shared, allow)
    else:
        recipients = list(keys or ())
        if not 1 <= len(recipients) <= MAX_RECIPIENTS:
            raise ConfigurationError(f"content is encrypted to 1 to {MAX_RECIPIENTS} keys")
        check_sender(recipients[0], allow)
        encryption = choose_encryption(recipients[0], enc)
        protected = sender_header(recipients[0], encryption, header, compress)
        cek, entry = _general(recipients, encryption, protected, shared, allow)
    message: dict[str, Any] = {"protected": b64url_encode(json_encode(protected))}
    if shared:
        message["unprotected"] = shared
    if aad is not None:
        message["aad"] = b64url_encode(aad)
    sealed = seal(plaintext, encryption, cek, _authenticated(message), compress)
    return {
        **message,
        **entry,
        "iv": b64url_encode(sealed.iv),
        "ciphertext": b64url_encode(sealed.ciphertext),
        "tag": b64url_encode(sealed.tag),
    }


def decrypt_json(
    data: Mapping[str, Any] | str | bytes,
    keys: Key | KeySet,
    *,
    encs: Collection[str] | None = None,
    allow: Collection[str] = (),
    allow_zip: bool = False,
    max_size: int = MAX_CHARACTERS,
    max_plaintext: int = MAX_BYTES,
) -> Decrypted:
    """Return the content of a JWE in either JSON form, opened for one of its recipients.

    The header of the result is what applied to that recipient. ``aad`` is authenticated too; read it from the
    message itself. ``zip`` and ``crit`` count only where they are protected.

    The parameters and errors are those of :func:`mintmark.jose.jwe.decrypt`.
    """
    members = json_members(data, what="the JWE", max_bytes=max_size)
    protected = _protected(members)
    shared = _object(members, "unprotected")
    recipients = [
        (_joined(protected, shared, entry), _octets(entry, "encrypted_key")) for entry in _entries(members)
    ]
    if (
        len({header.get("enc") if isinstance(header.get("enc"), str) else None for header, _ in recipients})
        > 1
    ):
        refuse_header("enc", "enc is the same for every recipient (RFC 7516 7.2.1)")
    _check_work(header for header, _ in recipients)
    sealed = Sealed(
        _octets(members, "iv"), _octets(members, "ciphertext", needed=True), _octets(members, "tag")
    )
    aad = _authenticated(members)
    failure: InvalidToken | None = None
    for header, encrypted_key in recipients:
        try:
            return decrypt_with(
                keys,
                freeze(header),
                encrypted_key,
                sealed,
                aad,
                encs=encs,
                allow=allow,
                max_inflated=max_plaintext if allow_zip else None,
            )
        except InvalidToken as error:
            if failure is None or isinstance(error, DecryptionFailed):
                failure = error
    raise failure or DecryptionFailed("the content cannot be decrypted")


def _flattened(
    key: Key,
    encryption: ContentEncryption,
    protected: dict[str, Any],
    unprotected: Mapping[str, Any],
    allow: Collection[str],
) -> tuple[bytes, dict[str, Any]]:
    """Wrap for one recipient: everything about it is protected. Adds to ``protected``."""
    row = check_sender(key, allow)
    wrapped = row.wrap(key.material, encryption, None, _sender_join(protected, unprotected))
    protected.update(wrapped.header)
    entry = {"encrypted_key": b64url_encode(wrapped.encrypted_key)} if wrapped.encrypted_key else {}
    return wrapped.cek, entry


def _general(
    keys: Sequence[Key],
    encryption: ContentEncryption,
    protected: dict[str, Any],
    unprotected: Mapping[str, Any],
    allow: Collection[str],
) -> tuple[bytes, dict[str, Any]]:
    """Wrap for several: what is one recipient's own stands beside its encrypted key, not in ``protected``."""
    for name in ("alg", "kid"):
        protected.pop(name, None)
    cek: bytes | None = None
    entries: list[dict[str, Any]] = []
    for key in keys:
        row = check_sender(key, allow)
        if row.direct and len(keys) > 1:
            raise InvalidKey(
                f"{key.alg} is for a single recipient (RFC 7516 5.1)", code=ErrorCode.KEY_WRONG_USE
            )
        own: dict[str, Any] = {"alg": key.accepts[0], **({"kid": key.kid} if key.kid else {})}
        wrapped = row.wrap(key.material, encryption, cek, _sender_join(protected, unprotected, own))
        cek = wrapped.cek
        entry: dict[str, Any] = {"header": {**own, **wrapped.header}}
        if wrapped.encrypted_key:
            entry["encrypted_key"] = b64url_encode(wrapped.encrypted_key)
        entries.append(entry)
    if cek is None:
        raise ConfigurationError("there is no recipient")
    return cek, {"recipients": entries}


def _sender_join(*headers: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return join(*headers)
    except MalformedToken as error:
        raise ConfigurationError(error.message, claim=error.claim) from None


def _protected(members: Mapping[str, Any]) -> dict[str, Any]:
    text = members.get("protected", "")
    if type(text) is not str or ("protected" in members and not text):
        raise MalformedToken("a protected header is non-empty base64url text (RFC 7516 7.2.1)")
    return read_header(text) if text else {}


def _object(members: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = members.get(name, {})
    if not isinstance(value, Mapping) or (name in members and not value):
        raise MalformedToken(f"{name!r} is a non-empty object (RFC 7516 7.2.1)")
    return value


def _octets(members: Mapping[str, Any], name: str, *, needed: bool = False) -> bytes:
    text = members.get(name, "")
    if type(text) is not str or (needed and name not in members):
        raise MalformedToken(f"{name!r} is base64url text (RFC 7516 7.2.1)")
    return b64url_decode(text, what=f"{name!r}")


def _entries(members: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the recipients: the object itself where it is flattened, else at least one (RFC 7516 7.2)."""
    if "recipients" not in members:
        return [members]
    entries = members["recipients"]
    if "header" in members or "encrypted_key" in members:
        raise MalformedToken("a JWE is flattened or general, not both (RFC 7516 7.2.2)")
    if not isinstance(entries, list | tuple) or not 1 <= len(entries) <= MAX_RECIPIENTS:
        raise MalformedToken(f"a general JWE has 1 to {MAX_RECIPIENTS} recipients (RFC 7516 7.2.1)")
    if not all(isinstance(entry, Mapping) for entry in entries):
        raise MalformedToken("a recipient of a JWE is an object (RFC 7516 7.2.1)")
    return entries


def _joined(
    protected: Mapping[str, Any], shared: Mapping[str, Any], entry: Mapping[str, Any]
) -> dict[str, Any]:
    own = _object(entry, "header")
    for name in _PROTECTED_ONLY:
        if name in shared or name in own:
            refuse_header(name, f"{name} belongs in the protected header (RFC 7516 4.1.3, 4.1.13)")
    joined = join(protected, shared, own)
    check_header(joined, protected)
    return joined


def _check_work(headers: Iterable[Mapping[str, Any]]) -> None:
    """The sender chooses how long each password is stretched; the sum is bounded too (RFC 8725bis 3.12)."""
    rounds = [header.get("p2c") for header in headers if header["alg"].startswith("PBES2")]
    if sum(count for count in rounds if type(count) is int and count > 0) > MAX_ROUNDS:
        refuse_header("p2c", f"the recipients ask for more than {MAX_ROUNDS} rounds of PBKDF2 together")


def _authenticated(members: Mapping[str, Any]) -> bytes:
    """The protected header as it came and, where there is an aad, that too (RFC 7516 5.1 step 14)."""
    protected: str = members.get("protected", "")
    if "aad" not in members:
        return protected.encode("ascii")
    _octets(members, "aad")
    return f"{protected}.{members['aad']}".encode("ascii")
