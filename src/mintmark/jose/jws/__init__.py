"""JSON Web Signature (RFC 7515, RFC 7797): bytes signed into text, and text verified back into bytes.

:func:`sign` and :func:`verify` are for one token at a time. Whoever handles many with the same key or key set
compiles once: :func:`signer_for`, :func:`verifier_for`.
"""

from mintmark.jose.jws.compact import Parts, Verified, parse_compact, sign, verify
from mintmark.jose.jws.compiled import signer_for, verifier_for
from mintmark.jose.jws.json_form import sign_json, verify_json
from mintmark.jose.jws.stream import VerifiedStream, sign_stream, verify_stream

__all__ = [
    "Parts",
    "Verified",
    "VerifiedStream",
    "parse_compact",
    "sign",
    "sign_json",
    "sign_stream",
    "signer_for",
    "verifier_for",
    "verify",
    "verify_json",
    "verify_stream",
]
