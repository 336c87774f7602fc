"""The compact form: header, payload and signature between two dots (RFC 7515 3.1, 7.1; RFC 7797 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NoReturn

from mintmark._discreet import Discreet
from mintmark.errors import ConfigurationError, ErrorCode, InvalidKey, InvalidSignature, MalformedToken
from mintmark.jose.algorithms.rows import Sign, SignatureAlgorithm
from mintmark.jose.encoding import b64url_decode, b64url_encode, freeze, json_encode
from mintmark.jose.header import check_header, read_header, refuse_header
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet, select

__all__ = ["MAX_CHARACTERS", "Parts", "Verified", "parse_compact", "sign", "verify"]

MAX_CHARACTERS: Final = 1 << 20
UNDERSTOOD: Final = frozenset(("b64",))
_RESERVED: Final = ("alg", "kid", "b64")


class Verified(Discreet, frozen=True):
    """A payload whose signature holds, its header, and the key that verified it."""

    payload: bytes
    header: Mapping[str, Any]
    key: Key

    def __repr__(self) -> str:
        return f"<Verified {len(self.payload)} bytes, alg={self.header.get('alg')!r} kid={self.key.kid!r}>"


class Parts(Discreet, frozen=True):
    """A compact JWS taken apart and *not* verified."""

    header: Mapping[str, Any]
    encoded_header: str
    encoded_payload: str
    signature: bytes

    @property
    def is_encoded(self) -> bool:
        """Whether the payload is base64url, which it is unless ``b64`` is false (RFC 7797 3)."""
        return self.header.get("b64") is not False

    @property
    def payload(self) -> bytes:
        """The unverified payload.

        :raises MalformedToken: when its encoding is wrong.
        """
        if self.is_encoded:
            return b64url_decode(self.encoded_payload, what="the payload")
        return _unencoded(self.encoded_payload)

    def __repr__(self) -> str:
        return f"<Parts, not verified, alg={self.header.get('alg')!r}>"


def sign(
    payload: bytes,
    key: Key,
    *,
    header: Mapping[str, Any] | None = None,
    detached: bool = False,
    b64: bool = True,
) -> str:
    """Return ``payload`` signed with ``key``, in compact form.

    :param header: further parameters (``typ``, ``cty`` …); ``alg`` and ``kid`` come from the key.
    :param detached: leave the payload out; the verifier gets it another way (RFC 7515 appendix F).
    :param b64: False signs the payload unencoded (RFC 7797); it must then be detached, or plain text without
        dots.
    :raises ConfigurationError: when the header says what it must not.
    :raises InvalidKey: when the key may not sign.
    """
    sign_bytes = check_signer(key)
    if not isinstance(payload, bytes):
        raise ConfigurationError("a payload is bytes")
    encoded_header = b64url_encode(json_encode(protected_header(key, header, b64=b64)))
    body = b64url_encode(payload).encode() if b64 else payload
    signature = b64url_encode(sign_bytes(encoded_header.encode() + b"." + body))
    if detached:
        return f"{encoded_header}..{signature}"
    if not b64:
        try:
            _unencoded(payload.decode("ascii"))
        except (UnicodeDecodeError, MalformedToken):
            raise ConfigurationError(
                "an unencoded payload is printable ASCII without dots, or detached"
            ) from None
    return f"{encoded_header}.{body.decode('ascii')}.{signature}"


def verify(
    token: str,
    keys: Key | KeySet,
    *,
    detached_payload: bytes | None = None,
    max_size: int = MAX_CHARACTERS,
) -> Verified:
    """Return the payload of a compact JWS after verifying it (RFC 7515 5.2).

    :param detached_payload: the payload, when the token comes without.
    :param max_size: the longest token to look at, in characters.
    :raises MalformedToken: when it is not such a token.
    :raises AlgorithmNotAllowed: when its algorithm is not the key's.
    :raises UnknownKey: when no key fits.
    :raises InvalidSignature: when the signature does not.
    """
    parts = parse_compact(token, max_size=max_size)
    candidates = select(keys, parts.header.get("kid"), parts.header["alg"])
    if detached_payload is None:
        payload, body = parts.payload, parts.encoded_payload.encode("ascii")
    elif not isinstance(detached_payload, bytes):
        raise ConfigurationError("a detached payload is bytes")
    elif parts.encoded_payload:
        raise MalformedToken(
            "a detached payload was given for a token that has one", code=ErrorCode.TOKEN_WRONG_FORM
        )
    else:
        payload = detached_payload
        body = b64url_encode(payload).encode() if parts.is_encoded else payload
    message = parts.encoded_header.encode("ascii") + b"." + body
    return Verified(payload, parts.header, first_match(candidates, message, parts.signature))


def parse_compact(token: str, *, max_size: int = MAX_CHARACTERS) -> Parts:
    """Take a compact JWS apart and check its form and header. Verifies nothing.

    :raises MalformedToken: when it is not such a token.
    """
    if not isinstance(token, str):
        raise MalformedToken("a token is text", code=ErrorCode.TOKEN_WRONG_FORM)
    if len(token) > max_size:
        raise MalformedToken(
            f"the token is longer than {max_size} characters", code=ErrorCode.TOKEN_TOO_LARGE
        )
    if token.count(".") != 2:
        _refuse_form(token)
    encoded_header, encoded_payload, signature = token.split(".")
    header = read_header(encoded_header)
    check_header(header, header, understood=UNDERSTOOD)
    check_b64(header)
    return Parts(
        freeze(header), encoded_header, encoded_payload, b64url_decode(signature, what="the signature")
    )


def check_signer(key: Key) -> Sign:
    """Return the signing function of a key that may sign.

    :raises ConfigurationError: when it is not a Key.
    :raises InvalidKey: when it may not.
    """
    if not isinstance(key, Key):
        raise ConfigurationError(
            "keys are Key objects, never text or bytes", hint="Key.from_jwk, Key.from_pem, …"
        )
    signature_row(key)
    key.require(producing=True)
    if key.sign_bytes is None:
        raise InvalidKey("this key does not sign", code=ErrorCode.KEY_WRONG_USE, kid=key.kid)
    return key.sign_bytes


def signature_row(key: Key) -> SignatureAlgorithm:
    """Return the key's row.

    :raises InvalidKey: when its algorithm does not sign.
    """
    if not isinstance(key.row, SignatureAlgorithm):
        raise InvalidKey(f"{key.alg} does not sign", code=ErrorCode.KEY_WRONG_USE, kid=key.kid)
    return key.row


def protected_header(key: Key, extra: Mapping[str, Any] | None, *, b64: bool = True) -> dict[str, Any]:
    """Return the protected header of a signature to be made with ``key``.

    :raises ConfigurationError: when ``extra`` names what comes from the key or from an argument.
    """
    header: dict[str, Any] = {"alg": key.alg}
    if not isinstance(extra, Mapping | None):
        raise ConfigurationError("further header parameters are a mapping from names to values")
    for name, value in (extra or {}).items():
        if name in _RESERVED:
            raise ConfigurationError(f"the header parameter {name!r} does not come from header=", claim=name)
        header[name] = value
    if key.kid:
        header["kid"] = key.kid
    if not b64:
        header["b64"] = False
        more = header.get("crit", ())
        header["crit"] = ["b64", *more] if isinstance(more, list | tuple) else more
    try:
        check_header(header, header, understood=frozenset(header))
    except MalformedToken as error:
        raise ConfigurationError(error.message, claim=error.claim) from None
    return header


def check_b64(protected: Mapping[str, Any]) -> None:
    """``b64`` is a boolean, protected, and listed in ``crit`` (RFC 7797 3, 6).

    :raises MalformedToken: when it is not.
    """
    if "b64" not in protected:
        if "b64" in protected.get("crit", ()):
            refuse_header("b64", "crit names b64, which is not in the protected header")
        return
    if type(protected["b64"]) is not bool or "b64" not in protected.get("crit", ()):
        refuse_header("b64", "b64 is a boolean that crit names (RFC 7797 6)")


def first_match(candidates: tuple[Key, ...], message: bytes, signature: bytes) -> Key:
    """Return the key that verifies the signature.

    :raises InvalidSignature: when none does.
    """
    for key in candidates:
        verify_bytes = key.verify_bytes
        if verify_bytes is None:
            key.require(producing=False)
        elif verify_bytes(message, signature):
            return key
    raise InvalidSignature(
        "the signature does not fit", kid=candidates[0].kid if len(candidates) == 1 else None
    )


def _unencoded(text: str) -> bytes:
    """RFC 7797 5.2: what may stand between the dots as it is."""
    if not all(" " <= character <= "~" and character != "." for character in text):
        raise MalformedToken("an unencoded payload is printable ASCII without dots (RFC 7797 5.2)")
    return text.encode("ascii")


def _refuse_form(token: str) -> NoReturn:
    if token.count(".") == 4:
        raise MalformedToken("the token is encrypted (JWE), not signed", code=ErrorCode.TOKEN_WRONG_FORM)
    if token.lstrip()[:1] == "{":
        raise MalformedToken("the token is in a JSON form, not compact", code=ErrorCode.TOKEN_WRONG_FORM)
    raise MalformedToken("a compact JWS has three parts between two dots (RFC 7515 7.1)")
