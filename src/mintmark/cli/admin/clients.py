"""``mintmark admin clients``: who may ask for tokens, one change at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mintmark.cli.admin.opening import settings_of
from mintmark.cli.admin.registered import changed, do, known, list_entries, show_entry
from mintmark.cli.admin.secret_files import SecretFiles, in_one_file
from mintmark.cli.options import DatabaseUrl, Json, SettingsFile
from mintmark.cli.terminal import printable
from mintmark.errors import ConfigurationError

if TYPE_CHECKING:
    from mintmark.authorization_server.registry.planning import Present, Wanted

__all__ = ["app"]

app = typer.Typer(
    help="The applications and services that may ask for tokens. What the settings file registers is changed "
    "there; claim rules, and secrets of your own, by: mintmark admin apply."
)

_TABLE = "clients"
_LONGEST_OVERLAP = 30 * 86_400

_ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID")]
_Name = Annotated[str | None, typer.Option(metavar="TEXT", help="The name that people read.")]
_Kind = Annotated[str | None, typer.Option(metavar="public|confidential", help="Whether it keeps a secret.")]
_Type = Annotated[
    str | None,
    typer.Option("--application-type", metavar="web|native", help="Where it runs; web by default."),
]
_Redirect = Annotated[
    list[str] | None,
    typer.Option("--redirect-uri", metavar="URI", help="Where people come back to; repeatable."),
]
_PostLogout = Annotated[
    list[str] | None,
    typer.Option("--post-logout-redirect-uri", metavar="URI", help="Likewise after signing out; repeatable."),
]
_Origin = Annotated[
    list[str] | None,
    typer.Option("--origin", metavar="ORIGIN", help="Who calls from a page (CORS); repeatable."),
]
_Grant = Annotated[
    list[str] | None,
    typer.Option("--grant", metavar="GRANT", help="authorization_code, refresh_token, …; repeatable."),
]
_Scope = Annotated[
    list[str] | None, typer.Option("--scope", metavar="SCOPE", help="What it may ask for; repeatable.")
]
_Resource = Annotated[
    list[str] | None,
    typer.Option("--resource", metavar="AUDIENCE", help="For whom; repeatable, the first is the default."),
]
_FirstParty = Annotated[
    bool | None, typer.Option("--first-party/--third-party", help="People are not asked for their consent.")
]
_Method = Annotated[
    str | None,
    typer.Option("--token-endpoint-auth-method", metavar="METHOD", help="client_secret_basic by default."),
]
_Server = Annotated[
    str | None, typer.Option("--resource-server", metavar="AUDIENCE", help="The resource that it is itself.")
]
_Exchange = Annotated[
    list[str] | None,
    typer.Option("--exchange-to", metavar="AUDIENCE", help="Whom it calls in people's names; repeatable."),
]
_Rotate = Annotated[
    bool | None,
    typer.Option(
        "--rotate-refresh-tokens/--keep-refresh-tokens", help="Each use gives a new one, by default."
    ),
]
_IdAlg = Annotated[
    str | None,
    typer.Option("--id-token-signed-response-alg", metavar="ALG", help="RS256 by default, or ES256."),
]
_SecretFile = Annotated[
    Path | None,
    typer.Option(
        "--secret-file", metavar="FILE", help="Write a new secret there, 0600, instead of showing it."
    ),
]


@app.command("list")
def list_clients(settings: SettingsFile = None, database: DatabaseUrl = None, as_json: Json = False) -> None:
    """Show every client. It says whether the settings file or the database registers it."""
    list_entries(settings_of(settings, database), _TABLE, about="grants", as_json=as_json)


@app.command("show")
def show(
    client_id: _ClientId, settings: SettingsFile = None, database: DatabaseUrl = None, as_json: Json = False
) -> None:
    """Show one client as a table for "mintmark admin apply". Its secret is kept nowhere."""
    show_entry(settings_of(settings, database), _TABLE, client_id, as_json=as_json)


@app.command("add")
def add(
    context: typer.Context,
    client_id: _ClientId,
    kind: _Kind = None,
    name: _Name = None,
    application_type: _Type = None,
    redirect_uris: _Redirect = None,
    post_logout_redirect_uris: _PostLogout = None,
    origins: _Origin = None,
    grants: _Grant = None,
    scopes: _Scope = None,
    resources: _Resource = None,
    first_party: _FirstParty = None,
    token_endpoint_auth_method: _Method = None,
    resource_server: _Server = None,
    exchange_to: _Exchange = None,
    rotate_refresh_tokens: _Rotate = None,
    id_token_signed_response_alg: _IdAlg = None,
    secret_file: _SecretFile = None,
    settings: SettingsFile = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Register a client. A confidential one gets a secret, which is shown once."""
    document = {"client_id": client_id, **_said(context)}

    def want(present: Present) -> Wanted:
        if client_id in present.clients:
            raise ConfigurationError(
                f'clients: "{client_id}" is there; change it with: mintmark admin clients set {client_id}'
            )
        return _wanted(client_id, document)

    do(settings_of(settings, database), want, as_json=as_json, files=_files(secret_file))


@app.command("set")
def set_members(
    context: typer.Context,
    client_id: _ClientId,
    kind: _Kind = None,
    name: _Name = None,
    application_type: _Type = None,
    redirect_uris: _Redirect = None,
    post_logout_redirect_uris: _PostLogout = None,
    origins: _Origin = None,
    grants: _Grant = None,
    scopes: _Scope = None,
    resources: _Resource = None,
    first_party: _FirstParty = None,
    token_endpoint_auth_method: _Method = None,
    resource_server: _Server = None,
    exchange_to: _Exchange = None,
    rotate_refresh_tokens: _Rotate = None,
    id_token_signed_response_alg: _IdAlg = None,
    unset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MEMBER", help="Bring a member to its default, as in redirect_uris; repeatable."
        ),
    ] = None,
    secret_file: _SecretFile = None,
    settings: SettingsFile = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Change members of a client. An option that is repeatable replaces the whole list.

    What is taken away is taken from living grants, too, when they are renewed. A client that becomes
    confidential gets a secret, which is shown once.
    """
    loaded, said = settings_of(settings, database), _said(context)

    def want(present: Present) -> Wanted:
        from mintmark.authorization_server.registrations import Client
        from mintmark.authorization_server.registry.documents import decoded

        record = known(loaded, _TABLE, client_id, present.clients)
        document = changed(decoded(record.document), said, unset, Client.model_fields)
        return _wanted(client_id, document)

    do(loaded, want, as_json=as_json, files=_files(secret_file))


@app.command("remove")
def remove(
    client_id: _ClientId, settings: SettingsFile = None, database: DatabaseUrl = None, as_json: Json = False
) -> None:
    """Remove a client. Its grants end, and every token that it holds is refused at once, everywhere."""
    loaded = settings_of(settings, database)

    def want(present: Present) -> Wanted:
        from mintmark.authorization_server.registry.planning import Wanted

        known(loaded, _TABLE, client_id, present.clients)
        return Wanted(removed_clients=frozenset({client_id}))

    do(loaded, want, as_json=as_json)


@app.command("new-secret")
def new_secret(
    client_id: _ClientId,
    overlap: Annotated[
        int,
        typer.Option(
            min=0,
            max=_LONGEST_OVERLAP,
            metavar="SECONDS",
            help="How long the present secret goes on working.",
        ),
    ] = 0,
    secret_file: _SecretFile = None,
    settings: SettingsFile = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Give a client another secret, shown once. The one before ends at once, or after the overlap.

    Of two overlaps, the later one counts: a client never has more than two secrets.
    """
    loaded = settings_of(settings, database)

    def want(present: Present) -> Wanted:
        from mintmark.authorization_server.registry.planning import Wanted

        if known(loaded, _TABLE, client_id, present.clients).secret_sha256 is None:
            raise ConfigurationError(f'clients: "{client_id}" is public, and has no secret')
        return Wanted(fresh_secrets=frozenset({client_id}), overlap=float(overlap))

    do(loaded, want, as_json=as_json, files=_files(secret_file))


def _said(context: typer.Context) -> dict[str, Any]:
    """Return the members that the options of a command name, which are called like them."""
    from mintmark.authorization_server.registrations import Client

    members = Client.model_fields.keys() - {"client_id"}
    return {
        name: value
        for name, value in context.params.items()
        if name in members and value not in (None, [], ())
    }


def _wanted(client_id: str, document: dict[str, Any]) -> Wanted:
    from mintmark.authorization_server.registrations import Client
    from mintmark.authorization_server.registry.documents import validated, with_our_secret
    from mintmark.authorization_server.registry.planning import Wanted

    client = validated(Client, with_our_secret(document), f'clients "{printable(client_id)}"')
    return Wanted(clients={client.client_id: client})


def _files(secret_file: Path | None) -> SecretFiles | None:
    return in_one_file(secret_file) if secret_file is not None else None
