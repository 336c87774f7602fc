"""Encrypting to a key and decrypting, where the peers have it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from bare import bare_decrypt
from material import Suite, claims, suite
from measure import Contender, race, show

from mintmark import jwe
from mintmark.jose.encoding import b64url_decode, json_encode

__all__ = ["encryption"]

CASES = {"dir": "A256GCM", "ECDH-ES": "ECDH-ES", "RSA-OAEP-256": "RSA-OAEP-256"}
ENC = "A256GCM"
Abilities = tuple[Callable[[bytes], Any], Callable[[Any], Any]]


def _joserfc(alg: str, private: dict[str, Any], public: dict[str, Any]) -> Abilities:
    module, jwk = import_module("joserfc.jwe"), import_module("joserfc.jwk")
    opener, box = jwk.import_key(dict(private)), jwk.import_key(dict(public))
    algorithms = [alg, ENC]
    return (
        lambda content: module.encrypt_compact({"alg": alg, "enc": ENC}, content, box, algorithms=algorithms),
        lambda token: module.decrypt_compact(token, opener, algorithms=algorithms).plaintext,
    )


def _jwcrypto(alg: str, private: dict[str, Any], public: dict[str, Any]) -> Abilities:
    module, jwk = import_module("jwcrypto.jwe"), import_module("jwcrypto.jwk")
    opener, box = jwk.JWK(**private), jwk.JWK(**public)
    header = f'{{"alg":"{alg}","enc":"{ENC}"}}'

    def encrypt(content: bytes) -> Any:
        return module.JWE(content, header, recipient=box, algs=[alg, ENC]).serialize(compact=True)

    def decrypt(token: Any) -> Any:
        message = module.JWE(algs=[alg, ENC])
        message.deserialize(token, opener)
        return message.payload

    return encrypt, decrypt


def _authlib(alg: str, private: dict[str, Any], public: dict[str, Any]) -> Abilities:
    module = import_module("authlib.jose")
    opener, box = module.JsonWebKey.import_key(dict(private)), module.JsonWebKey.import_key(dict(public))
    worker = module.JsonWebEncryption([alg, ENC])
    return (
        lambda content: worker.serialize_compact({"alg": alg, "enc": ENC}, content, box),
        lambda token: worker.deserialize_compact(token, opener)["payload"],
    )


def _python_jose(alg: str, private: dict[str, Any], public: dict[str, Any]) -> Abilities:
    module = import_module("jose.jwe")
    opener: Any = b64url_decode(private["k"]) if alg == "dir" else dict(private)
    box: Any = opener if alg == "dir" else dict(public)
    return (
        lambda content: module.encrypt(content, box, algorithm=alg, encryption=ENC),
        lambda token: module.decrypt(token, opener),
    )


PEERS = {"joserfc": _joserfc, "jwcrypto": _jwcrypto, "authlib": _authlib, "python-jose": _python_jose}


def encryption(modules: dict[str, Any], absent: dict[str, str]) -> None:
    """One direction each; the ratio of encrypting is to the bare decryption, for want of a bare sender."""
    content = json_encode(claims())
    for alg, name in CASES.items():
        chosen = suite(name)
        token = jwe.encrypt(content, chosen.verifying, enc=ENC)
        contenders = [
            Contender("bare operation (decrypt)", bare_decrypt(alg, chosen, content)),
            Contender(
                "mintmark, encrypt", lambda _, box=chosen.verifying: jwe.encrypt(content, box, enc=ENC)
            ),
            Contender("mintmark, decrypt", lambda _, key=chosen.key, token=token: jwe.decrypt(token, key)),
        ]
        for peer in (name for name in PEERS if name in modules):
            contenders += _peer(peer, alg, chosen, content)
        show(f"encrypt and decrypt {alg} {ENC}", race(contenders), base="bare operation (decrypt)")


def _peer(peer: str, alg: str, chosen: Suite, content: bytes) -> list[Contender]:
    unbound = {"alg", "use", "key_ops"}
    private = {name: value for name, value in chosen.private_jwk.items() if name not in unbound}
    public = {name: value for name, value in chosen.public_jwk.items() if name not in unbound}
    try:
        encrypt, decrypt = PEERS[peer](alg, private, public)
        token = encrypt(content)
        if bytes(decrypt(token)) != content:
            raise ValueError("another answer")
    except Exception as error:
        reason = error

        def fail(_: object) -> object:
            raise reason

        return [Contender(peer, fail)]
    return [
        Contender(f"{peer}, encrypt", lambda _: encrypt(content)),
        Contender(f"{peer}, decrypt", lambda _: decrypt(token)),
    ]
