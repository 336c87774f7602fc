"""The key types (``kty``): one file each, which reads, checks and writes the material of such a key."""

from __future__ import annotations

from importlib import import_module
from typing import Final, cast

from mintmark.errors import InvalidKey
from mintmark.jose.kinds.material import Kind, Material

__all__ = ["Kind", "Material", "kind"]

_MODULES: Final = {"oct": "oct", "RSA": "rsa", "EC": "ec", "OKP": "okp", "AKP": "akp"}


def kind(kty: object) -> Kind:
    """Return the reader and writer of a ``kty``.

    :raises InvalidKey: when the type is unknown.
    """
    module = _MODULES.get(kty) if isinstance(kty, str) else None
    if module is None:
        raise InvalidKey("the key's kty is missing or unknown (RFC 7517 4.1)", claim="kty")
    return cast(Kind, import_module(f"{__name__}.{module}"))
