"""A128GCM, A192GCM, A256GCM: content encryption with AES-GCM (RFC 7518 5.3)."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mintmark.errors import DecryptionFailed
from mintmark.jose.algorithms.rows import ContentEncryption

_TAG_BYTES: Final = 16


def _encrypt(key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> tuple[bytes, bytes]:
    sealed = AESGCM(key).encrypt(iv, plaintext, aad)
    return sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]


def _decrypt(key: bytes, iv: bytes, ciphertext: bytes, tag: bytes, aad: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(iv, ciphertext + tag, aad)
    except InvalidTag:
        raise DecryptionFailed("the content cannot be decrypted") from None


def _row(bits: int) -> ContentEncryption:
    return ContentEncryption(f"A{bits}GCM", bits // 8, 12, _TAG_BYTES, _encrypt, _decrypt)


ROWS: Final = (_row(128), _row(192), _row(256))
