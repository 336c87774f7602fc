"""Which passwords and names are accepted (NIST SP 800-63B 3.1.1: length, and not the worst)."""

from __future__ import annotations

import unicodedata

from msgspec import Struct

from mintmark.authorization_server.people.common_passwords import COMMON_PASSWORDS
from mintmark.errors import ConfigurationError

__all__ = ["PasswordRefused", "PasswordRules", "normal_password", "username_key"]

_LONGEST = 1024  # bytes that are ever given to the hash
_LONGEST_NAME = 255


class PasswordRefused(ConfigurationError):
    """The password is not acceptable; the message tells the person why."""


class PasswordRules(Struct, frozen=True):
    """What a new password must be.

    :param shortest: characters. NIST asks for 15 where the password is all there is, 8 beside a second
        factor.
    """

    shortest: int = 8

    def check(self, password: str, *, username: str) -> str:
        """Return the password in the form that is hashed.

        :raises PasswordRefused: too short, too long, among the worst, or the name itself.
        """
        normal = normal_password(password)
        if normal is None:
            raise PasswordRefused(f"The password is too long: at most {_LONGEST} bytes.")
        if len(normal) < self.shortest:
            raise PasswordRefused(f"The password is too short: at least {self.shortest} characters.")
        plain = normal.casefold()
        if plain in COMMON_PASSWORDS or len(set(plain)) < 3 or plain == username.casefold():
            raise PasswordRefused("The password is one of the first that anybody would try: choose another.")
        return normal


def normal_password(password: str) -> str | None:
    """The same text however a keyboard spells it (NFKC); None if it is too long or is not text."""
    if len(password) > _LONGEST:
        return None
    normal = unicodedata.normalize("NFKC", password)
    try:
        return normal if len(normal.encode()) <= _LONGEST else None
    except UnicodeEncodeError:  # lone surrogates
        return None


def username_key(username: str) -> str | None:
    """What two names must not share, and sign-in compares: without case, spaces and spelling variants."""
    key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold()).strip()
    printable = bool(key) and key.isprintable() and len(key) <= _LONGEST_NAME
    return key if printable else None
