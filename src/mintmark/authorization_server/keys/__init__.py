"""The key timeline: signing keys that rotate by themselves, sealed at rest."""

from __future__ import annotations

from .rekeying import change_key_encryption_key, forget_old_keys, reseal
from .sealing import KeyEncryption, Sealer, open_sealer
from .secrets import ServerSecrets
from .signing_keys import SigningKeys
from .timeline import KeyPolicy

__all__ = [
    "KeyEncryption",
    "KeyPolicy",
    "Sealer",
    "ServerSecrets",
    "SigningKeys",
    "change_key_encryption_key",
    "forget_old_keys",
    "open_sealer",
    "reseal",
]
