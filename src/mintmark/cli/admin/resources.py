"""``mintmark admin resources``: for whom tokens are, one change at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mintmark.cli.admin.opening import settings_of
from mintmark.cli.admin.registered import changed, do, known, list_entries, show_entry
from mintmark.cli.options import DatabaseUrl, Json, SettingsFile
from mintmark.cli.terminal import printable
from mintmark.errors import ConfigurationError

if TYPE_CHECKING:
    from mintmark.authorization_server.registry.planning import Present, Wanted

__all__ = ["app"]

app = typer.Typer(
    help="The services that accept our tokens. What the settings file registers is changed there; claim "
    "rules by: mintmark admin apply."
)

_TABLE = "resources"

_Audience = Annotated[str, typer.Argument(metavar="AUDIENCE")]
_Name = Annotated[str | None, typer.Option(metavar="TEXT", help="The name that people read.")]
_Scope = Annotated[
    list[str] | None, typer.Option("--scope", metavar="SCOPE", help="What can be allowed there; repeatable.")
]
_Description = Annotated[
    list[str] | None,
    typer.Option(
        "--description", metavar="SCOPE=TEXT", help="What people read before they allow it; repeatable."
    ),
]
_StatusList = Annotated[
    bool | None,
    typer.Option(
        "--status-list/--no-status-list",
        help="Its tokens say where a status list tells how they stand, for verifiers that are not ours.",
    ),
]


@app.command("list")
def list_resources(
    settings: SettingsFile = None, database: DatabaseUrl = None, as_json: Json = False
) -> None:
    """Show every resource. It says whether the settings file or the database registers it."""
    list_entries(settings_of(settings, database), _TABLE, about="scopes", as_json=as_json)


@app.command("show")
def show(
    audience: _Audience, settings: SettingsFile = None, database: DatabaseUrl = None, as_json: Json = False
) -> None:
    """Show one resource as a table for "mintmark admin apply"."""
    show_entry(settings_of(settings, database), _TABLE, audience, as_json=as_json)


@app.command("add")
def add(
    audience: _Audience,
    name: _Name = None,
    scopes: _Scope = None,
    descriptions: _Description = None,
    status_list: _StatusList = None,
    settings: SettingsFile = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Register a resource. AUDIENCE is what its tokens carry as "aud"."""
    document = {"audience": audience, **_said(name, scopes, descriptions, status_list)}

    def want(present: Present) -> Wanted:
        if audience in present.resources:
            raise ConfigurationError(
                f'resources: "{audience}" is there; change it with: mintmark admin resources set {audience}'
            )
        return _wanted(audience, document)

    do(settings_of(settings, database), want, as_json=as_json)


@app.command("set")
def set_members(
    audience: _Audience,
    name: _Name = None,
    scopes: _Scope = None,
    descriptions: _Description = None,
    status_list: _StatusList = None,
    unset: Annotated[
        list[str] | None, typer.Option(metavar="MEMBER", help="Bring a member to its default; repeatable.")
    ] = None,
    settings: SettingsFile = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Change members of a resource. An option that is repeatable replaces all that was there."""
    loaded, said = settings_of(settings, database), _said(name, scopes, descriptions, status_list)

    def want(present: Present) -> Wanted:
        from mintmark.authorization_server.registrations import Resource
        from mintmark.authorization_server.registry.documents import decoded

        row = known(loaded, _TABLE, audience, present.resources)
        return _wanted(audience, changed(decoded(row.document), said, unset, Resource.model_fields))

    do(loaded, want, as_json=as_json)


@app.command("remove")
def remove(
    audience: _Audience, settings: SettingsFile = None, database: DatabaseUrl = None, as_json: Json = False
) -> None:
    """Remove a resource that no client names any more. Tokens for it live until they expire."""
    loaded = settings_of(settings, database)

    def want(present: Present) -> Wanted:
        from mintmark.authorization_server.registry.planning import Wanted

        known(loaded, _TABLE, audience, present.resources)
        return Wanted(removed_resources=frozenset({audience}))

    do(loaded, want, as_json=as_json)


def _said(
    name: str | None, scopes: list[str] | None, descriptions: list[str] | None, status_list: bool | None
) -> dict[str, Any]:
    said = {
        "name": name,
        "scopes": scopes or None,
        "descriptions": dict(map(_pair, descriptions or ())) or None,
        "status_list": status_list,
    }
    return {member: value for member, value in said.items() if value is not None}


def _pair(text: str) -> tuple[str, str]:
    scope, equals, words = text.partition("=")
    if not scope or not equals:
        raise ConfigurationError(f'--description "{printable(text)}": write SCOPE=TEXT')
    return scope, words


def _wanted(audience: str, document: dict[str, Any]) -> Wanted:
    from mintmark.authorization_server.registrations import Resource
    from mintmark.authorization_server.registry.documents import validated
    from mintmark.authorization_server.registry.planning import Wanted

    resource = validated(Resource, document, f'resources "{printable(audience)}"')
    return Wanted(resources={resource.audience: resource})
