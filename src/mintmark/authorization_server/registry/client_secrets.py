"""Client secrets: random, made by us, shown once, and kept as one digest."""

from __future__ import annotations

import hashlib

from mintmark.authorization_server.keys.secrets import random_text

__all__ = ["PREFIX", "new_secret", "secret_digest"]

PREFIX = "mms_"  # so that scanners of repositories and logs find a lost one


def new_secret() -> str:
    """Return a secret of 256 random bits: one hash is enough to keep it, and no password hash is needed."""
    return PREFIX + random_text(32)


def secret_digest(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
