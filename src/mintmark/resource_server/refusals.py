"""How a refusal looks on the wire (RFC 6750 3, RFC 9470 3, RFC 9728 5.1). Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mintmark.errors import ConfigurationError, ErrorCode, KeysUnavailable, MintmarkError
from mintmark.resource_server.dpop import NonceNeeded, ProofRefused
from mintmark.resource_server.require import Unmet

__all__ = ["Explanation", "Refusal", "Wire", "explain"]

_QUOTABLE = re.compile(r"[ !#-\[\]-~]*")  # RFC 6750 3: what may stand between the quotes of error_description


class Refusal(MintmarkError):
    """A request is refused; it knows its own answer, byte for byte, whatever framework sends it.

    ``code`` says which check failed, ``error`` is the protocol's word for it, if it has one. ``status``,
    ``headers`` and ``body`` are the answer. The exception that led to it is its ``__cause__``.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        error: str | None,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        **details: Any,
    ) -> None:
        super().__init__(message, **details)
        self.status = status
        self.error = error
        self.headers = tuple(headers)
        self.body = body

    @property
    def description(self) -> str:
        """What the caller is told, in fixed words."""
        return explain(self.code).description

    @property
    def challenge(self) -> str | None:
        """The ``WWW-Authenticate`` header's value, if the answer has one."""
        return dict(self.headers).get("WWW-Authenticate")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a caller may be told of a code, and what the operator is told to do about it."""

    description: str
    hint: str | None = None


_EXPLANATIONS: Mapping[ErrorCode, Explanation] = MappingProxyType(
    {
        ErrorCode.CREDENTIALS_MISSING: Explanation(
            "This resource needs an access token", "Send «Authorization: Bearer <token>»."
        ),
        ErrorCode.CREDENTIALS_MALFORMED: Explanation("The request must bring exactly one token, well formed"),
        ErrorCode.CSRF_SUSPECTED: Explanation("The request may have been caused by another site"),
        ErrorCode.TOKEN_EXPIRED: Explanation(
            "The token has expired", "The client should refresh before exp; look at both clocks if it did."
        ),
        ErrorCode.TOKEN_NOT_YET_VALID: Explanation(
            "The token is not valid yet", "The issuer's clock is ahead of this one: run NTP on both."
        ),
        ErrorCode.TOKEN_TOO_OLD: Explanation("The token was issued too long ago"),
        ErrorCode.TOKEN_REVOKED: Explanation("The token has been revoked"),
        ErrorCode.TOKEN_TOO_LARGE: Explanation("The token is too large"),
        ErrorCode.TOKEN_WRONG_FORM: Explanation("The token is not of the form that is expected here"),
        ErrorCode.CRIT_NOT_UNDERSTOOD: Explanation(
            "The token needs an extension that is not understood here"
        ),
        ErrorCode.ALGORITHM_NOT_ALLOWED: Explanation(
            "The token is signed in a way that is not allowed",
            "The key's algorithm and the token's differ; state algorithms= for keys that publish none.",
        ),
        ErrorCode.KEY_UNKNOWN: Explanation(
            "The key of the token is not known",
            "The issuer's key set does not hold the key (yet), or the token is another issuer's.",
        ),
        ErrorCode.SIGNATURE_INVALID: Explanation("The signature of the token is not valid"),
        ErrorCode.DECRYPTION_FAILED: Explanation("The token cannot be decrypted"),
        ErrorCode.CLAIM_MISSING: Explanation("The token lacks a claim that is needed here"),
        ErrorCode.CLAIM_MALFORMED: Explanation("The token holds a claim that is malformed"),
        ErrorCode.CLAIM_MISMATCH: Explanation("The token holds a claim that is not accepted here"),
        ErrorCode.TYP_MISMATCH: Explanation(
            "The token is of another type than is accepted here",
            'An ID token is no access token; an issuer that ignores RFC 9068 needs typ=("at+jwt", "JWT").',
        ),
        ErrorCode.SCOPE_INSUFFICIENT: Explanation(
            "The token does not carry the scope that is needed here", "Let the client ask for the scope."
        ),
        ErrorCode.AUTHENTICATION_INSUFFICIENT: Explanation(
            "The person must sign in again, or more strongly",
            "The client repeats sign-in with these parameters.",
        ),
        ErrorCode.BINDING_MISMATCH: Explanation(
            "The token is bound to another holder, or in a way that is not taken here",
            "The client must prove possession as the token says; ResourceServer(dpop=…, certificate_of=…).",
        ),
        ErrorCode.PROOF_INVALID: Explanation(
            "The DPoP proof is missing or not valid for this request",
            "Behind a proxy external_url must be the address that clients see; look at both clocks, too.",
        ),
        ErrorCode.PROOF_REPLAYED: Explanation("The DPoP proof has been used before"),
        ErrorCode.PROOF_NONCE_NEEDED: Explanation("The DPoP proof must carry the nonce of this answer"),
        ErrorCode.STORAGE_UNAVAILABLE: Explanation("Tokens cannot be verified at the moment"),
        ErrorCode.KEYS_UNAVAILABLE: Explanation("Tokens cannot be verified at the moment"),
        ErrorCode.REVOCATIONS_STALE: Explanation("Tokens cannot be verified at the moment"),
    }
)
_UNEXPLAINED = Explanation("The token is not valid")


def explain(code: ErrorCode) -> Explanation:
    """Return what may be said of a code: fixed words, never the text of a token."""
    return _EXPLANATIONS.get(code, _UNEXPLAINED)


@dataclass(frozen=True, slots=True)
class Wire:
    """Builds the answers of one resource server.

    :param realm: the protection space (RFC 9110 11.5).
    :param metadata_url: where this resource's metadata is, if it has any (RFC 9728 5.1).
    :param schemes: the authentication schemes to challenge with.
    :param proof_algorithms: what DPoP proofs may be signed with (RFC 9449 7.1).
    """

    realm: str
    metadata_url: str | None = None
    schemes: tuple[str, ...] = ("Bearer",)
    proof_algorithms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for text in (self.realm, self.metadata_url or ""):
            if not _QUOTABLE.fullmatch(text):
                raise ConfigurationError(
                    "realm and external_url may hold printable ASCII without quotes only."
                )

    def missing(self) -> Refusal:
        """No token: a challenge without an error code (RFC 6750 3)."""
        code = ErrorCode.CREDENTIALS_MISSING
        return self._refusal(401, None, MintmarkError("The request brings no token.", code=code))

    def malformed(self, cause: MintmarkError) -> Refusal:
        """Two tokens, or none where one was begun: 400 invalid_request (RFC 6750 3.1)."""
        return self._refusal(400, "invalid_request", cause)

    def suspected(self, cause: MintmarkError) -> Refusal:
        """Another site may have caused the request: 403, and no challenge, for the token is not at fault."""
        return _refusal(403, "access_denied", cause, [])

    def invalid(self, cause: MintmarkError) -> Refusal:
        """The token or its proof is refused: 401 (RFC 6750 3.1, RFC 9449 7.1, 9)."""
        if isinstance(cause, NonceNeeded):
            nonce = ("DPoP-Nonce", cause.nonce)
            return self._refusal(401, "use_dpop_nonce", cause, spoken="DPoP", header=nonce)
        if isinstance(cause, ProofRefused):
            return self._refusal(401, "invalid_dpop_proof", cause, spoken="DPoP")
        if cause.code is ErrorCode.BINDING_MISMATCH and "DPoP" in self.schemes:
            return self._refusal(401, "invalid_token", cause, spoken="DPoP")
        return self._refusal(401, "invalid_token", cause)

    def unmet(self, unmet: Unmet) -> Refusal:
        """The token is good and not enough: 403 insufficient_scope, or 401 and a step up (RFC 9470 3)."""
        cause = MintmarkError(
            "The token is valid and does not suffice.",
            code=unmet.code,
            claim=unmet.claim,
            expected=unmet.expected,
            actual=unmet.actual,
        )
        if unmet.code is not ErrorCode.AUTHENTICATION_INSUFFICIENT:
            more = {"scope": " ".join(unmet.scope)} if unmet.scope else {}
            return self._refusal(403, "insufficient_scope", cause, more)
        more = {"acr_values": " ".join(unmet.acr)} if unmet.acr else {}
        if unmet.max_age is not None:
            more["max_age"] = str(math.floor(unmet.max_age))
        return self._refusal(401, "insufficient_user_authentication", cause, more)

    def unavailable(self, cause: KeysUnavailable) -> Refusal:
        """Not the token's fault: 503 and when to come again, without a challenge (RFC 9110 10.2.3)."""
        wait = str(math.ceil(cause.retry_after or 1))
        return _refusal(503, "temporarily_unavailable", cause, [("Retry-After", wait)])

    def _refusal(
        self,
        status: int,
        error: str | None,
        cause: MintmarkError,
        more: Mapping[str, str] | None = None,
        *,
        spoken: str | None = None,
        header: tuple[str, str] | None = None,
    ) -> Refusal:
        """Build a refusal with a challenge per scheme; the error stands in the one that is spoken of."""
        told: dict[str, str] = {}
        if error is not None:
            told = {"error": error, "error_description": explain(cause.code).description} | dict(more or {})
        spoken = spoken or self.schemes[0]
        challenges = [self._challenge(scheme, told if scheme == spoken else {}) for scheme in self.schemes]
        headers = [("WWW-Authenticate", ", ".join(challenges))]
        return _refusal(status, error, cause, [*headers, header] if header is not None else headers)

    def _challenge(self, scheme: str, told: Mapping[str, str]) -> str:
        parameters = {"realm": self.realm, **told}
        if scheme == "DPoP":
            parameters["algs"] = " ".join(self.proof_algorithms)
        if self.metadata_url is not None:
            parameters["resource_metadata"] = self.metadata_url
        return f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in parameters.items())


def _refusal(
    status: int, error: str | None, cause: MintmarkError, headers: Sequence[tuple[str, str]]
) -> Refusal:
    explanation = explain(cause.code)
    content = {"error": error} if error is not None else {}
    content |= {"error_description": explanation.description, "reason": str(cause.code)}
    return Refusal(
        cause.message,
        status=status,
        error=error,
        headers=[*headers, ("Content-Type", "application/json"), ("Cache-Control", "no-store")],
        body=json.dumps(content, separators=(",", ":")).encode("ascii"),
        code=cause.code,
        claim=cause.claim,
        expected=cause.expected,
        actual=cause.actual,
        kid=cause.kid,
        now=cause.now,
        skew=cause.skew,
        hint=cause.hint or explanation.hint,
    )
