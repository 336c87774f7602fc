"""``mintmark admin people``: who can sign in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mintmark.cli.admin.opening import with_service
from mintmark.cli.inputs import read_text
from mintmark.cli.options import DatabaseUrl, Json, SettingsFile
from mintmark.cli.terminal import print_json, printable, say, say_table
from mintmark.errors import ConfigurationError

if TYPE_CHECKING:
    from mintmark.authorization_server.oauth.service import Service
    from mintmark.authorization_server.storage.records import Person

__all__ = ["app"]

app = typer.Typer(help="The people who can sign in.")

_Username = Annotated[str, typer.Argument(metavar="USERNAME")]
_PasswordFile = Annotated[
    str | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        help="Read the password there (- for standard input) instead of asking.",
    ),
]


@app.command("list")
def list_people(settings: SettingsFile = None, database: DatabaseUrl = None, as_json: Json = False) -> None:
    """Show everybody who has an account."""

    async def work(service: Service, now: float) -> tuple[Person, ...]:
        return await service.people.every()

    found = with_service(settings, database, work)
    if as_json:
        print_json({"people": [_person(person) for person in found]})
        return
    if not found:
        say("Nobody has an account; see: mintmark admin people add --help")
    say_table(("USERNAME", "NAME", "ROLES"), ((p.username, p.name, _state(p)) for p in found))


@app.command("add")
def add(
    username: _Username,
    name: Annotated[str, typer.Option(help="The name that others see.")] = "",
    email: Annotated[str | None, typer.Option(help="The email address.")] = None,
    role: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A role; may be given more than once.")
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A group; may be given more than once.")
    ] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="NAME=TEXT", help="What claim rules call attributes.NAME.")
    ] = None,
    password_file: _PasswordFile = None,
    settings: SettingsFile = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Make an account. The password is asked for, never given on the command line."""
    attributes = dict(_attribute(text) for text in attribute or ())
    if password_file is None:
        with_service(settings, database, lambda service, _: _unknown(service, username))
    password = _password(password_file)

    async def work(service: Service, now: float) -> Person:
        from mintmark.authorization_server.people import NewPerson

        new = NewPerson(
            username=username,
            password=password,
            name=name,
            email=email,
            roles=tuple(role or ()),
            groups=tuple(group or ()),
            attributes=attributes,
        )
        return await service.people.create(new, now)

    _told(with_service(settings, database, work), "has an account now", as_json)


@app.command("disable")
def disable(
    username: _Username,
    settings: SettingsFile = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Lock somebody out. There is no sign-in, and every session and token of theirs ends at once."""

    async def work(service: Service, now: float) -> Person:
        person = await _known(service, username)
        unit = service.people.disabling(person.person_id, now)
        await service.sessions.end_person(person.person_id, now, reason="disabled", also=unit)
        return await _known(service, username)

    _told(with_service(settings, database, work), "is disabled; every session and token has ended", as_json)


@app.command("enable")
def enable(
    username: _Username,
    settings: SettingsFile = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Let somebody in again who was disabled. They sign in anew everywhere."""

    async def work(service: Service, now: float) -> Person:
        person = await _known(service, username)
        return await service.people.enable(person.person_id, now)

    _told(with_service(settings, database, work), "can sign in again", as_json)


@app.command("set-password")
def set_password(
    username: _Username,
    password_file: _PasswordFile = None,
    settings: SettingsFile = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Give somebody a new password. Every session and token of theirs ends at once."""
    if password_file is None:
        with_service(settings, database, lambda service, _: _known(service, username))
    password = _password(password_file)

    async def work(service: Service, now: float) -> Person:
        person = await _known(service, username)
        unit = await service.people.changing_password(person.person_id, password, now)
        await service.sessions.end_person(person.person_id, now, reason="password_changed", also=unit)
        return await _known(service, username)

    _told(with_service(settings, database, work), "has a new password; every session has ended", as_json)


@app.command("remove")
def remove(
    username: _Username,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    settings: SettingsFile = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Erase an account. Every session and token of theirs ends at once; the audit trail keeps their sub."""
    if not yes:
        with_service(settings, database, lambda service, _: _known(service, username))
        _sure(username)

    async def work(service: Service, now: float) -> Person:
        person = await _known(service, username)
        unit = service.people.removing(person.person_id, now)
        await service.sessions.end_person(person.person_id, now, reason="removed", also=unit)
        return person

    _told(with_service(settings, database, work), "is erased; every session and token has ended", as_json)


def _sure(username: str) -> None:
    if not sys.stdin.isatty():
        raise ConfigurationError("there is no terminal to ask whether you are sure; give --yes")
    typer.confirm(f"Erase {printable(username)}? This cannot be taken back", abort=True, err=True)


async def _unknown(service: Service, username: str) -> None:
    """Say so before a password is asked for in vain."""
    if await service.people.find_by_username(username) is not None:
        raise ConfigurationError(f'the name "{printable(username)}" is taken')


async def _known(service: Service, username: str) -> Person:
    person = await service.people.find_by_username(username)
    if person is None:
        raise ConfigurationError(f'nobody is called "{printable(username)}"; see: mintmark admin people list')
    return person


def _password(file: str | None) -> str:
    """Ask twice on a terminal, else read a file: everybody could see one on the command line."""
    if file is not None:
        return read_text(file if file == "-" or Path(file).is_file() else _no_file(file), "the password")
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "there is no terminal to ask for the password; give --password-file FILE, or -"
        )
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer


def _attribute(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ConfigurationError(f'--attribute "{printable(text)}": write NAME=TEXT')
    return name, value


def _no_file(file: str) -> str:
    raise ConfigurationError(f"--password-file: there is no file {printable(file)}")


def _state(person: Person) -> str:
    return "disabled" if person.disabled_at is not None else ", ".join(person.roles)


def _told(person: Person, what: str, as_json: bool) -> None:
    if as_json:
        print_json(_person(person))
    else:
        say(f"{printable(person.username)} {what}")


def _person(person: Person) -> dict[str, Any]:
    return {
        "sub": person.person_id,
        "username": person.username,
        "name": person.name,
        "email": person.email,
        "roles": person.roles,
        "groups": person.groups,
        "attributes": person.attributes,
        "disabled": person.disabled_at is not None,
    }
