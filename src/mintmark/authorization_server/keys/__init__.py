"""The key timeline: signing keys that rotate by themselves, sealed at rest."""

from __future__ import annotations

from .sealing import KeyEncryption, Sealer, open_sealer
from .secrets import ServerSecrets
from .signing_keys import SigningKeys
from .timeline import KeyPolicy

__all__ = ["KeyEncryption", "KeyPolicy", "Sealer", "ServerSecrets", "SigningKeys", "open_sealer"]
