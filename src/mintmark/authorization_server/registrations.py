"""What an operator registers: resources, and the clients that may ask for tokens for them."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mintmark.authorization_server.claims import ClaimRule, TokenKind
from mintmark.authorization_server.oauth.redirect_uris import registration_problem
from mintmark.errors import ConfigurationError

__all__ = [
    "IDENTITY_SCOPES",
    "NO_SECRET",
    "TOKEN_EXCHANGE",
    "AuthMethod",
    "ClaimSetting",
    "Client",
    "GrantType",
    "Identifier",
    "Resource",
    "Seconds",
    "Section",
    "Text",
    "closest",
    "did_you_mean",
    "has_default_port",
    "problem",
    "split_url",
]

IDENTITY_SCOPES = ("openid", "profile", "email", "offline_access")
"""The scopes that belong to the service itself (OpenID Connect Core 5.4, 11)."""

GrantType = Literal[
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:token-exchange",
]
IdTokenAlg = Literal["RS256", "ES256"]
AuthMethod = Literal["none", "client_secret_basic", "client_secret_post"]
TOKEN_EXCHANGE: GrantType = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 — a name

NO_SECRET = "0" * 64
"""A digest that no secret has."""


def problem(message: str) -> PydanticCustomError:
    """Return the error for one sentence for the operator; braces would be taken for a template."""
    return PydanticCustomError("mintmark", "{sentence}", {"sentence": message})


def closest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known word that ``word`` was probably meant to be."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)), None)


def _not_a_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise problem("is true or false; write a number of seconds")
    return value


def _visible_text(value: str) -> str:
    # RFC 6749 appendix A: identifiers and scope tokens are visible ASCII.
    if not value or not value.isascii() or not value.isprintable() or any(c in value for c in ' "\\'):
        raise problem("must be visible ASCII without spaces, quotes and backslashes")
    return value


def _one_line(value: str) -> str:
    # A line break or a control character rewrites a terminal; a change of direction, what a person reads.
    if any(unicodedata.category(c) in _UNSEEN or c in _DIRECTIONS for c in value):
        raise problem("has control characters, line breaks or changes of direction; remove them")
    return value


_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

Seconds = Annotated[float, BeforeValidator(_not_a_bool), Field(gt=0, allow_inf_nan=False)]
Identifier = Annotated[str, Field(max_length=200), AfterValidator(_visible_text)]
Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]


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
                        "unknown_key",
                        "{sentence}",
                        {"sentence": _unknown(key, cls.model_fields), "key": str(key)},
                    )
        return data


def _unknown(key: str, known: Iterable[str]) -> str:
    known = sorted(known)
    guess = closest(str(key), known)
    return (
        f'no such setting; did you mean "{guess}"?'
        if guess
        else f"no such setting; known are {', '.join(known)}"
    )


class ClaimSetting(Section):
    """One claim besides those of the protocol: what it says, and in which tokens. See :class:`ClaimRule`."""

    claim: Text
    value: Any = None
    source: str | None = None
    by_role: Mapping[str, tuple[Any, ...]] = Field(default_factory=dict)
    by_group: Mapping[str, tuple[Any, ...]] = Field(default_factory=dict)
    tokens: Annotated[tuple[TokenKind, ...], Field(min_length=1)] = (TokenKind.ACCESS,)
    scopes: tuple[Identifier, ...] = ()

    def rule(self, *, resources: tuple[str, ...] = (), clients: tuple[str, ...] = ()) -> ClaimRule:
        """Return the rule, for tokens to these resources, or of these clients.

        :raises ConfigurationError: nobody can follow it, or the protocol owns the claim.
        """
        said = {name: getattr(self, name) for name in type(self).model_fields}
        return ClaimRule(**said, resources=resources, clients=clients)

    @model_validator(mode="after")
    def _can_be_followed(self) -> Self:
        try:
            self.rule()
        except ConfigurationError as error:
            raise problem(error.message) from None
        return self


class Resource(Section):
    """A service that accepts our access tokens; ``audience`` is what its tokens carry as ``aud``.

    :param descriptions: what a scope allows, in words that a person reads before allowing it.
    :param claims: what its access tokens say besides.
    :param status_list: its access tokens name their place in a status list, for verifiers that are not ours.
    """

    audience: Identifier
    name: Text | None = None
    scopes: tuple[Identifier, ...] = ()
    descriptions: Mapping[str, Text] = Field(default_factory=dict)
    claims: tuple[ClaimSetting, ...] = ()
    status_list: bool = False

    @property
    def display_name(self) -> str:
        """The name that people see."""
        return self.name or self.audience

    @model_validator(mode="after")
    def _described_scopes_exist(self) -> Self:
        for scope in self.descriptions:
            if scope not in self.scopes:
                raise problem(f'descriptions: there is no scope "{scope}"{did_you_mean(scope, self.scopes)}')
        for setting in self.claims:
            if setting.tokens != (TokenKind.ACCESS,):
                raise problem(
                    f'claims: "{setting.claim}": a resource sees access tokens only; '
                    "write claims of other tokens under the client"
                )
        _refuse_unknown_scopes(self.claims, (*self.scopes, *IDENTITY_SCOPES))
        return self


class Client(Section):
    """An application that asks for tokens, or a service that presents its own credentials.

    :param application_type: ``native`` admits private-use schemes, and any port on a loopback IP address.
    :param resources: audiences this client may ask tokens for; the first is the default.
    :param resource_server: the audience that this client itself is; lets it exchange tokens and read the
        feed.
    :param exchange_to: audiences it may exchange a caller's token for; its ``scopes`` bound what it gets
        there.
    :param first_party: people are not asked for their consent.
    :param claims: what the tokens that it gets say besides.
    :param rotate_refresh_tokens: off for confidential clients that cannot lose an answer (FAPI 2.0 5.3.2.1).
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
    rotate_refresh_tokens: bool = True
    claims: tuple[ClaimSetting, ...] = ()
    id_token_signed_response_alg: IdTokenAlg = "RS256"  # noqa: S105 — an algorithm

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

    def secret_digests(self, now: float) -> tuple[str, str]:
        """Return the digests of the secrets that prove it now: always two, so that each check is as long."""
        return self.client_secret_sha256 or NO_SECRET, NO_SECRET

    @field_validator("redirect_uris", "post_logout_redirect_uris")
    @classmethod
    def _unambiguous(cls, uris: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(uris)) != len(uris):
            raise problem("names the same address twice")
        return uris

    @field_validator("origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            parts = split_url(origin)
            if f"{parts.scheme}://{parts.netloc}" != origin or not parts.hostname or "@" in parts.netloc:
                raise problem(f'"{origin}" is not an origin; write scheme://host:port and nothing behind it')
            if reason := registration_problem(origin, native=False):
                raise problem(f'"{origin}" {reason}')
            if origin != origin.lower() or has_default_port(parts):
                raise problem(f'"{origin}" is not as browsers write it: lower case, without the default port')
        return origins

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for field in ("redirect_uris", "post_logout_redirect_uris"):
            for uri in getattr(self, field):
                if reason := registration_problem(uri, native=self.is_native):
                    raise problem(f'{field}: "{uri}" {reason}')
        if reason := _client_problem(self):
            raise problem(reason)
        _refuse_unknown_scopes(self.claims, self.scopes)
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
    if client.is_public and not client.rotate_refresh_tokens:
        return "is public, so its refresh tokens must rotate (RFC 9700 2.2.2); remove rotate_refresh_tokens"
    if client.is_public and client.resource_server is not None:
        return 'is a resource server, which needs a secret: set kind = "confidential"'
    if TOKEN_EXCHANGE in client.grants and client.resource_server is None:
        return "has the grant token exchange but no resource_server; name the audience that it is"
    if client.exchange_to and TOKEN_EXCHANGE not in client.grants:
        return f'has exchange_to but not the grant; add "{TOKEN_EXCHANGE}" to grants'
    return None


def _refuse_unknown_scopes(claims: Iterable[ClaimSetting], known: Collection[str]) -> None:
    """A rule for a scope that no such token can have would never be followed."""
    for setting in claims:
        for scope in setting.scopes:
            if scope not in known:
                hint = did_you_mean(scope, known)
                raise problem(f'claims: "{setting.claim}": there is no scope "{scope}" here{hint}')


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a suggestion to append to a sentence, or nothing."""
    guess = closest(word, known)
    return f'; did you mean "{guess}"?' if guess else ""


def has_default_port(parts: SplitResult) -> bool:
    """Say whether a URL names the port that its scheme has anyway, which browsers leave out of an origin."""
    return parts.port == {"http": 80, "https": 443}.get(parts.scheme)


def split_url(url: str) -> SplitResult:
    """Return the parts of a URL; what is none is a problem of the settings."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise problem(f'"{url}" is not a URL') from None
    return parts
