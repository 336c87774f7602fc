"""What the fuzzer starts from: keys and tokens made now, so that nothing secret or stale is committed."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any, Final

from mintmark import Issuer, Key, KeySet, jwe, jws
from mintmark.jose.encoding import b64url_decode, json_encode
from mintmark.jwt.profiles.dpop import make_proof
from mintmark.jwt.status_list import StatusList, StatusReference

NOW: Final = 1_800_000_000.0
ISSUER: Final = "https://auth.example.com"
AUDIENCE: Final = "orders"

SIGNING: Final = ("HS256", "RS256", "PS256", "ES256", "ES512", "Ed25519", "Ed448", "ML-DSA-44")
ENCRYPTION: Final = (
    ("dir", "A256GCM"),
    ("A128KW", "A128CBC-HS256"),
    ("A256GCMKW", "A256GCM"),
    ("ECDH-ES", "A128GCM"),
    ("ECDH-ES+A128KW", "A128GCM"),
    ("RSA-OAEP-256", "A256CBC-HS512"),
)

DICTIONARY: Final = (
    *(
        "alg",
        "kid",
        "typ",
        "cty",
        "crit",
        "b64",
        "enc",
        "zip",
        "epk",
        "apu",
        "p2c",
        "p2s",
        "jwk",
        "jku",
        "x5c",
    ),
    *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "azp", "auth_time", "events", "cnf", "act"),
    *("kty", "crv", "use", "key_ops", "keys", "n", "e", "d", "p", "q", "x", "y", "k", "pub", "priv"),
    *("payload", "protected", "header", "signature", "signatures", "recipients", "encrypted_key"),
    *("unprotected", "ciphertext", "iv", "tag", "aad", "htm", "htu", "ath", "none", "EdDSA", "DEF", "JWT"),
    *SIGNING,
    *(name for pair in ENCRYPTION for name in pair),
    *("NaN", "Infinity", "-0", "1e400", "1e-400", "18446744073709551616", "9223372036854775808", "null"),
    *(
        "\\ud800",
        "\\u0000",
        "{}",
        "[]",
        '""',
        "{",
        "[",
        "true",
        "0.1",
        "\xef\xbb\xbf",
        ".",
        "..",
        "=",
        "==",
        "-_",
    ),
)
"""Words that a parser reacts to."""


@cache
def signing_keys() -> KeySet:
    """One key for each kind of signature; the kid is the algorithm."""
    return KeySet(Key.generate(alg, kid=alg) for alg in SIGNING)


@cache
def streaming_keys() -> KeySet:
    """Those of the signing keys that work in parts."""
    return KeySet(key for key in signing_keys() if key.kty != "OKP")


@cache
def encryption_keys() -> KeySet:
    """One key for each kind of key management; the kid is the algorithm."""
    crvs = {"ECDH-ES": "X25519"}
    return KeySet(Key.generate(alg, kid=alg, crv=crvs.get(alg)) for alg, _ in ENCRYPTION)


def key(alg: str) -> Key:
    """Return the key of a signature algorithm."""
    return next(each for each in signing_keys() if each.alg == alg)


def claims(**more: Any) -> dict[str, Any]:
    """Return claims that every profile may start from."""
    times = {"iat": int(NOW), "exp": int(NOW) + 600, "nbf": int(NOW)}
    names = {"iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "jti": "t-1", "client_id": "app"}
    return {**names, **times, "scope": "orders:read", **more}


def json_texts() -> list[bytes]:
    """JSON in every shape, valid and not."""
    return [
        json_encode(claims()),
        b'{"a":[1,-2,3.5e10,true,false,null,"\\u00e9\\ud83d\\ude00"],"b":{"c":{}}}',
        b'{"a":1,"a":2}',
        b"[1.0, 1e3, -0, -0.0, 18446744073709551615, -9223372036854775808]",
        b'"text"',
        b" null ",
    ]


def compact_jws() -> list[bytes]:
    """A signed token of each algorithm, and the rare shapes."""
    payload = json_encode(claims())
    made = [jws.sign(payload, each, header={"typ": "JWT"}) for each in signing_keys()]
    hmac = key("HS256")
    made += [jws.sign(b"plain", hmac, b64=False), jws.sign(payload, hmac, detached=True)]
    made.append(jws.sign(payload, hmac.named("")))
    return [token.encode() for token in made]


def json_jws() -> list[bytes]:
    """A signed message in both JSON forms."""
    payload, hmac = json_encode(claims()), key("HS256")
    return [
        json_encode(jws.sign_json(payload, hmac, unprotected={"note": "x"})),
        json_encode(jws.sign_json(payload, [hmac, key("ES256")])),
        json_encode(jws.sign_json(b"plain", hmac, b64=False)),
    ]


def compact_jwe() -> list[bytes]:
    """An encrypted message for each kind of key management."""
    encs = dict(ENCRYPTION)
    made = [jwe.encrypt(b"secret", each, enc=encs[each.alg]) for each in encryption_keys()]
    made.append(jwe.encrypt(b"secret" * 50, encryption_keys()[0], enc="A256GCM", compress=True))
    return [token.encode() for token in made]


def json_jwe() -> list[bytes]:
    """An encrypted message in both JSON forms."""
    keys = encryption_keys()
    several = [each for each in keys if each.alg in ("A128KW", "A256GCMKW", "RSA-OAEP-256")]
    return [
        json_encode(jwe.encrypt_json(b"secret", keys[0], aad=b"seen", unprotected={"note": "x"})),
        json_encode(jwe.encrypt_json(b"secret", several)),
    ]


def jwks() -> list[bytes]:
    """Key sets, public and private."""
    every = KeySet((*signing_keys(), *encryption_keys()))
    return [json_encode(every.to_jwks()), json_encode(every.to_jwks(private=True))]


def jwk() -> list[bytes]:
    """Each key by itself, public and private."""
    every = (*signing_keys(), *encryption_keys())
    private = [json_encode(each.to_jwk(private=True)) for each in every]
    return private + [json_encode(each.to_jwk()) for each in every if each.kty != "oct"]


def pem() -> list[bytes]:
    """Each key as PEM, one of them encrypted."""
    every = [each for each in (*signing_keys(), *encryption_keys()) if each.kty != "oct"]
    texts = [each.to_pem() for each in every] + [each.to_pem(private=True) for each in every]
    return [text.encode() for text in (*texts, key("ES256").to_pem(private=True, password=b"x"))]


def proofs() -> list[bytes]:
    """DPoP proofs."""
    made = [
        make_proof(each, method="GET", url="https://api.example.com/orders", now=NOW, access_token="token")
        for each in signing_keys()
        if each.alg in ("ES256", "RS256", "Ed25519")
    ]
    return [proof.encode() for proof in made]


def tokens() -> list[bytes]:
    """What an issuer makes, bare and as people paste it."""
    issuer = Issuer(ISSUER, key("HS256"), clock=lambda: NOW)
    token = issuer.issue(subject="alice", audience=AUDIENCE, lifetime=600)
    nested = issuer.issue(subject="a", audience=AUDIENCE, lifetime=600, encrypt_to=encryption_keys()[1])
    pasted = (token, nested, f'"Bearer {token}"\n', f"Authorization: DPoP {token[:40]}\r\n {token[40:]}")
    return [text.encode() for text in pasted]


def profile_claims() -> list[bytes]:
    """Claims of each profile."""
    logout = {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "sid": "s-1"}
    entry = {"kind": "sid", "value": "s-1", "exp": NOW, "iat": NOW}
    return [
        json_encode(claims()),
        json_encode(claims(nonce="n", at_hash="x", azp=AUDIENCE, auth_time=int(NOW), amr=["pwd"], acr="1")),
        json_encode(claims(**logout)),
        json_encode(claims(iss="app", sub="app")),
        json_encode(claims(seq=7, entries=[entry])),
        json_encode(claims(aud=[AUDIENCE, "billing"], exp=NOW + 0.5)),
    ]


def layouts() -> list[bytes]:
    """Claims, each after a byte that says which of them was seen before."""
    return [bytes((index,)) + text for index, text in enumerate(profile_claims())]


def detached_jws() -> list[bytes]:
    """Tokens without their payload, which follows after a zero."""
    payload = b"a payload"
    return [
        jws.sign(payload, key, detached=True, b64=b64).encode() + b"\0" + payload
        for key in streaming_keys()
        for b64 in (True, False)
    ]


def status_lists() -> list[bytes]:
    """Lists of each width, and the claims that speak of one."""
    packed = [
        bytes((bits,)) + b64url_decode(StatusList.build(40, {3: 1}, bits=bits).to_claim()["lst"])
        for bits in (1, 2, 4, 8)
    ]
    reference = {"status": StatusReference("https://a.example/1", 7).to_claim()}
    lists = {"status_list": StatusList.build(40, {3: 1}).to_claim()}
    return [*packed, b"\1" + json_encode(reference), b"\1" + json_encode(lists)]


def der() -> list[bytes]:
    """What the PEM texts hold."""
    bodies = (b"".join(text.split(b"\n")[1:-2]) for text in pem())
    return [base64.b64decode(body) for body in bodies]


def headers(tokens: list[bytes]) -> list[bytes]:
    """The headers of some tokens; what follows each after a zero is small."""
    return [b64url_decode(token.split(b".")[0]) + b"\0{}" for token in tokens]


def dpop_claims() -> list[bytes]:
    """What a proof says."""
    members = {"jti": "j", "htm": "GET", "htu": "https://api.example.com/orders", "iat": int(NOW)}
    return [json_encode(members | more) for more in ({}, {"ath": "x"}, {"nonce": "n"})]
