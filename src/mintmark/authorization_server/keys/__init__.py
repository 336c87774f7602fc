"""The key timeline: signing keys that rotate by themselves, sealed at rest."""

from __future__ import annotations

from .phases import KeyLife, key_lives
from .rekeying import change_key_encryption_key, forget_old_keys, reseal
from .sealing import KeyEncryption, Sealer, open_sealer
from .secrets import ServerSecrets
from .signing_keys import SigningKeys
from .timeline import KeyPolicy, alarm

__all__ = [
    "KeyEncryption",
    "KeyLife",
    "KeyPolicy",
    "Sealer",
    "ServerSecrets",
    "SigningKeys",
    "alarm",
    "change_key_encryption_key",
    "forget_old_keys",
    "key_lives",
    "open_sealer",
    "reseal",
]
