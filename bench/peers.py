"""The other libraries, each used as its documentation says, with its key made beforehand.

Each adapter gets a :class:`Suite` and gives what it can do: ``sign`` from claims to a token, ``verify`` from
a token to claims with exp, nbf, iss and aud checked. (None of them checks typ.) What it cannot, it leaves
out.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from material import AUDIENCE, ISSUER, Suite

__all__ = ["MODULES", "PEERS", "importable"]

Sign = Callable[[dict[str, Any]], str]
Verify = Callable[[str], Any]
Abilities = tuple[Sign, Verify]

HEADER = {"typ": "at+jwt", "kid": "2026-11"}
CHECKED = {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": AUDIENCE}}


def _edwards(suite: Suite) -> str:
    return "EdDSA" if suite.alg == "Ed25519" else suite.alg


def _pyjwt_like(module: Any, suite: Suite) -> Abilities:
    alg = _edwards(suite)
    private: Any = suite.secret or suite.key.material.private
    public: Any = suite.secret or suite.verifying.material.public
    if (
        module.__name__ != "jwt"
    ):  # the Rust-backed ones take PEM, and their own prepared keys where they have them
        private, public = suite.secret or suite.private_pem, suite.secret or suite.public_pem
        if hasattr(module, "EncodingKey"):
            private, public = _oxy_keys(module, suite, private, public)
    required = {"require": ["exp", "iat", "nbf", "iss", "aud"]}

    def sign(claims: dict[str, Any]) -> str:
        return str(module.encode(claims, private, algorithm=alg, headers=HEADER))

    def verify(token: str) -> Any:
        return module.decode(
            token, public, algorithms=[alg], audience=AUDIENCE, issuer=ISSUER, options=required
        )

    return sign, verify


def _oxy_keys(module: Any, suite: Suite, private: bytes, public: bytes) -> tuple[Any, Any]:
    family = {"H": "secret", "R": "rsa_pem", "P": "rsa_pem", "E": "ec_pem"}
    name = "ed_pem" if suite.alg == "Ed25519" else family[suite.alg[0]]
    make = f"from_{name}"
    return getattr(module.EncodingKey, make)(private), getattr(module.DecodingKey, make)(public)


def _joserfc(module: Any, suite: Suite) -> Abilities:
    jwk = import_module("joserfc.jwk")
    private, public = jwk.import_key(dict(suite.private_jwk)), jwk.import_key(dict(suite.public_jwk))
    algorithms = [suite.alg]
    registry = module.JWTClaimsRegistry(**CHECKED, exp={"essential": True}, nbf={"essential": True})

    def sign(claims: dict[str, Any]) -> str:
        return str(module.encode({"alg": suite.alg, **HEADER}, claims, private, algorithms=algorithms))

    def verify(token: str) -> Any:
        found = module.decode(token, public, algorithms=algorithms)
        registry.validate(found.claims)
        return found.claims

    return sign, verify


def _jwcrypto(module: Any, suite: Suite) -> Abilities:
    jwk, alg = import_module("jwcrypto.jwk"), _edwards(suite)
    unbound = {"alg"} if suite.alg == "Ed25519" else set()  # it knows the older name only
    keep = lambda members: {name: value for name, value in members.items() if name not in unbound}  # noqa: E731
    private, public = jwk.JWK(**keep(suite.private_jwk)), jwk.JWK(**keep(suite.public_jwk))
    checks = {"iss": ISSUER, "aud": AUDIENCE, "exp": None, "nbf": None}

    def sign(claims: dict[str, Any]) -> str:
        token = module.JWT(header={"alg": alg, **HEADER}, claims=claims, algs=[alg])
        token.make_signed_token(private)
        return str(token.serialize())

    def verify(token: str) -> Any:
        import json

        found = module.JWT(jwt=token, key=public, algs=[alg], check_claims=checks)
        return json.loads(found.claims)

    return sign, verify


def _python_jose(module: Any, suite: Suite) -> Abilities:
    jwk = import_module("jose.jwk")
    private: Any = jwk.construct(suite.secret or suite.private_pem, suite.alg)
    public: Any = jwk.construct(suite.secret or suite.public_pem, suite.alg)
    if suite.secret is not None:
        private = public = suite.secret

    def sign(claims: dict[str, Any]) -> str:
        return str(module.encode(claims, private, algorithm=suite.alg, headers=HEADER))

    def verify(token: str) -> Any:
        return module.decode(token, public, algorithms=[suite.alg], audience=AUDIENCE, issuer=ISSUER)

    return sign, verify


def _authlib(module: Any, suite: Suite) -> Abilities:
    alg = _edwards(suite)
    jwt = module.JsonWebToken([alg])
    private = module.JsonWebKey.import_key(dict(suite.private_jwk))
    public = module.JsonWebKey.import_key(dict(suite.public_jwk))
    options = CHECKED | {"exp": {"essential": True}, "nbf": {"essential": True}}

    def sign(claims: dict[str, Any]) -> str:
        return str(jwt.encode({"alg": alg, **HEADER}, claims, private).decode())

    def verify(token: str) -> Any:
        found = jwt.decode(token, public, claims_options=options)
        found.validate()
        return found

    return sign, verify


MODULES = {
    "PyJWT": "jwt",
    "joserfc": "joserfc.jwt",
    "jwcrypto": "jwcrypto.jwt",
    "python-jose": "jose.jwt",
    "authlib": "authlib.jose",
    "oxyjwt": "oxyjwt",
    "webtoken": "webtoken",
    "ryjwt": "ryjwt",
}
PEERS: dict[str, Callable[[Any, Suite], Abilities]] = {
    "PyJWT": _pyjwt_like,
    "joserfc": _joserfc,
    "jwcrypto": _jwcrypto,
    "python-jose": _python_jose,
    "authlib": _authlib,
    "oxyjwt": _pyjwt_like,
    "webtoken": _pyjwt_like,
    "ryjwt": _pyjwt_like,
}


def importable() -> tuple[dict[str, Any], dict[str, str]]:
    """Return the modules of the peers that are here, and why the others are not."""
    found: dict[str, Any] = {}
    absent: dict[str, str] = {}
    for name, module in MODULES.items():
        try:
            found[name] = import_module(module)
        except Exception as error:
            absent[name] = f"cannot be imported here ({type(error).__name__})"
    return found, absent
