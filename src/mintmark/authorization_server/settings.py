"""What an operator can say about the service: one TOML file, overridden by ``MINTMARK_*`` variables.

Everything is frozen and checked at the start; :func:`load_settings` turns each wrong value into one
:class:`~mintmark.errors.ConfigurationError` line that names the key and the fix.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mintmark.authorization_server.oauth.redirect_uris import is_loopback_host
from mintmark.authorization_server.registrations import (
    IDENTITY_SCOPES,
    Client,
    Identifier,
    Resource,
    Seconds,
    Section,
    Text,
    did_you_mean,
    has_default_port,
    problem,
    split_url,
)

__all__ = [
    "DemoPerson",
    "KeySchedule",
    "Settings",
    "TokenLifetimes",
    "named_twice",
    "reference_problem",
    "scopes_by_audience",
]


class TokenLifetimes(Section):
    """How long things live, in seconds."""

    access_token_lifetime: Annotated[Seconds, Field(le=86_400)] = 600
    id_token_lifetime: Annotated[Seconds, Field(le=86_400)] = 600
    refresh_idle: Seconds = 2_592_000
    refresh_absolute: Seconds = 7_776_000
    refresh_grace: Annotated[Seconds, Field(le=600)] = 30
    code_lifetime: Annotated[Seconds, Field(le=600)] = 60
    sign_in_idle: Seconds = 2_592_000
    sign_in_absolute: Seconds = 7_776_000

    @model_validator(mode="after")
    def _idle_within_absolute(self) -> Self:
        for kind in ("refresh", "sign_in"):
            if getattr(self, f"{kind}_idle") > getattr(self, f"{kind}_absolute"):
                raise problem(f"{kind}_idle is longer than {kind}_absolute; make it shorter")
        return self


class KeySchedule(Section):
    """When signing keys are replaced, in seconds."""

    rotate_every: Seconds = 2_592_000
    publish_ahead: Seconds = 86_400
    jwks_max_age: Seconds = 3_600
    clock_skew: Seconds = 30

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.jwks_max_age + self.clock_skew > self.publish_ahead:
            raise problem(
                "jwks_max_age and clock_skew together are longer than publish_ahead; a key would sign before "
                "every service has seen it"
            )
        if self.publish_ahead >= self.rotate_every:
            raise problem("publish_ahead is not shorter than rotate_every; make it shorter")
        return self


class DemoPerson(Section):
    """A person who is made at the start; only with ``demo = true``, since the password stands in the file."""

    username: Annotated[str, Field(min_length=1, max_length=200)]
    password: SecretStr
    name: Text | None = None
    email: Text | None = None
    roles: tuple[Identifier, ...] = ()


class Settings(BaseSettings, Section):
    """Everything that the service was told. Make one with :func:`load_settings`.

    :param key_file: where the key-encryption key is kept; beside a database that is a file, if not said.
    :param long_hash_turns: let ``mintmark serve`` ask Linux for it, see :mod:`.people.turns`.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix="MINTMARK_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    issuer: str
    database: Annotated[str, Field(repr=False)] = "sqlite:///mintmark.db"  # may hold a password
    key_file: Annotated[str | None, Field(min_length=1)] = None
    trusted_proxies: tuple[str, ...] | None = None
    long_hash_turns: bool = True
    demo: bool = False
    tokens: TokenLifetimes = TokenLifetimes()
    keys: KeySchedule = KeySchedule()
    resources: tuple[Resource, ...] = ()
    clients: tuple[Client, ...] = ()
    people: tuple[DemoPerson, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, which arrives as arguments."""
        return env_settings, init_settings

    @property
    def is_https(self) -> bool:
        """Whether cookies can be Secure; otherwise the service is on loopback."""
        return self.issuer.startswith("https://")

    @field_validator("issuer")
    @classmethod
    def _issuer(cls, issuer: str) -> str:
        # OpenID Connect Discovery 3, RFC 8414 2: https, no query, no fragment.
        parts = split_url(issuer)
        if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc:
            raise problem("must be a URL such as https://auth.example.com")
        if parts.scheme == "http" and not is_loopback_host(parts.hostname):
            raise problem("http is for loopback only; use https, or http://127.0.0.1:8700 to try things out")
        if issuer != f"{parts.scheme}://{parts.netloc}":
            raise problem("must end after host and port: no path, no trailing slash, no query, no fragment")
        if has_default_port(parts):
            raise problem("names the default port; leave it out, because browsers do")
        if issuer != issuer.lower():
            raise problem("must be lower case, because issuers are compared character by character")
        return issuer

    @field_validator("database")
    @classmethod
    def _database(cls, url: str) -> str:
        if url.startswith("postgres://"):
            raise problem("is written postgresql://user@host/name")
        if url.startswith("sqlite:///") and url != "sqlite:///":
            return url
        if not url.startswith("postgresql://"):
            raise problem(
                "must be sqlite:///file.db, sqlite:////absolute/path/file.db or postgresql://user@host/name"
            )
        try:
            _ = urlsplit(url).port
        except ValueError:
            raise problem("is not a URL; write postgresql://user@host:5432/name") from None
        return url

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.people and not self.demo:
            raise problem(
                "people: have passwords in this file; remove them, or set demo = true on a test machine"
            )
        if reason := named_twice(
            resources=[resource.audience for resource in self.resources],
            clients=[client.client_id for client in self.clients],
            people=[person.username for person in self.people],
        ):
            raise problem(reason)
        scopes_of = scopes_by_audience(self.resources)
        for client in self.clients:
            if reason := reference_problem(client, scopes_of):
                raise problem(f'clients: "{client.client_id}" {reason}')
        return self


def named_twice(**names: Sequence[str]) -> str | None:
    """Return which table has an entry twice, or ``None``."""
    for table, said in names.items():
        if twice := next((name for name, count in Counter(said).items() if count > 1), None):
            return f'{table}: "{twice}" is there twice; remove one'
    return None


def scopes_by_audience(resources: Iterable[Resource]) -> dict[str, tuple[str, ...]]:
    """Return what the names of clients may point at."""
    return {resource.audience: resource.scopes for resource in resources}


def reference_problem(client: Client, scopes_of: Mapping[str, tuple[str, ...]]) -> str | None:
    """Return which name of a client points nowhere, or ``None``.

    :param scopes_of: see :func:`scopes_by_audience`.
    """
    own = (client.resource_server,) if client.resource_server else ()
    named = {"resources": client.resources, "exchange_to": client.exchange_to, "resource_server": own}
    for field, audiences in named.items():
        for audience in audiences:
            if audience not in scopes_of:
                hint = did_you_mean(audience, scopes_of)
                return f'{field}: no resource has the audience "{audience}"{hint}'
    return _scope_problem(client, scopes_of)


def _scope_problem(client: Client, scopes_of: Mapping[str, tuple[str, ...]]) -> str | None:
    """Return which scope of a client leads nowhere, or ``None``."""
    reachable = {
        scope for audience in (*client.resources, *client.exchange_to) for scope in scopes_of[audience]
    }
    for scope in client.scopes:
        if scope not in reachable and scope not in IDENTITY_SCOPES:
            hint = did_you_mean(scope, {*reachable, *IDENTITY_SCOPES})
            return f'scopes: none of its resources has the scope "{scope}"{hint}'
    for audience in client.exchange_to:
        if not set(scopes_of[audience]) & set(client.scopes):
            known = ", ".join(scopes_of[audience])
            return f'exchange_to: name in its scopes what it may do at "{audience}": {known}'
    return None
