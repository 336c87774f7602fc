"""Tokens that belong to one holder: bound to a DPoP key (RFC 9449) or to a client certificate (RFC 8705)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mintmark.errors import ConfigurationError, ErrorCode, InvalidToken
from mintmark.jose.encoding import b64url_encode
from mintmark.resource_server.credentials import Credentials, Request
from mintmark.resource_server.dpop import DPoP, ProofRefused, check_proof
from mintmark.resource_server.replay import ReplayStore

__all__ = ["Binding", "CertificateOf", "Use", "not_bound"]

_KNOWN = frozenset({"jkt", "x5t#S256"})

CertificateOf = Callable[[Request], bytes | None]
"""Finds the DER bytes of the client's certificate, wherever the proxy that ended TLS has put it."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a proof, which must be the first (RFC 9449 11.1); remembered as long as it could be used."""

    name: str
    expires_at: float
    store: ReplayStore

    def claim_first(self, now: float) -> None:
        """Make sure that this is the first use.

        :raises ProofRefused: it is not. :raises KeysUnavailable: that cannot be known now.
        """
        if not self.store.first_use(self.name, expires_at=self.expires_at, now=now):
            raise ProofRefused("The DPoP proof has been used before.", code=ErrorCode.PROOF_REPLAYED)

    async def aclaim_first(self, now: float) -> None:
        """Do what :meth:`claim_first` does without holding up the event loop."""
        if self.store.blocking:
            await asyncio.to_thread(self.claim_first, now)
        else:
            self.claim_first(now)


@dataclass(frozen=True, slots=True)
class Binding:
    """Checks that whoever brings a token is its holder. Pure but for the certificate's finder.

    A token that is bound in a way that cannot be checked here is refused: it was bound for a reason.
    """

    dpop: DPoP | None
    certificate_of: CertificateOf | None
    external_url: str | None
    leeway: float

    def __post_init__(self) -> None:
        if self.dpop is not None and self.external_url is None:
            raise ConfigurationError(
                "DPoP needs external_url: proofs name the URL that the client sees (RFC 9449 4.3).",
                hint='external_url="https://api.example.com"',
            )

    @property
    def understood(self) -> tuple[str, ...]:
        """The authentication schemes in which a token is seen at all, in lower case."""
        return ("bearer",) if self.dpop is None else ("bearer", "dpop")

    @property
    def schemes(self) -> tuple[str, ...]:
        """The authentication schemes that are asked for, as challenges write them."""
        if self.dpop is None:
            return ("Bearer",)
        return ("DPoP",) if self.dpop.required else ("Bearer", "DPoP")

    @property
    def dpop_required(self) -> bool:
        """Whether every token must be bound by DPoP."""
        return self.dpop is not None and self.dpop.required

    @property
    def proof_algorithms(self) -> tuple[str, ...]:
        """What proofs may be signed with; nothing where DPoP is not taken."""
        return self.dpop.algorithms if self.dpop is not None else ()

    def check(
        self, request: Request, credentials: Credentials, confirmation: Any, *, now: float, required: bool
    ) -> Use | None:
        """Return the use of a proof that the caller must find to be the first, if there was a proof.

        :param confirmation: ``cnf`` of the token (RFC 7800 3.1), or None.
        :param required: refuse a token that is not bound by DPoP.
        :raises InvalidToken: the token is not bound as it must be, or its binding does not hold.
        """
        confirmation = {} if confirmation is None else confirmation
        if not isinstance(confirmation, Mapping) or not confirmation.keys() <= _KNOWN:
            raise _mismatch("The token is bound in a way that is not known here.", None)
        if "x5t#S256" in confirmation:
            self._check_certificate(request, confirmation["x5t#S256"])
        thumbprint = confirmation.get("jkt")
        if thumbprint is None and credentials.scheme == "bearer" and not required:
            return None
        return self._check_dpop(request, credentials, thumbprint, now)

    def _check_dpop(self, request: Request, credentials: Credentials, thumbprint: Any, now: float) -> Use:
        if not isinstance(thumbprint, str):
            raise not_bound()
        if self.dpop is None or self.external_url is None:
            raise _mismatch("The token is DPoP-bound, and this service does not take such tokens.", "jkt")
        if credentials.scheme != "dpop":  # RFC 9449 7.2: no downgrade
            raise _mismatch("A DPoP-bound token was sent as a bearer token.", "jkt")
        proofs = request.values("dpop")
        if len(proofs) != 1:  # RFC 9449 4.3, 1
            raise ProofRefused("There must be exactly one DPoP header.", expected=1, actual=len(proofs))
        proof = check_proof(
            self.dpop,
            proofs[0].strip(),
            method=request.method,
            url=_outer_url(self.external_url, request.url),
            access_token=credentials.token,
            thumbprint=thumbprint,
            now=now,
            leeway=self.leeway,
        )
        lifetime = self.dpop.max_age + self.leeway
        # A digest, for the sender chooses how long its jti is (RFC 9449 11.1).
        name = f"{proof.thumbprint}:{hashlib.sha256(proof.jwt_id.encode()).hexdigest()}"
        return Use(name, proof.issued_at + lifetime, self.dpop.replay)

    def _check_certificate(self, request: Request, expected: Any) -> None:
        """Compare the certificate's hash (RFC 8705 3)."""
        if self.certificate_of is None:
            raise _mismatch("The token is bound to a certificate, and none can be seen here.", "x5t#S256")
        certificate = self.certificate_of(request)
        if certificate is None:
            raise _mismatch("The token is bound to a certificate, and the client showed none.", "x5t#S256")
        actual = b64url_encode(hashlib.sha256(certificate).digest())
        if not isinstance(expected, str) or not hmac.compare_digest(actual.encode(), expected.encode()):
            raise _mismatch("The token is bound to another certificate.", "x5t#S256")


def _outer_url(external_url: str, path: str) -> str:
    """Return the URL that the client sees, whether or not the proxy has cut the prefix off the path."""
    prefix = urlsplit(external_url).path.rstrip("/")
    rest = path.removeprefix(prefix) if path.startswith(prefix + "/") else path
    return external_url.rstrip("/") + rest


def not_bound() -> InvalidToken:
    """Return the refusal of a token that should be bound by DPoP and is not."""
    return _mismatch("The token is not bound to a DPoP key.", "jkt")


def _mismatch(message: str, claim: str | None) -> InvalidToken:
    return InvalidToken(message, code=ErrorCode.BINDING_MISMATCH, claim=claim)
