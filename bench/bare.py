"""The cryptographic operations alone: what no library can be faster than."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from material import Suite

__all__ = ["bare_decrypt", "bare_sign", "bare_verify"]

_PKCS1 = padding.PKCS1v15()
_PSS = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
_OAEP = padding.OAEP(mgf=padding.MGF1(SHA256()), algorithm=SHA256(), label=None)
_SHA256 = SHA256()
_ECDSA = ec.ECDSA(_SHA256)


def bare_sign(suite: Suite, message: bytes) -> Callable[[object], object]:
    """Return the signature operation alone."""
    private = suite.key.material.private
    if suite.alg == "HS256":
        return lambda _: hmac.digest(private, message, "sha256")
    if suite.alg == "RS256":
        return lambda _, sign=private.sign: sign(message, _PKCS1, _SHA256)
    if suite.alg == "PS256":
        return lambda _, sign=private.sign: sign(message, _PSS, _SHA256)
    if suite.alg == "ES256":
        return lambda _, sign=private.sign: sign(message, _ECDSA)
    return lambda _, sign=private.sign: sign(message)


def bare_verify(suite: Suite, message: bytes, signature: bytes) -> Callable[[object], object]:
    """Return the verification alone, without making a text of anything."""
    if suite.alg == "HS256":
        return bare_sign(suite, message)
    public = suite.verifying.material.public
    if suite.alg == "RS256":
        return lambda _, verify=public.verify: verify(signature, message, _PKCS1, _SHA256)
    if suite.alg == "PS256":
        return lambda _, verify=public.verify: verify(signature, message, _PSS, _SHA256)
    if suite.alg == "ES256":
        der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
        return lambda _, verify=public.verify: verify(der, message, _ECDSA)
    return lambda _, verify=public.verify: verify(signature, message)


def bare_decrypt(alg: str, suite: Suite, plaintext: bytes) -> Callable[[object], object]:
    """Return key agreement or unwrapping and AES-GCM alone."""
    nonce, aad = os.urandom(12), b"x" * 60
    if alg == "dir":
        box = AESGCM(suite.key.material.private)
        sealed = box.encrypt(nonce, plaintext, aad)
        return lambda _: box.decrypt(nonce, sealed, aad)
    key = os.urandom(32)
    sealed = AESGCM(key).encrypt(nonce, plaintext, aad)
    private = suite.key.material.private
    if alg == "RSA-OAEP-256":
        wrapped = private.public_key().encrypt(key, _OAEP)
        return lambda _: AESGCM(private.decrypt(wrapped, _OAEP)).decrypt(nonce, sealed, aad)
    ephemeral = ec.generate_private_key(ec.SECP256R1()).public_key()

    def agree(_: object) -> bytes:
        shared = private.exchange(ec.ECDH(), ephemeral)
        ConcatKDFHash(SHA256(), 32, b"x").derive(shared)
        return AESGCM(key).decrypt(nonce, sealed, aad)

    return agree
