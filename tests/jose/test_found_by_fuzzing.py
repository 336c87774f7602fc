"""What the fuzz targets found: each input broke a property once."""

from __future__ import annotations

import pytest

from mintmark import Key
from mintmark.errors import MalformedToken
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
