"""``mintmark verify``: is this token good? Every check is made unless it is waived by name."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mintmark.cli.inputs import present, read_keys, read_secret, read_text
from mintmark.cli.inspect import show_members
from mintmark.cli.options import Alg, Json, Token
from mintmark.cli.terminal import complain, print_json, say
from mintmark.errors import ConfigurationError, ErrorCode, InvalidToken

if TYPE_CHECKING:
    from mintmark.jose.jwk import Key
    from mintmark.jose.jwks import KeySet
    from mintmark.jwt import Claims, KeySource, Profile

__all__ = ["verify"]


class Kind(StrEnum):
    """The kinds of token with rules of their own."""

    JWT = "jwt"
    ACCESS_TOKEN = "access-token"  # noqa: S105 — a name
    ID_TOKEN = "id-token"  # noqa: S105 — a name


def verify(
    token: Token = None,
    issuer: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The exact issuer; its keys are fetched unless a key is given."),
    ] = None,
    audience: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Who we are; may be given more than once.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="FILE", help="A key or a JWK set, instead of the issuer's.")
    ] = None,
    secret_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="A shared secret (with --alg HS256, …).")
    ] = None,
    alg: Alg = None,
    kind: Annotated[Kind, typer.Option(help="The kind of token it must be.")] = Kind.JWT,
    any_issuer: Annotated[bool, typer.Option("--any-issuer", help="Do not check who issued it.")] = False,
    any_audience: Annotated[
        bool, typer.Option("--any-audience", help="Do not check for whom it is.")
    ] = False,
    expired: Annotated[bool, typer.Option("--accept-expired", help="Do not check when it ends.")] = False,
    leeway: Annotated[float, typer.Option(min=0, max=300, help="Seconds that clocks may differ.")] = 30.0,
    as_json: Json = False,
) -> int:
    """Verify a token: signature, issuer, audience, times, kind. Exit status 0 if it is good, 1 if not.

    Whether it has been revoked is not asked: a service learns that from the feed. Nothing of a token that is
    refused is written to standard output.
    """
    from mintmark.jwt import UNCHECKED, Verifier

    if (issuer is None) != any_issuer:
        raise ConfigurationError("say --issuer URL, or --any-issuer to waive that check")
    if bool(audience) == any_audience:
        raise ConfigurationError("say --audience NAME, or --any-audience to waive that check")
    verifier = Verifier(
        issuer=issuer or UNCHECKED,
        audience=audience or UNCHECKED,
        keys=_keys(issuer, key, secret_file, alg),
        profile=_profile(kind),
        expires=UNCHECKED if expired else True,
        leeway=leeway,
        cache=None,
    )
    try:
        claims = _verified(verifier, read_text(present(token), "a token"), kind)
    except InvalidToken as error:
        return _refuse(error, kind, as_json)
    _show(claims, as_json)
    return 0


def _verified(verifier: Any, text: str, kind: Kind) -> Claims:
    if kind is Kind.ID_TOKEN:
        from mintmark.jwt import UNCHECKED, SignIn

        checked: Claims = verifier.verify(text, expected=SignIn(nonce=UNCHECKED))
        return checked
    claims: Claims = verifier.verify(text)
    return claims


def _keys(
    issuer: str | None, key: str | None, secret_file: str | None, alg: str | None
) -> Key | KeySet | KeySource:
    if key is not None and secret_file is not None:
        raise ConfigurationError("give --key or --secret-file, not both")
    if secret_file is not None:
        if alg is None:
            raise ConfigurationError("--secret-file needs --alg, for example --alg HS256")
        return read_secret(secret_file, alg=alg)
    if key is not None:
        return read_keys(key, alg=alg)
    if issuer is None:
        raise ConfigurationError(
            "say whose keys: --key FILE, --secret-file FILE, or --issuer URL to fetch them"
        )
    from mintmark.resource_server import RemoteKeys

    return RemoteKeys(issuer)


def _profile(kind: Kind) -> Profile | None:
    from mintmark.jwt import ACCESS_TOKEN, ID_TOKEN

    return {Kind.JWT: None, Kind.ACCESS_TOKEN: ACCESS_TOKEN, Kind.ID_TOKEN: ID_TOKEN}[kind]


def _refuse(error: InvalidToken, kind: Kind, as_json: bool) -> int:
    hint = _hint(error, kind)
    if as_json:
        more = {"hint": hint} if hint else {}
        print_json({"valid": False, "code": str(error.code), "message": error.message, **more})
    else:
        complain(error.message, code=str(error.code), hint=hint)
    return 1


def _hint(error: InvalidToken, kind: Kind) -> str | None:
    """Say how to mend it in the words of this command: the library's hints name its own parameters."""
    if error.code is ErrorCode.TYP_MISMATCH:
        other = "say --kind access-token if it is one; " if kind is Kind.JWT else ""
        return f"{other}mintmark inspect shows what kind it is"
    if error.code is ErrorCode.CLAIM_MISMATCH:
        return error.hint or "mintmark inspect shows what it says"
    return error.hint


def _show(claims: Claims, as_json: bool) -> None:
    if as_json:
        print_json({"valid": True, "header": claims.header, "claims": claims, "kid": claims.key.kid})
        return
    say(f"valid: signed with {claims.key.alg} by key {claims.key.kid}")
    show_members(claims)
