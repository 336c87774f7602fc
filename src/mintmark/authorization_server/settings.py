"""What an operator can say about the service: one TOML file, overridden by ``MINTMARK_*`` variables.

Everything is frozen and checked at the start; :func:`load_settings` turns each wrong value into one
:class:`~mintmark.errors.ConfigurationError` line that names the key and the fix.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mintmark.authorization_server.oauth.redirect_uris import is_loopback_host, registration_problem

__all__ = [
    "IDENTITY_SCOPES",
    "AuthMethod",
    "Client",
    "DemoPerson",
    "GrantType",
    "KeySchedule",
    "Resource",
    "Settings",
    "TokenLifetimes",
]

IDENTITY_SCOPES = ("openid", "profile", "email", "offline_access")
"""The scopes that belong to the service itself (OpenID Connect Core 5.4, 11)."""

GrantType = Literal[
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:token-exchange",
]
AuthMethod = Literal["none", "client_secret_basic", "client_secret_post"]
TOKEN_EXCHANGE: GrantType = "urn:ietf:params:oauth:grant-type:token-exchange"


def _problem(message: str) -> PydanticCustomError:
    """One sentence for the operator; braces would be taken for a template."""
    return PydanticCustomError("mintmark", "{sentence}", {"sentence": message})


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that ``word`` was probably meant to be."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), None)


def _not_a_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise _problem("is true or false; write a number of seconds")
    return value


def _visible_text(value: str) -> str:
    # RFC 6749 appendix A: identifiers and scope tokens are visible ASCII.
    if not value or not value.isascii() or not value.isprintable() or any(c in value for c in ' "\\'):
        raise _problem("must be visible ASCII without spaces, quotes and backslashes")
    return value


Seconds = Annotated[float, BeforeValidator(_not_a_bool), Field(gt=0, allow_inf_nan=False)]
Identifier = Annotated[str, Field(max_length=200), AfterValidator(_visible_text)]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class Section(BaseModel):
    """A table of the settings file: frozen, and a misspelt key is an error, not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for key in data:
                if key not in cls.model_fields:
                    raise PydanticCustomError(
                        "unknown_key", "{sentence}", {"sentence": _unknown(key, cls.model_fields), "key": str(key)}
                    )
        return data


def _unknown(key: str, known: Iterable[str]) -> str:
    known = sorted(known)
    guess = closest(str(key), known)
    return f'no such setting; did you mean "{guess}"?' if guess else f"no such setting; known are {', '.join(known)}"


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
                raise _problem(f"{kind}_idle is longer than {kind}_absolute; make it shorter")
        return self


class KeySchedule(Section):
    """When signing keys are replaced, in seconds."""

    rotate_every: Seconds = 2_592_000
    publish_ahead: Seconds = 86_400
    jwks_max_age: Seconds = 3_600

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.jwks_max_age > self.publish_ahead:
            raise _problem(
                "jwks_max_age is longer than publish_ahead; a key would sign before every service has seen it"
            )
        if self.publish_ahead >= self.rotate_every:
            raise _problem("publish_ahead is not shorter than rotate_every; make it shorter")
        return self


class Resource(Section):
    """A service that accepts our access tokens; ``audience`` is what its tokens carry as ``aud``."""

    audience: Identifier
    name: Text | None = None
    scopes: tuple[Identifier, ...] = ()


class Client(Section):
    """An application that asks for tokens, or a service that presents its own credentials.

    :param application_type: ``native`` admits private-use schemes, and any port on a loopback IP address.
    :param resources: audiences this client may ask tokens for; the first is the default.
    :param resource_server: the audience that this client itself is; lets it exchange tokens and read the feed.
    :param exchange_to: audiences it may exchange a caller's token for; its ``scopes`` bound what it gets there.
    :param first_party: people are not asked for their consent.
    """

    client_id: Identifier
    name: Text | None = None
    kind: Literal["public", "confidential"]
    application_type: Literal["web", "native"] = "web"
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    grants: tuple[GrantType, ...] = ()
    scopes: tuple[Identifier, ...] = ()
    resources: tuple[Identifier, ...] = ()
    first_party: bool = False
    token_endpoint_auth_method: AuthMethod | None = None
    client_secret_file: str | None = None
    client_secret_sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$", repr=False)] = None
    resource_server: Identifier | None = None
    exchange_to: tuple[Identifier, ...] = ()
    id_token_signed_response_alg: Literal["RS256", "ES256"] = "RS256"

    @property
    def display_name(self) -> str:
        """The name that people see."""
        return self.name or self.client_id

    @property
    def is_public(self) -> bool:
        """Whether it cannot keep a secret (RFC 6749 2.1)."""
        return self.kind == "public"

    @property
    def is_native(self) -> bool:
        """Whether it runs on the person's own device (RFC 8252)."""
        return self.application_type == "native"

    @property
    def auth_method(self) -> AuthMethod:
        """The one way in which it authenticates (RFC 6749 2.3)."""
        return self.token_endpoint_auth_method or ("none" if self.is_public else "client_secret_basic")

    @field_validator("redirect_uris", "post_logout_redirect_uris")
    @classmethod
    def _unambiguous(cls, uris: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(uris)) != len(uris):
            raise _problem("names the same address twice")
        return uris

    @field_validator("origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            parts = _split(origin)
            if f"{parts.scheme}://{parts.netloc}" != origin or not parts.hostname or "@" in parts.netloc:
                raise _problem(f'"{origin}" is not an origin; write scheme://host:port and nothing behind it')
            if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback_host(parts.hostname)):
                raise _problem(f'"{origin}" is neither https nor http on loopback')
        return origins

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for field in ("redirect_uris", "post_logout_redirect_uris"):
            for uri in getattr(self, field):
                if problem := registration_problem(uri, native=self.is_native):
                    raise _problem(f'{field}: "{uri}" {problem}')
        if problem := _client_problem(self):
            raise _problem(problem)
        return self


def _client_problem(client: Client) -> str | None:
    """Return the contradiction within one client, or ``None``."""
    has_secret = client.client_secret_file is not None or client.client_secret_sha256 is not None
    if client.client_secret_file is not None and client.client_secret_sha256 is not None:
        return "has both client_secret_file and client_secret_sha256; keep one"
    if client.is_public and has_secret:
        return 'is public but has a secret; remove the secret, or set kind = "confidential"'
    if not client.is_public and not has_secret:
        return "is confidential but has no secret; set client_secret_file or client_secret_sha256"
    if client.is_public != (client.auth_method == "none"):
        return f'kind = "{client.kind}" does not go with token_endpoint_auth_method = "{client.auth_method}"'
    if client.is_public and {"client_credentials", TOKEN_EXCHANGE} & set(client.grants):
        return 'is public, and client_credentials and token exchange need kind = "confidential"'
    if "authorization_code" in client.grants and not client.redirect_uris:
        return "has the grant authorization_code but no redirect_uris; register at least one"
    if "refresh_token" in client.grants and "authorization_code" not in client.grants:
        return "has the grant refresh_token without authorization_code; add authorization_code"
    if client.is_public and client.resource_server is not None:
        return 'is a resource server, which needs a secret: set kind = "confidential"'
    if TOKEN_EXCHANGE in client.grants and client.resource_server is None:
        return "has the grant token exchange but no resource_server; name the audience that it is"
    if client.exchange_to and TOKEN_EXCHANGE not in client.grants:
        return f'has exchange_to but not the grant; add "{TOKEN_EXCHANGE}" to grants'
    return None


class DemoPerson(Section):
    """A person who is made at the start; only with ``demo = true``, since the password stands in the file."""

    username: Annotated[str, Field(min_length=1, max_length=200)]
    password: SecretStr
    name: Text | None = None
    email: Text | None = None
    roles: tuple[Identifier, ...] = ()


class Settings(BaseSettings, Section):
    """Everything that the service was told. Make one with :func:`load_settings`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix="MINTMARK_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    issuer: str
    database: str = "sqlite:///mintmark.db"
    trusted_proxies: tuple[str, ...] | None = None
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
        parts = _split(issuer)
        if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc:
            raise _problem("must be a URL such as https://auth.example.com")
        if parts.scheme == "http" and not is_loopback_host(parts.hostname):
            raise _problem("http is for loopback only; use https, or http://127.0.0.1:8700 to try things out")
        if issuer != f"{parts.scheme}://{parts.netloc}":
            raise _problem("must end after host and port: no path, no trailing slash, no query, no fragment")
        if issuer != issuer.lower():
            raise _problem("must be lower case, because issuers are compared character by character")
        return issuer

    @field_validator("database")
    @classmethod
    def _database(cls, url: str) -> str:
        if not url.startswith("sqlite:///") or url == "sqlite:///":
            raise _problem("must be sqlite:///file.db, or sqlite:////absolute/path/file.db")
        return url

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.people and not self.demo:
            raise _problem("people: have passwords in this file; remove them, or set demo = true on a test machine")
        for table, names in (
            ("resources", [resource.audience for resource in self.resources]),
            ("clients", [client.client_id for client in self.clients]),
            ("people", [person.username for person in self.people]),
        ):
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise _problem(f'{table}: "{twice}" is there twice; remove one')
        for client in self.clients:
            if problem := _reference_problem(client, self.resources):
                raise _problem(f'clients: "{client.client_id}" {problem}')
        return self


def _reference_problem(client: Client, resources: tuple[Resource, ...]) -> str | None:
    """Return which name of a client points nowhere, or ``None``."""
    scopes_of = {resource.audience: resource.scopes for resource in resources}
    own = (client.resource_server,) if client.resource_server else ()
    for field, audiences in (("resources", client.resources), ("exchange_to", client.exchange_to), ("resource_server", own)):
        for audience in audiences:
            if audience not in scopes_of:
                return f'{field}: no resource has the audience "{audience}"{_did_you_mean(audience, scopes_of)}'
    reachable = {scope for audience in (*client.resources, *client.exchange_to) for scope in scopes_of[audience]}
    for scope in client.scopes:
        if scope not in reachable and scope not in IDENTITY_SCOPES:
            hint = _did_you_mean(scope, {*reachable, *IDENTITY_SCOPES})
            return f'scopes: none of its resources has the scope "{scope}"{hint}'
    for audience in client.exchange_to:
        if not set(scopes_of[audience]) & set(client.scopes):
            return f'exchange_to: name in scopes what it may do at "{audience}" ({", ".join(scopes_of[audience])})'
    return None


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    guess = closest(word, known)
    return f'; did you mean "{guess}"?' if guess else ""


def _split(url: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _problem(f'"{url}" is not a URL') from None
    return parts
