"""One family of errors and one closed set of codes.

Every refusal of mintmark is a :class:`MintmarkError`. A class exists for each thing that a caller handles
differently; ``code`` tells machines which check failed; the message tells people; the fields carry what an
explanation needs. No message, ``str()`` or ``repr()`` ever holds a token, a key or a secret.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

__all__ = [
    "AlgorithmNotAllowed",
    "ConfigurationError",
    "DecryptionFailed",
    "ErrorCode",
    "ExpiredToken",
    "FetchFailed",
    "InvalidClaim",
    "InvalidKey",
    "InvalidSignature",
    "InvalidToken",
    "KeysUnavailable",
    "MalformedToken",
    "MintmarkError",
    "RevocationsUnavailable",
    "RevokedToken",
    "UnknownKey",
]


class ErrorCode(StrEnum):
    """Why something was refused, for machines. The set is closed; a code keeps its meaning for ever."""

    # the token's form
    TOKEN_TOO_LARGE = "token_too_large"
    TOKEN_MALFORMED = "token_malformed"
    TOKEN_WRONG_FORM = "token_wrong_form"  # a JWE where a JWS is expected, JSON where compact is
    BASE64URL_INVALID = "base64url_invalid"
    JSON_INVALID = "json_invalid"
    HEADER_INVALID = "header_invalid"
    CRIT_NOT_UNDERSTOOD = "crit_not_understood"
    # algorithms and keys
    ALGORITHM_NOT_ALLOWED = "algorithm_not_allowed"
    KEY_UNKNOWN = "key_unknown"
    KEY_INVALID = "key_invalid"
    KEY_WEAK = "key_weak"
    KEY_WRONG_USE = "key_wrong_use"
    KEYS_UNAVAILABLE = "keys_unavailable"
    # cryptography
    SIGNATURE_INVALID = "signature_invalid"
    DECRYPTION_FAILED = "decryption_failed"
    # claims
    CLAIM_MISSING = "claim_missing"
    CLAIM_MALFORMED = "claim_malformed"
    CLAIM_MISMATCH = "claim_mismatch"
    TYP_MISMATCH = "typ_mismatch"
    TOKEN_EXPIRED = "token_expired"
    TOKEN_NOT_YET_VALID = "token_not_yet_valid"
    TOKEN_TOO_OLD = "token_too_old"
    TOKEN_REVOKED = "token_revoked"
    # the request that brings the token
    CREDENTIALS_MISSING = "credentials_missing"
    CREDENTIALS_MALFORMED = "credentials_malformed"
    SCOPE_INSUFFICIENT = "scope_insufficient"
    AUTHENTICATION_INSUFFICIENT = "authentication_insufficient"
    BINDING_MISMATCH = "binding_mismatch"
    PROOF_INVALID = "proof_invalid"
    PROOF_REPLAYED = "proof_replayed"
    PROOF_NONCE_NEEDED = "proof_nonce_needed"
    CSRF_SUSPECTED = "csrf_suspected"
    # the world around
    REVOCATIONS_STALE = "revocations_stale"
    TOKEN_REQUEST_REFUSED = "token_request_refused"
    FETCH_FAILED = "fetch_failed"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    BUSY = "busy"
    CONFIGURATION = "configuration"


class MintmarkError(Exception):
    """The root of the family.

    :param message: one sentence for a person; never holds a token, key or secret.
    :param code: the machine's reason; each class has a default.
    :param claim: the claim or header parameter that was refused.
    :param expected: what the policy asks for.
    :param actual: what was there instead (never a secret).
    :param kid: the key id that the token or the caller named.
    :param now: the time that was compared with, in seconds since the epoch.
    :param skew: the leeway that was granted, in seconds.
    :param hint: how to mend it, in one sentence.
    """

    default_code: ClassVar[ErrorCode] = ErrorCode.CONFIGURATION

    def __init__(
        self,
        message: str,
        *,
        code: ErrorCode | None = None,
        claim: str | None = None,
        expected: Any = None,
        actual: Any = None,
        kid: str | None = None,
        now: float | None = None,
        skew: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.claim = claim
        self.expected = expected
        self.actual = actual
        self.kid = kid
        self.now = now
        self.skew = skew
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and cross processes whole, also a subclass whose keywords are required."""
        return _restored, (type(self), self.args, vars(self))

    def details(self) -> dict[str, Any]:
        """Return code, message and every field that was set: what a log line or ``--json`` prints."""
        fields = ("claim", "expected", "actual", "kid", "now", "skew", "hint")
        found = {name: getattr(self, name) for name in fields if getattr(self, name) is not None}
        return {"code": str(self.code), "message": self.message, **found}


def _restored(kind: type[MintmarkError], args: tuple[Any, ...], fields: dict[str, Any]) -> MintmarkError:
    error = kind.__new__(kind, *args)
    vars(error).update(fields)
    return error


class ConfigurationError(MintmarkError):
    """The caller or operator asked for something that cannot be or must not be; the message names the fix."""


class InvalidKey(MintmarkError):
    """A key cannot be read, is too weak, contradicts itself, or does not fit its algorithm."""

    default_code = ErrorCode.KEY_INVALID


class FetchFailed(MintmarkError):
    """A guarded fetch did not give a usable answer."""

    default_code = ErrorCode.FETCH_FAILED


class KeysUnavailable(MintmarkError):
    """The keys to verify with cannot be had now (not the token's fault: a service answers 503)."""

    default_code = ErrorCode.KEYS_UNAVAILABLE

    def __init__(self, message: str, *, retry_after: float | None = None, **details: Any) -> None:
        """Take what :class:`MintmarkError` takes, and in how many seconds it is worth asking again."""
        super().__init__(message, **details)
        self.retry_after = retry_after


class RevocationsUnavailable(KeysUnavailable):
    """What is revoked is not known recently enough, and the policy says to refuse then."""

    default_code = ErrorCode.REVOCATIONS_STALE


class InvalidToken(MintmarkError):
    """The token is refused. Catch this one to refuse a request; its subclasses say why."""

    default_code = ErrorCode.TOKEN_MALFORMED


class MalformedToken(InvalidToken):
    """The text is not a token of the expected form (RFC 7515 5.2, RFC 7516 5.2, RFC 7519 7.2)."""


class AlgorithmNotAllowed(InvalidToken):
    """The header names an algorithm that this key or policy does not use (RFC 8725 3.1)."""

    default_code = ErrorCode.ALGORITHM_NOT_ALLOWED


class UnknownKey(InvalidToken):
    """No key of the key set fits the token's ``kid`` and ``alg``."""

    default_code = ErrorCode.KEY_UNKNOWN


class InvalidSignature(InvalidToken):
    """The signature or MAC does not fit the content and the key."""

    default_code = ErrorCode.SIGNATURE_INVALID


class DecryptionFailed(InvalidToken):
    """The content cannot be decrypted with the key; deliberately without a reason (RFC 7516 11.5)."""

    default_code = ErrorCode.DECRYPTION_FAILED


class InvalidClaim(InvalidToken):
    """A claim is missing, malformed, or not what the policy asks for."""

    default_code = ErrorCode.CLAIM_MISMATCH


class ExpiredToken(InvalidClaim):
    """``exp`` has passed (RFC 7519 4.1.4): time to refresh."""

    default_code = ErrorCode.TOKEN_EXPIRED


class RevokedToken(InvalidToken):
    """The token, its session, its grant, its client or its key has been revoked."""

    default_code = ErrorCode.TOKEN_REVOKED
