"""What it means when an attack gets through, and the rule that keeps it out: one row per kind of attack."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = ["WEAKNESSES", "Severity", "Weakness"]


class Severity(StrEnum):
    """How bad it is."""

    CRITICAL = "critical"  # strangers write tokens
    HIGH = "high"  # tokens pass that were not meant to
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Weakness:
    """What a verifier that accepts an attack suffers from.

    :param name: what the kind of attack is called.
    :param severity: how bad it is.
    :param meaning: what an attacker can then do.
    :param rule: what keeps it out, with its source.
    """

    name: str
    severity: Severity
    meaning: str
    rule: str


_CRITICAL, _HIGH, _MEDIUM, _LOW, _INFO = Severity

WEAKNESSES: Final = MappingProxyType(
    {
        "S1": Weakness(
            "unsigned token",
            _CRITICAL,
            "anyone writes tokens, without any key",
            "verify with a list of allowed algorithms that does not hold none (RFC 8725 3.2)",
        ),
        "S2": Weakness(
            "unsigned token in another spelling",
            _CRITICAL,
            "anyone writes tokens, without any key",
            "compare alg byte by byte with a list of what is allowed; never with a list of what is not",
        ),
        "S3": Weakness(
            "alg that is missing or no text",
            _HIGH,
            "the algorithm is chosen by accident",
            "alg is a text that equals an allowed name; refuse before looking for a key (RFC 7515 4.1.1)",
        ),
        "S4": Weakness(
            "public key taken for a secret",
            _CRITICAL,
            "anyone who has the public key writes tokens",
            "the key decides the algorithm, never the token (RFC 8725 3.1)",
        ),
        "S5": Weakness(
            "public key taken for a secret, in another encoding",
            _CRITICAL,
            "anyone who has the public key writes tokens",
            "do not recognise keys by how they look: give them a type (RFC 8725 3.1)",
        ),
        "S7": Weakness(
            "one key used with several algorithms",
            _MEDIUM,
            "a weaker algorithm can be chosen by whoever writes the header",
            "one key has one algorithm (RFC 8725 3.1)",
        ),
        "S10": Weakness(
            "ECDSA signature of zeros",
            _CRITICAL,
            "anyone writes tokens, without any key",
            "r and s lie between 1 and n-1 (CVE-2022-21449)",
        ),
        "S11": Weakness(
            "ECDSA signature in another encoding",
            _MEDIUM,
            "one token has several texts, so a list of revoked texts is evaded",
            "the signature is r and s in full length, nothing else (RFC 7518 3.4)",
        ),
        "S12": Weakness(
            "second valid ECDSA signature",
            _INFO,
            "one token has two texts; that is in the nature of ECDSA",
            "never revoke or recognise a token by its text: use iss and jti",
        ),
        "S13": Weakness(
            "second EdDSA signature",
            _MEDIUM,
            "one token has several texts, so a list of revoked texts is evaded",
            "S is smaller than the group order (RFC 8032 5.1.7)",
        ),
        "S14": Weakness(
            "RSA signature read loosely",
            _HIGH,
            "one token has several texts; with a small exponent anyone writes tokens",
            "as long as the modulus, smaller than it, and compared as a whole (RFC 8017 8.2.2)",
        ),
        "S15": Weakness(
            "PSS parameters read loosely",
            _LOW,
            "signatures pass that the algorithm does not make",
            "the salt is as long as the hash, and the mask uses that hash (RFC 7518 3.5)",
        ),
        "S16": Weakness(
            "missing signature",
            _CRITICAL,
            "anyone writes tokens, without any key",
            "an empty signature fits no algorithm",
        ),
        "S17": Weakness(
            "signature that does not fit",
            _CRITICAL,
            "anyone writes or changes tokens",
            "use what verify() returns, and nothing that was read before (RFC 7515 5.2)",
        ),
        "S19": Weakness(
            "key taken from the token itself",
            _CRITICAL,
            "anyone writes tokens and brings the key along",
            "keys come from configuration, never from a header (RFC 8725 3.10)",
        ),
        "S20": Weakness(
            "certificate taken from the token itself",
            _CRITICAL,
            "anyone writes tokens and brings a certificate along",
            "a certificate counts only with a chain to an anchor of yours (RFC 7515 4.1.6)",
        ),
        "S21": Weakness(
            "key fetched from where the token says",
            _CRITICAL,
            "anyone writes tokens, and makes the server fetch any address",
            "ignore jku and x5u (RFC 8725 3.10)",
        ),
        "S22": Weakness(
            "kid used for more than a look-up",
            _CRITICAL,
            "a token names the file, query or command that yields its key",
            "kid is looked up in a closed table, and used for nothing else (RFC 8725 3.10)",
        ),
        "S23": Weakness(
            "kid that is no text",
            _LOW,
            "look-ups meet values they were not made for",
            "kid is a text (RFC 7515 4.1.4)",
        ),
        "S25": Weakness(
            "empty key",
            _CRITICAL,
            "anyone writes tokens where a look-up finds nothing",
            "an HMAC key is at least as long as its hash (RFC 7518 3.2)",
        ),
        "S26": Weakness(
            "guessable secret",
            _CRITICAL,
            "anyone who guesses the secret writes tokens",
            "an HMAC key is random and at least as long as its hash (RFC 7518 3.2)",
        ),
        "S27": Weakness(
            "critical extension ignored",
            _MEDIUM,
            "conditions that the issuer put on a token are not kept",
            "refuse what crit names and you do not know (RFC 7515 4.1.11)",
        ),
        "S28": Weakness(
            "b64 in a JWT",
            _MEDIUM,
            "two readers disagree about what was signed",
            "a JWT never has b64: false (RFC 7797 7)",
        ),
        "S30": Weakness(
            "member named twice",
            _MEDIUM,
            "two readers of one token read two things",
            "refuse a second member of one name (RFC 7515 4, RFC 7519 4)",
        ),
        "S32": Weakness(
            "no signatures at all",
            _CRITICAL,
            "anyone writes tokens, without any key",
            "at least one signature has been verified (RFC 7515 5.2)",
        ),
        "S33": Weakness(
            "token in another serialization",
            _HIGH,
            "one reader verifies one token, another reads a second",
            "a JWT is compact and nothing else (RFC 7519 1, RFC 8725bis 3.14)",
        ),
        "S34": Weakness(
            "encrypted token taken for a signed one",
            _CRITICAL,
            "anyone who has the public key writes tokens",
            "whether a token is signed or encrypted is said by the reader (CVE-2023-51774)",
        ),
        "S35": Weakness(
            "base64url read loosely",
            _LOW,
            "one token has many texts, so a list of revoked texts is evaded",
            "no padding, no other alphabet, spare bits zero (RFC 7515 2)",
        ),
        "S36": Weakness(
            "wrong number of segments",
            _MEDIUM,
            "two readers disagree about where the signature is",
            "exactly two dots, checked first (RFC 7515 7.1)",
        ),
        "S37": Weakness(
            "JSON read loosely",
            _LOW,
            "two readers of one token read two things",
            "UTF-8, RFC 8259 to the letter, and an object (RFC 8725 3.7)",
        ),
        "S38": Weakness(
            "token made to exhaust",
            _MEDIUM,
            "one request crashes or occupies the service",
            "limit size, depth and counts before reading",
        ),
        "S42": Weakness(
            "unsigned token within an encrypted one",
            _CRITICAL,
            "anyone who has the public key writes tokens",
            "both layers of a nested token are checked (RFC 8725 3.3)",
        ),
        "C1": Weakness(
            "expiry not checked",
            _HIGH,
            "a stolen token works for ever",
            "require exp and compare it (RFC 7519 4.1.4)",
        ),
        "C2": Weakness(
            "expiry that is no number",
            _MEDIUM,
            "a token may live longer than anyone meant",
            "exp is a JSON number (RFC 7519 2)",
        ),
        "C3": Weakness(
            "expiry beyond all numbers",
            _MEDIUM,
            "a token never expires",
            "a time is finite and before the year 10000 (RFC 7519 2)",
        ),
        "C4": Weakness(
            "token from the future",
            _MEDIUM,
            "a token works before its time",
            "compare nbf and iat wherever they stand (RFC 7519 4.1.5)",
        ),
        "C5": Weakness(
            "generous leeway",
            _LOW,
            "an expired token works for long",
            "grant minutes for skewed clocks at most (RFC 7519 4.1.4)",
        ),
        "C6": Weakness(
            "audience not checked exactly",
            _HIGH,
            "a token for another service works here",
            "aud equals your name, or is a list of texts that holds it (RFC 7519 4.1.3)",
        ),
        "C7": Weakness(
            "issuer not checked exactly",
            _HIGH,
            "another issuer speaks for yours",
            "iss equals the configured issuer, character by character (RFC 8725 3.8)",
        ),
        "C8": Weakness(
            "subject or token id of a wrong type",
            _MEDIUM,
            "look-ups meet values they were not made for",
            "sub and jti are texts (RFC 7519 4.1.2, 4.1.7)",
        ),
        "C9": Weakness(
            "another kind of token",
            _HIGH,
            "what was issued for one purpose works for another",
            "state the typ you expect (RFC 8725 3.11, RFC 9068 4)",
        ),
    }
)
"""By the row of the known attacks that an attack's id begins with."""
