"""What the fuzz targets found: each input broke a property once."""

from __future__ import annotations

import base64

import pytest

from mintmark import Key
from mintmark.errors import AlgorithmNotAllowed, InvalidKey, MalformedToken
from mintmark.jose import jws
from mintmark.jose.encoding import b64url_encode
from mintmark.jose.jws import signer_for, verifier_for

KEY = Key.generate("HS256")


def test_S36_two_parts_under_a_known_header_are_no_token() -> None:
    """The fast path took them for a token with an empty payload, and would have believed whoever can get the
    bare header signed.
    """
    token = signer_for(KEY)(b"{}")
    verify = verifier_for(KEY)
    verify(token)  # now the header is known
    header, _, signature = token.split(".")
    assert KEY.sign_bytes is not None
    honest = b64url_encode(KEY.sign_bytes(header.encode()))
    for last in (signature, honest):
        with pytest.raises(MalformedToken, match="three parts"):
            verify(f"{header}.{last}")


@pytest.mark.parametrize(
    "der",
    [
        # the object identifier of Ed448 and X448 before a key of 32 octets
        "302e020100300506032b6571042204202638dc8be458d51578dec7021d9a5edeb06dba541a69b947d6b1f20e0a2bfa48",
        "302e020100300506032b656f0422042024f2544eed53f14461e9cdc3eee7ea230432c70f51e1e7bf3f21b267ac83f13f",
    ],
)
def test_a_private_key_of_another_curves_length(der: str) -> None:
    """The backend answers with an exception of its own that is no ValueError."""
    octets = bytes.fromhex(der)
    with pytest.raises(InvalidKey):
        Key.from_der(octets)
    body = base64.b64encode(octets).decode()
    with pytest.raises(InvalidKey):
        Key.from_pem(f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")


def test_S29_two_faults_of_a_detached_token_are_answered_alike_in_one_piece_and_in_parts() -> None:
    """A payload of its own, and an algorithm that is not the key's: one way named the one, one the other."""
    token = signer_for(KEY)(b"{}")
    stranger = Key.generate("HS512", kid=KEY.kid)
    for verify in (
        lambda: jws.verify(token, stranger, detached_payload=b"{}"),
        lambda: jws.verify_stream(token, [b"{}"], stranger),
    ):
        with pytest.raises(AlgorithmNotAllowed):
            verify()
    with pytest.raises(MalformedToken):
        jws.verify_stream(token, [b"{}"], KEY)
