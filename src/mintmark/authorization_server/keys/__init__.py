"""The key timeline: signing keys that rotate by themselves, sealed at rest."""

from __future__ import annotations

from mintmark.authorization_server.keys.phases import KeyLife, key_lives
from mintmark.authorization_server.keys.rekeying import change_key_encryption_key, forget_old_keys, reseal
from mintmark.authorization_server.keys.sealing import KeyEncryption, Sealer, open_sealer
from mintmark.authorization_server.keys.secrets import ServerSecrets
from mintmark.authorization_server.keys.signing_keys import SigningKeys
from mintmark.authorization_server.keys.timeline import KeyPolicy, alarm

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
