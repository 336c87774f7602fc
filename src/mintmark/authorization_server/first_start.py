"""The first start: somebody must be able to sign in. The administrator's password is shown once, or left
in a file.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from mintmark.authorization_server.logs import log_event
from mintmark.authorization_server.people import NewPerson, People
from mintmark.authorization_server.settings import Settings
from mintmark.errors import ConfigurationError

__all__ = ["introduce_people"]


async def introduce_people(people: People, settings: Settings, now: float) -> None:
    """Make the people of a demo, and the administrator where there is nobody yet.

    :raises ConfigurationError: a demo person's data are refused, or the password file cannot be written.
    """
    for person in settings.people:
        new = NewPerson(
            username=person.username,
            password=person.password.get_secret_value(),
            name=person.name or person.username,
            email=person.email,
            email_verified=person.email is not None,
            roles=person.roles,
        )
        await people.ensure(new, now)
    made = await people.ensure_administrator(now)
    if made is not None:
        administrator, password = made
        log_event("administrator_made", person_id=administrator.person_id)
        _hand_over(administrator.username, password, settings)


def _hand_over(username: str, password: str, settings: Settings) -> None:
    """Show the password to whoever started us on a terminal; otherwise leave it beside the database or its
    key, for one reader. Where neither is a file, nobody is told, and somebody sets another.
    """
    if sys.stderr.isatty():
        sys.stderr.write(
            f"\nFirst start. Sign in as the administrator, and note this password; it is not shown again:\n"
            f"    username  {username}\n    password  {password}\n\n"
        )
        return
    path = _place_for_password(settings)
    if path is None:
        fix = f"mintmark admin people set-password {username}"
        log_event("administrator_password_not_told", level=logging.WARNING, fix=fix)
        return
    try:
        # a file of an earlier database may be there: its password opens nothing any more
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o600)
            file.write(f"username: {username}\npassword: {password}\n")
    except OSError as error:
        raise ConfigurationError(
            f"{path}: the administrator's password cannot be written there ({error.strerror}); make the "
            f"folder writable, then run: mintmark admin people set-password {username}"
        ) from None
    log_event("administrator_password_written", file=str(path))


def _place_for_password(settings: Settings) -> Path | None:
    if settings.database.startswith("sqlite:///"):
        beside = Path(settings.database.removeprefix("sqlite:///"))
    elif settings.key_file is not None:
        beside = Path(settings.key_file)
    else:
        return None
    return beside.with_name(f"{beside.name}.administrator")
