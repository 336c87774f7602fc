"""A128CBC-HS256, A192CBC-HS384, A256CBC-HS512: AES-CBC, then HMAC over it (RFC 7518 5.2)."""

from __future__ import annotations

import hmac
from functools import partial
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from mintmark.errors import DecryptionFailed
from mintmark.jose.algorithms.rows import ContentEncryption

_BLOCK: Final = 128  # bits


def _tag(hash_: str, key: bytes, iv: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    """RFC 7518 5.2.2.1: the first half of the key authenticates; the tag is the first half of the MAC."""
    half = len(key) // 2
    length = (len(aad) * 8).to_bytes(8)
    return hmac.digest(key[:half], aad + iv + ciphertext + length, hash_)[:half]


def _encrypt(hash_: str, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> tuple[bytes, bytes]:
    pad = PKCS7(_BLOCK).padder()
    cipher = Cipher(algorithms.AES(key[len(key) // 2 :]), modes.CBC(iv)).encryptor()
    ciphertext = cipher.update(pad.update(plaintext) + pad.finalize()) + cipher.finalize()
    return ciphertext, _tag(hash_, key, iv, ciphertext, aad)


def _decrypt(hash_: str, key: bytes, iv: bytes, ciphertext: bytes, tag: bytes, aad: bytes) -> bytes:
    # The MAC comes first and decides alone; only authentic padding is ever looked at (RFC 7518 5.2.2.2).
    if not hmac.compare_digest(_tag(hash_, key, iv, ciphertext, aad), tag):
        raise DecryptionFailed("the content cannot be decrypted")
    try:
        cipher = Cipher(algorithms.AES(key[len(key) // 2 :]), modes.CBC(iv)).decryptor()
        pad = PKCS7(_BLOCK).unpadder()
        return pad.update(cipher.update(ciphertext) + cipher.finalize()) + pad.finalize()
    except ValueError:
        raise DecryptionFailed("the content cannot be decrypted") from None


def _row(bits: int, hash_bits: int) -> ContentEncryption:
    hash_, size = f"sha{hash_bits}", bits // 8
    return ContentEncryption(
        f"A{bits}CBC-HS{hash_bits}", 2 * size, 16, size, partial(_encrypt, hash_), partial(_decrypt, hash_)
    )


ROWS: Final = (_row(128, 256), _row(192, 384), _row(256, 512))
