"""DPoP at a resource server (RFC 9449): a token that was stolen is worth nothing without its key."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from mintmark.errors import ConfigurationError, ErrorCode, InvalidToken, MintmarkError
from mintmark.jose import jws
from mintmark.jose.encoding import b64url_decode, b64url_encode, json_object
from mintmark.jwt import UNCHECKED
from mintmark.jwt.profiles.dpop import ALGORITHMS, Proof, verify_proof
from mintmark.resource_server.replay import MemoryReplayStore, ReplayStore

__all__ = ["DPoP", "NonceNeeded", "Nonces", "ProofRefused", "check_proof"]

_MAC_BYTES = 16


class ProofRefused(InvalidToken):
    """The request's DPoP proof is missing, invalid, not this token's or not this request's."""

    default_code = ErrorCode.PROOF_INVALID


class NonceNeeded(ProofRefused):
    """The proof must carry a nonce of this server (RFC 9449 9); ``nonce`` is one."""

    default_code = ErrorCode.PROOF_NONCE_NEEDED

    def __init__(self, message: str, *, nonce: str) -> None:
        super().__init__(message)
        self.nonce = nonce


class Nonces:
    """Nonces that need no memory: a time and a MAC over it.

    :param secret: at least 32 bytes that all processes of the service share.
    :param lifetime: for how many seconds a nonce is good.
    :raises ConfigurationError: the secret is too short.
    """

    def __init__(self, secret: bytes, *, lifetime: float = 300.0) -> None:
        if len(secret) < 32:
            raise ConfigurationError("The secret for nonces must have at least 32 bytes.")
        self._secret = secret
        self._lifetime = lifetime

    def issue(self, now: float) -> str:
        """Return a nonce that is good from now on."""
        stamp = int(now).to_bytes(8, "big")
        return b64url_encode(stamp + self._mac(stamp))

    def is_good(self, nonce: object, now: float) -> bool:
        """Tell whether a nonce is one of ours and still alive."""
        if not isinstance(nonce, str):
            return False
        try:
            raw = b64url_decode(nonce)
        except MintmarkError:
            return False
        stamp, mac = raw[:8], raw[8:]
        if len(stamp) != 8 or not hmac.compare_digest(mac, self._mac(stamp)):
            return False
        return -1.0 <= now - int.from_bytes(stamp, "big") < self._lifetime

    def _mac(self, stamp: bytes) -> bytes:
        return hmac.digest(self._secret, b"mintmark dpop nonce" + stamp, hashlib.sha256)[:_MAC_BYTES]


@dataclass(frozen=True, slots=True)
class DPoP:
    """How a resource server takes DPoP-bound tokens.

    :param required: True refuses tokens that are not bound, on every route.
    :param replay: where seen proofs are remembered; with several processes a SQLiteReplayStore or your own.
    :param nonces: ask for nonces of this server, so that no proof can be made beforehand.
    :param max_age: how old a proof may be, in seconds.
    :param algorithms: the algorithms that proofs may be signed with.
    """

    required: bool = False
    replay: ReplayStore = field(default_factory=MemoryReplayStore)
    nonces: Nonces | None = None
    max_age: float = 60.0
    algorithms: tuple[str, ...] = ALGORITHMS


def check_proof(
    policy: DPoP,
    proof: str,
    *,
    method: str,
    url: str,
    access_token: str,
    thumbprint: str,
    now: float,
    leeway: float,
) -> Proof:
    """Check a proof against the request and the token it is bound to; only the replay is left to the caller.

    :param thumbprint: ``cnf.jkt`` of the token.
    :raises ProofRefused: it does not hold; :raises NonceNeeded: it lacks a good nonce.
    """
    try:
        nonce = json_object(jws.parse_compact(proof).payload).get("nonce")
        if policy.nonces is not None and not policy.nonces.is_good(nonce, now):
            raise NonceNeeded("The proof lacks a nonce of this server.", nonce=policy.nonces.issue(now))
        return verify_proof(
            proof,
            method=method,
            url=url,
            now=now,
            access_token=access_token,
            bound_to=thumbprint,
            nonce=UNCHECKED,  # it is bound by its MAC, and by the proof's own signature
            max_age=policy.max_age,
            leeway=leeway,
            algorithms=policy.algorithms,
        )
    except ProofRefused:
        raise
    except InvalidToken as error:
        raise ProofRefused(
            f"The DPoP proof is refused: {error.message}",
            claim=error.claim,
            expected=error.expected,
            actual=str(error.code),
            hint=error.hint,
        ) from error
