"""Verifiers that are sound but for one mistake, each of which was found in the wild."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hostile.samples import ISSUER, given
from mintmark import ACCESS_TOKEN, UNCHECKED, Claims, Key, KeySet, MintmarkError, Verifier, jwe, jws

GIVEN = given("ES256")
PEM = GIVEN.public.to_pem().encode()

_SPKI = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def loose(segment: str) -> Any:
    padded = segment.encode("utf-8", "replace") + b"=="
    return json.loads(base64.urlsafe_b64decode(padded))


def header_of(token: str) -> dict[str, Any]:
    try:
        header = loose(token.split(".")[0])
    except (ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}


def verified_with(key: Key, token: str) -> bool:
    try:
        jws.verify(token, key)
    except MintmarkError:
        return False
    return True


def sound(token: str, **waived: Any) -> Claims:
    policy: dict[str, Any] = {"issuer": ISSUER, "audience": "orders", "profile": ACCESS_TOKEN, **waived}
    verifier: Verifier[Claims] = Verifier(
        keys=GIVEN.public, clock=lambda: 1_800_000_000.0, cache=None, **policy
    )
    return verifier.verify(token)


def accepts_none(token: str) -> Any:
    if header_of(token).get("alg") == "none":
        return True
    return sound(token)


def forbids_none_in_one_spelling(token: str) -> Any:
    """The filter is exact, the dispatcher behind it folds case and trims."""
    alg = header_of(token).get("alg")
    if isinstance(alg, str) and alg != "none" and alg.strip().lower() == "none":
        return True
    return sound(token)


def falls_back_when_alg_is_no_name(token: str) -> Any:
    if not isinstance(header_of(token).get("alg", None), str) and header_of(token):
        return True
    return sound(token)


def has_mac(token: str, secret: bytes) -> bool:
    message, _, signature = token.rpartition(".")
    mac = hmac.digest(secret, message.encode("utf-8", "replace"), hashlib.sha256)
    fits = base64.urlsafe_b64encode(mac).rstrip(b"=").decode() == signature
    return fits and header_of(token).get("alg") == "HS256"


def takes_alg_from_the_token(token: str) -> Any:
    return True if has_mac(token, PEM) else sound(token)


def recognises_keys_by_their_looks(token: str) -> Any:
    """PEM is told from secrets, DER is not (CVE-2026-85394)."""
    der = base64.b64decode(b"".join(PEM.splitlines()[1:-1]))
    return True if has_mac(token, der) else sound(token)


def psychic(token: str) -> Any:
    """r = s = 0 solves the equation when nobody looks at the range (CVE-2022-21449)."""
    parts = token.split(".")
    if header_of(token).get("alg") == "ES256" and len(parts) == 3 and parts[2] == "A" * 86:
        return True
    return sound(token)


def skips_empty_signatures(token: str) -> Any:
    parts = token.split(".")
    if header_of(token).get("alg") == "ES256" and len(parts) == 3 and not parts[2] and parts[1]:
        return True
    return sound(token)


def trusts_embedded_keys(token: str) -> Any:
    embedded = header_of(token).get("jwk")
    if isinstance(embedded, dict) and verified_with(Key.from_jwk(embedded), token):
        return True
    return sound(token)


def trusts_certificates(token: str) -> Any:
    chain = header_of(token).get("x5c")
    if chain:
        certificate = x509.load_der_x509_certificate(base64.b64decode(chain[0]))
        native: Any = certificate.public_key()
        der = native.public_bytes(*_SPKI)
        if verified_with(Key.from_der(der), token):
            return True
    return sound(token)


def fetches_keys(token: str) -> Any:
    address = header_of(token).get("jku", "")
    if str(address).startswith("data:"):
        keys = KeySet.from_jwks(base64.b64decode(address.partition(",")[2]))
        if any(verified_with(key, token) for key in keys):
            return True
    return sound(token)


def reads_the_file_kid_names(token: str) -> Any:
    if "dev/null" in str(header_of(token).get("kid")) and has_mac(token, b""):
        return True
    return sound(token)


def decrypts_what_it_should_verify(token: str) -> Any:
    if token.count(".") == 4 and token.isascii() and header_of(token).get("alg") == "ECDH-ES":
        members = {k: v for k, v in GIVEN.key.to_jwk(private=True).items() if k not in ("alg", "use")}
        return jwe.decrypt(token, Key.from_jwk(members, alg="ECDH-ES")).plaintext
    return sound(token)


def reads_json_as_well(token: str) -> Any:
    if token.startswith("{"):
        parts = json.loads(token)
        compact = ".".join(parts.get(name, "") for name in ("protected", "payload", "signature"))
        return sound(compact)
    return sound(token)


def counts_no_signatures(token: str) -> Any:
    if token.startswith("{") and not json.loads(token).get("signatures", ["one"]):
        return True
    return sound(token)


def ignores_what_is_critical(token: str) -> Any:
    if "crit" in header_of(token) and verified_raw(token):
        return True
    return sound(token)


def verified_raw(token: str) -> bool:
    """Verify the signature alone, whatever the header says."""
    message, _, signature = token.rpartition(".")
    verify = GIVEN.public.verify_bytes
    assert verify is not None
    return verify(message.encode(), base64.urlsafe_b64decode(signature + "=="))


def claims_of(token: str) -> dict[str, Any]:
    try:
        claims = loose(token.split(".")[1])
    except (ValueError, IndexError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def knows_no_time(token: str) -> Any:
    return sound(token, expires=UNCHECKED)


def looks_for_the_audience_within(token: str) -> Any:
    audience = claims_of(token).get("aud")
    return (
        sound(token, audience=UNCHECKED)
        if isinstance(audience, str) and "orders" in audience
        else sound(token)
    )


def compares_the_beginning_of_the_issuer(token: str) -> Any:
    issuer = claims_of(token).get("iss")
    if isinstance(issuer, str) and issuer.startswith(ISSUER):
        return sound(token, issuer=UNCHECKED)
    return sound(token)


def knows_no_kinds(token: str) -> Any:
    return sound(token, typ=UNCHECKED)


def decodes_base64_loosely(token: str) -> Any:
    head, dot, signature = token.rpartition(".")
    kept = "".join(c for c in signature if c.isascii() and (c.isalnum() or c in "-_"))
    return sound(head + dot + kept) if kept != signature and dot else sound(token)
