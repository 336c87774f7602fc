"""How strict libraries are: one row per hostile input, one column per library, and ours.

A: accepted. r: refused through the library's own errors. L: a built-in exception leaked out.
The columns of the others are what their pinned releases do; ours is r in every row.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jose.exceptions
import jose.jwt
import joserfc.errors
import joserfc.jwk
import joserfc.jwt
import jwcrypto.common
import jwcrypto.jwk
import jwcrypto.jws
import jwcrypto.jwt
import pytest

import jose
import jwt as pyjwt
from mintmark import UNCHECKED, KeySet, MintmarkError, Verifier
from mintmark.jose.jwk import Key

with warnings.catch_warnings():
    import authlib.deprecate  # asks for its own warnings to be shown

    warnings.simplefilter("ignore")  # authlib.jose says on import that it is deprecated
    import authlib.jose

Call = Callable[[], Any]
NOW = time.time()
SECRET = b"k" * 32
CLAIMS = {"iss": "https://a.example", "aud": "api", "exp": int(NOW) + 86_400}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(
    claims: Any = None, header: Any = None, *, spoil: Callable[[str], str] = str, secret: bytes = SECRET
) -> str:
    """Return a token that is validly signed, whatever is in it, changed afterwards."""
    texts = [header if header is not None else {"alg": "HS256"}, claims if claims is not None else CLAIMS]
    parts = [b64(text if isinstance(text, bytes) else json.dumps(text).encode()) for text in texts]
    signing_input = ".".join(parts)
    return spoil(f"{signing_input}.{b64(hmac.new(secret, signing_input.encode(), hashlib.sha256).digest())}")


@dataclass(frozen=True)
class Row:
    """One hostile token and the JWK it comes with, and what each library does."""

    name: str
    token: str
    pyjwt: str
    joserfc: str
    jwcrypto: str
    python_jose: str
    authlib: str
    jwk: tuple[tuple[str, str], ...] = ()


def claims(**changes: Any) -> dict[str, Any]:
    merged = {**CLAIMS, **changes}
    return {name: value for name, value in merged.items() if value is not None}


JUST_PASSED = "made when it is asked for"


def spare_bits(text: str) -> str:
    """Set an unused bit of the last character of the signature."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) | 1]


TABLE = (
    Row("exp has just passed", JUST_PASSED, *"rrArr"),
    Row("exp is text", token(claims(exp=str(int(NOW) + 86_400))), *"ArLAr"),
    Row("exp is NaN", token(b'{"iss":"https://a.example","aud":"api","exp":NaN}'), *"rrrrA"),
    Row("exp is Infinity", token(b'{"iss":"https://a.example","aud":"api","exp":Infinity}'), *"rrLLA"),
    Row("exp is 1e400", token(b'{"iss":"https://a.example","aud":"api","exp":1e400}'), *"rrLLA"),
    Row("no exp at all", token(claims(exp=None)), *"AAAAA"),
    Row("alg twice in the header", token(header=b'{"alg":"none","alg":"HS256"}'), *"AAAAA"),
    Row(
        "sub twice in the claims",
        token(json.dumps(CLAIMS)[:-1].encode() + b',"sub":"a","sub":"b"}'),
        *"AAAAA",
    ),
    Row("a lone surrogate", token(json.dumps(CLAIMS)[:-1].encode() + b',"x":"\\ud800"}'), *"AAAAA"),
    Row("claims are an array", token([1, 2]), *"rrArr"),
    Row("nested 100,000 deep", token(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), *"rrLLL"),
    Row("an unknown crit", token(header={"alg": "HS256", "crit": ["x"], "x": 1}), *"rrrAr"),
    Row("crit is empty", token(header={"alg": "HS256", "crit": []}), *"rAAAA"),
    Row("crit names alg", token(header={"alg": "HS256", "crit": ["alg"]}), *"rAAAA"),
    Row("kid is a number", token(header={"alg": "HS256", "kid": 1}), *"rrAAA"),
    Row("spare bits in the signature", token(spoil=spare_bits), *"rrAAA"),
    Row("junk in the signature", token(spoil=lambda text: text[:-5] + "!!" + text[-5:]), *"rrrAA"),
    Row("padding", token(spoil=lambda text: text + "="), *"ArAAA"),
    Row("four segments", token(spoil=lambda text: text + ".AAAA"), *"rrLrr"),
    Row(
        "the JWK is for another alg",
        token(secret=b"k" * 64),
        *"rrAAA",
        jwk=(("alg", "HS512"), ("k", b64(b"k" * 64))),
    ),
    Row("the JWK is for encryption", token(), *"ArrAr", jwk=(("use", "enc"),)),
    Row("a key of one byte", token(secret=b"k"), *"AArAA", jwk=(("k", b64(b"k")),)),
)


def ours(row: Row, jwk: dict[str, str]) -> None:
    key = Key.from_jwk(jwk, alg=None if "alg" in jwk else "HS256")
    Verifier(issuer="https://a.example", audience="api", keys=key, leeway=0).verify(row.token)


def with_pyjwt(row: Row, jwk: dict[str, str]) -> None:
    key = pyjwt.PyJWK(jwk, algorithm=jwk.get("alg", "HS256"))
    pyjwt.decode(row.token, key, algorithms=["HS256"], issuer="https://a.example", audience="api")


def with_joserfc(row: Row, jwk: dict[str, str]) -> None:
    decoded = joserfc.jwt.decode(row.token, joserfc.jwk.OctKey.import_key(dict(jwk)), algorithms=["HS256"])
    registry = joserfc.jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": "https://a.example"}, aud={"essential": True, "value": "api"}
    )
    registry.validate(decoded.claims)


def with_jwcrypto(row: Row, jwk: dict[str, str]) -> None:
    key = jwcrypto.jwk.JWK(**jwk)
    jwcrypto.jwt.JWT(jwt=row.token, key=key, algs=["HS256"])


def with_python_jose(row: Row, jwk: dict[str, str]) -> None:
    jose.jwt.decode(row.token, jwk, algorithms=["HS256"], issuer="https://a.example", audience="api")


def with_authlib(row: Row, jwk: dict[str, str]) -> None:
    key = authlib.jose.JsonWebKey.import_key(dict(jwk))
    options = {
        "iss": {"essential": True, "value": "https://a.example"},
        "aud": {"essential": True, "value": "api"},
    }
    authlib.jose.JsonWebToken(["HS256"]).decode(row.token, key, claims_options=options).validate()


def with_its_time(row: Row) -> Row:
    """Give the row that hangs on the clock its token now: the others take no clock of ours."""
    return replace(row, token=token(claims(exp=int(time.time()) - 20))) if row.token == JUST_PASSED else row


def letter(
    verify: Callable[[Row, dict[str, str]], None], family: tuple[type[Exception], ...], row: Row
) -> str:
    try:
        verify(with_its_time(row), {"kty": "oct", "k": b64(SECRET), **dict(row.jwk)})
    except family:
        return "r"
    except Exception:
        return "L"
    return "A"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_ours_refuses_every_row_cleanly(row: Row) -> None:
    assert letter(ours, (MintmarkError,), row) == "r"


def test_ours_takes_the_honest_token() -> None:
    assert letter(ours, (MintmarkError,), Row("honest", token(), *"AAAAA")) == "A"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_the_columns_of_the_others(row: Row) -> None:
    jwcrypto_family = (
        jwcrypto.common.JWException,
        jwcrypto.jws.InvalidJWSSignature,
    )
    found = (
        letter(with_pyjwt, (pyjwt.PyJWTError,), row),
        letter(with_joserfc, (joserfc.errors.JoseError,), row),
        letter(with_jwcrypto, jwcrypto_family, row),
        letter(with_python_jose, (jose.exceptions.JOSEError,), row),
        letter(with_authlib, (authlib.jose.errors.JoseError,), row),
    )
    assert found == (row.pyjwt, row.joserfc, row.jwcrypto, row.python_jose, row.authlib)


@dataclass(frozen=True)
class Slip:
    """A good token, or an expired one, and a call that says less than it should."""

    name: str
    pyjwt: Call
    joserfc: Call
    jwcrypto: Call
    python_jose: Call
    authlib: Call
    ours: Call
    answers: str


EXPIRED = token(claims(exp=int(NOW) - 900))
GOOD = token()
ISSUER = "https://a.example"
OCT = {"kty": "oct", "k": b64(SECRET)}
ONE_TEXT: Any = "xxHS256yy"
SLIPS = (
    Slip(
        "expired, and only iss is asked for",
        lambda: pyjwt.decode(
            EXPIRED, SECRET, algorithms=["HS256"], issuer=ISSUER, options={"verify_aud": False}
        ),
        lambda: joserfc.jwt.decode(EXPIRED, joserfc.jwk.OctKey.import_key(dict(OCT)), algorithms=["HS256"]),
        lambda: jwcrypto.jwt.JWT(
            jwt=EXPIRED, key=jwcrypto.jwk.JWK(**OCT), algs=["HS256"], check_claims={"iss": ISSUER}
        ),
        lambda: jose.jwt.decode(
            EXPIRED, OCT, algorithms=["HS256"], issuer=ISSUER, options={"verify_aud": False}
        ),
        lambda: authlib.jose.JsonWebToken(["HS256"]).decode(
            EXPIRED,
            authlib.jose.JsonWebKey.import_key(dict(OCT)),
            claims_options={"iss": {"essential": True, "value": ISSUER}},
        ),
        lambda: Verifier(issuer=ISSUER, audience=UNCHECKED, keys=Key.from_jwk(OCT, alg="HS256")).verify(
            EXPIRED
        ),
        "rAArAr",
    ),
    Slip(
        "algorithms are one text, xxHS256yy",
        lambda: pyjwt.decode(GOOD, SECRET, algorithms=ONE_TEXT, issuer=ISSUER, audience="api"),
        lambda: joserfc.jwt.decode(GOOD, joserfc.jwk.OctKey.import_key(dict(OCT)), algorithms=ONE_TEXT),
        lambda: jwcrypto.jwt.JWT(jwt=GOOD, key=jwcrypto.jwk.JWK(**OCT), algs=ONE_TEXT),
        lambda: jose.jwt.decode(GOOD, OCT, algorithms=ONE_TEXT, issuer=ISSUER, audience="api"),
        lambda: authlib.jose.JsonWebToken(ONE_TEXT).decode(
            GOOD, authlib.jose.JsonWebKey.import_key(dict(OCT))
        ),
        lambda: Verifier(
            issuer=ISSUER, audience="api", keys=KeySet.from_jwks({"keys": [OCT]}, algorithms=ONE_TEXT)
        ).verify(GOOD),
        "AArAAr",
    ),
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.name)
def test_a_call_that_says_too_little_is_refused_by_ours(slip: Slip) -> None:
    found = ""
    for call in (slip.pyjwt, slip.joserfc, slip.jwcrypto, slip.python_jose, slip.authlib):
        try:
            call()
            found += "A"
        except Exception:
            found += "r"
    with pytest.raises(MintmarkError):
        slip.ours()
    assert f"{found}r" == slip.answers


def test_the_page_that_people_read_says_the_same() -> None:
    page = (Path(__file__).parents[2] / "docs" / "strictness.md").read_text("utf-8")
    rows = [
        " | ".join(
            (f"| {row.name}", row.pyjwt, row.joserfc, row.jwcrypto, row.python_jose, row.authlib, "r |")
        )
        for row in TABLE
    ]
    assert "\n".join(rows) in page
    assert page.rstrip().endswith(
        "\n".join(f"| {slip.name} | {' | '.join(slip.answers)} |" for slip in SLIPS)
    )
