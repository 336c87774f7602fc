"""The table: every known way to break a signed token, one row each."""

from __future__ import annotations

from typing import Final

from mintmark.errors import ConfigurationError
from mintmark.hostile.attack import Attack
from mintmark.hostile.borrowed_keys import BORROWED_KEYS
from mintmark.hostile.claims import CLAIMS
from mintmark.hostile.confusion import CONFUSION
from mintmark.hostile.encodings import ENCODINGS
from mintmark.hostile.extensions import EXTENSIONS
from mintmark.hostile.forms import FORMS
from mintmark.hostile.key_ids import KEY_IDS
from mintmark.hostile.signatures import SIGNATURES
from mintmark.hostile.tampering import TAMPERED
from mintmark.hostile.unsigned import UNSIGNED

__all__ = ["ATTACKS", "find"]

ATTACKS: Final[tuple[Attack, ...]] = (
    *UNSIGNED,
    *TAMPERED,
    *CONFUSION,
    *SIGNATURES,
    *BORROWED_KEYS,
    *KEY_IDS,
    *EXTENSIONS,
    *ENCODINGS,
    *FORMS,
    *CLAIMS,
)


def find(id_: str) -> Attack:
    """Return the attack of that id.

    :raises ConfigurationError: when there is none.
    """
    for attack in ATTACKS:
        if attack.id == id_:
            return attack
    raise ConfigurationError(f"there is no attack {id_!r}", hint="mintmark.hostile.ATTACKS lists them.")
