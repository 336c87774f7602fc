"""``zip``: ``DEF`` (RFC 7516 4.1.3, RFC 1951), only when named, and never more than a stated size."""

from __future__ import annotations

import zlib
from typing import Final

from mintmark.errors import DecryptionFailed

MAX_BYTES: Final = 250_000  # RFC 8725bis 3.15
_RAW: Final = -zlib.MAX_WBITS


def deflate(plaintext: bytes) -> bytes:
    """Return the raw DEFLATE form."""
    return zlib.compress(plaintext, wbits=_RAW)


def inflate(compressed: bytes, max_bytes: int = MAX_BYTES) -> bytes:
    """Return what was compressed, without ever holding more than ``max_bytes`` of it.

    :raises DecryptionFailed: when it is longer, broken, or followed by something else.
    """
    stream = zlib.decompressobj(_RAW)
    try:
        plaintext = stream.decompress(compressed, max_bytes + 1)
    except zlib.error:
        raise DecryptionFailed("the content cannot be decrypted") from None
    if len(plaintext) > max_bytes or not stream.eof or stream.unused_data:
        raise DecryptionFailed("the content cannot be decrypted")
    return plaintext
