"""The hot paths: what one key set and one header need is prepared once, and each token then costs little more
than its cryptography.

- :func:`verifier_for` keeps the headers it has seen *verified*, by their encoded text: an issuer sends the
  same few headers, so each is parsed once. Nobody without a key can put anything there, and the map is
  bounded.
- Everything a caller can observe is as in :func:`mintmark.jose.jws.verify`, whose code answers every token
  that is out of the ordinary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from pybase64 import b64decode, b64encode_as_string

from mintmark.errors import ConfigurationError, InvalidSignature, UnknownKey
from mintmark.jose.encoding import PADDING_AFTER, b64url_encode, json_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet, select
from mintmark.jose.jws.compact import MAX_CHARACTERS, check_signer, protected_header, verify

__all__ = ["signer_for", "verifier_for", "verifier_into"]

MAX_HEADERS: Final = 128

_FILLING_AFTER: Final = tuple(
    {last: padding.replace("=", "A") for last, padding in row.items()} for row in PADDING_AFTER
)
"""As the padding, where another segment follows: what completes the last group, with zero octets."""

Context = TypeVar("Context")
Result = TypeVar("Result")
Trusted = tuple[bytes, Mapping[str, Any], Key]
Known = tuple[Callable[[bytes, bytes], bool], Mapping[str, Any], Key]
VerifyToken = Callable[[str], Trusted]
SignPayload = Callable[[bytes], str]


def verifier_for(keys: Key | KeySet, *, max_size: int = MAX_CHARACTERS) -> VerifyToken:
    """Return a function from a compact token to (payload, header, key), which raises as :func:`verify` does.

    Thread-safe. The header is immutable; the same object may be returned for many tokens.

    :raises ConfigurationError: when ``keys`` is neither a Key nor a KeySet.
    """
    verify_token = verifier_into(keys, _trusted, _as_it_is, max_size=max_size)
    return lambda token: verify_token(token, None)


def verifier_into(
    keys: Key | KeySet,
    use: Callable[[bytes, Mapping[str, Any], Key, str, Context], Result],
    refused: Callable[[UnknownKey | InvalidSignature, str], Exception],
    *,
    max_size: int = MAX_CHARACTERS,
) -> Callable[[str, Context], Result]:
    """Return a function from a compact token, and something of the caller's, to what ``use`` makes of them.

    As :func:`verifier_for`, without the way back and forth.

    :param use: is called with (payload, header, key, token, what the caller gave), once the signature holds.
    :param refused: returns what to raise where no key verifies a token, of the refusal and the token.
    :raises ConfigurationError: when ``keys`` is neither a Key nor a KeySet.
    """
    if not isinstance(keys, Key | KeySet):
        select(keys, None, "")
    seen: dict[str, Known] = {}
    unusual = _strict_verifier(keys, seen, refused, max_size)

    def verify_token(token: str, context: Context) -> Result:
        if type(token) is not str or len(token) > max_size:
            return use(*unusual(token), token, context)
        signing_input, _, encoded_signature = token.rpartition(".")
        encoded_header, _, encoded_payload = signing_input.rpartition(".")
        known = seen.get(encoded_header)
        # What the codec takes and RFC 7515 does not is left to the strict path, which says why it refuses.
        if known is None or "+" in token or "/" in token:
            return use(*unusual(token), token, context)
        try:
            size = len(encoded_payload)
            filling = _FILLING_AFTER[size & 3][encoded_payload[-1]]
            padding = PADDING_AFTER[len(encoded_signature) & 3][encoded_signature[-1]]
            # Both in one go: the codec hands over the interpreter's lock each time, which threads feel.
            octets = b64decode(f"{encoded_payload}{filling}{encoded_signature}{padding}", b"-_", True)
        except (LookupError, ValueError):
            known = None
        # Here and not in the handler: a refusal carries no other error, which might hold the text.
        if known is None:
            return use(*unusual(token), token, context)
        payload, signature = octets[: size * 3 >> 2], octets[(size + 3 >> 2) * 3 :]
        verify_bytes, header, key = known
        if not verify_bytes(signing_input.encode(), signature):
            raise refused(InvalidSignature("the signature does not fit", kid=key.kid), token)
        return use(payload, header, key, token, context)

    return verify_token


def _strict_verifier(
    keys: Key | KeySet,
    seen: dict[str, Known],
    refused: Callable[[UnknownKey | InvalidSignature, str], Exception],
    max_size: int,
) -> VerifyToken:
    """Return the function for all that is out of the ordinary, which also learns the headers it verified."""

    def verify_strictly(token: str) -> Trusted:
        try:
            verified = verify(token, keys, max_size=max_size)
        except (UnknownKey, InvalidSignature) as refusal:
            raise refused(refusal, token) from None
        header, key = verified.header, verified.key
        # Kept are headers whose one candidate is certain and whose payload is encoded.
        if (
            key.verify_bytes
            and "b64" not in header
            and len(select(keys, header.get("kid"), header["alg"])) == 1
        ):
            if len(seen) >= MAX_HEADERS:
                seen.clear()
            seen[token.partition(".")[0]] = (key.verify_bytes, header, key)
        return verified.payload, header, key

    return verify_strictly


def _trusted(payload: bytes, header: Mapping[str, Any], key: Key, _token: str, _context: None) -> Trusted:
    return payload, header, key


def _as_it_is(refusal: UnknownKey | InvalidSignature, _token: str) -> Exception:
    return refusal


def signer_for(key: Key, *, header: Mapping[str, Any] | None = None) -> SignPayload:
    """Return a function from a payload to its compact JWS, under one prepared header.

    :raises ConfigurationError: when the header says what it must not.
    :raises InvalidKey: when the key may not sign.
    """
    sign_bytes = check_signer(key)
    prefix = b64url_encode(json_encode(protected_header(key, header))) + "."

    def sign_payload(payload: bytes) -> str:
        if type(payload) is not bytes:
            raise ConfigurationError("a payload is bytes")
        # as b64url_encode does it, without the two calls
        signing_input = prefix + b64encode_as_string(payload, b"-_").rstrip("=")
        signature = sign_bytes(signing_input.encode())
        return f"{signing_input}.{b64encode_as_string(signature, b'-_').rstrip('=')}"

    return sign_payload
