"""The file that ``mintmark admin apply`` brings a database to: tables of the settings file, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from mintmark.authorization_server.people.rules import username_key
from mintmark.authorization_server.registrations import Client, Identifier, Resource, Section, Text, problem
from mintmark.authorization_server.registry.documents import validated, with_our_secret
from mintmark.authorization_server.settings import Settings, named_twice
from mintmark.authorization_server.settings_file import read_secret, with_secret
from mintmark.errors import ConfigurationError, MintmarkError
from mintmark.jose.encoding import json_encode

__all__ = ["Declared", "DeclaredPerson", "declared", "password_of"]


class DeclaredPerson(Section):
    """Somebody who can sign in. A password is for the first set-up: whoever is there already keeps theirs."""

    username: Annotated[str, Field(min_length=1, max_length=200)]
    name: Text | None = None
    email: Text | None = None
    roles: tuple[Identifier, ...] = ()
    groups: tuple[Text, ...] = ()
    attributes: Mapping[str, Any] = Field(default_factory=dict)
    password: SecretStr | None = None
    password_file: Annotated[str | None, Field(min_length=1)] = None

    @property
    def key(self) -> str:
        """What two names must not share."""
        return username_key(self.username) or ""

    @property
    def facts(self) -> dict[str, Any]:
        """What is said, without what is empty and without the password."""
        facts = self.model_dump(mode="json", exclude={"password", "password_file"})
        return {name: value for name, value in facts.items() if value}

    @field_validator("username")
    @classmethod
    def _username(cls, username: str) -> str:
        if username_key(username) is None:
            raise problem("has characters that cannot be shown; remove them")
        return username

    @field_validator("attributes")
    @classmethod
    def _attributes(cls, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            json_encode(dict(attributes))
        except MintmarkError:
            raise problem("has a value that is not JSON; write dates as text") from None
        return attributes

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password is not None and self.password_file is not None:
            raise problem("has both password and password_file; keep one")
        return self


class Declared(Section):
    """Everything that a file says."""

    resources: tuple[Resource, ...] = ()
    clients: tuple[Client, ...] = ()
    people: tuple[DeclaredPerson, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _secrets_of_ours(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and isinstance(data.get("clients"), list):
            return {**data, "clients": [with_our_secret(client) for client in data["clients"]]}
        return data

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if reason := named_twice(
            resources=[resource.audience for resource in self.resources],
            clients=[client.client_id for client in self.clients],
            people=[person.key for person in self.people],
        ):
            raise problem(reason)
        return self


def declared(data: Mapping[str, Any], settings: Settings, *, base: Path, where: str) -> Declared:
    """Check what a file says by the settings file's own rules, and read the secrets that it names.

    :param base: the folder that paths in the file are relative to.
    :param where: what messages call the file.
    :raises ConfigurationError: one line that names the key and the fix; never a value that may be secret.
    """
    said = validated(Declared, data, where)
    for person in said.people:
        if person.password is not None and not settings.demo:
            raise ConfigurationError(
                f'{where}: people "{person.username}".password: stands in this file; use password_file, '
                "or set demo = true in the settings of a test machine"
            )
    clients = tuple(with_secret(client, base, where) for client in said.clients)
    return said.model_copy(update={"clients": clients})


def password_of(person: DeclaredPerson, *, base: Path, where: str) -> str | None:
    """Return the password for somebody's first set-up, if there is one.

    :raises ConfigurationError: its file cannot be used.
    """
    if person.password_file is None:
        return person.password.get_secret_value() if person.password is not None else None
    key = f'{where}: people "{person.username}".password_file'
    make = "(umask 077; openssl rand -base64 18 > {path})"
    try:
        return read_secret(base / person.password_file, key, make=make).decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{key}: does not hold UTF-8 text") from None
