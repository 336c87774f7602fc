"""``mintmark sign``: make a signed token from claims, or sign a message as it is."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mintmark.cli.inputs import parse_duration, read_bytes, read_key, read_secret
from mintmark.cli.options import Alg, Json
from mintmark.cli.terminal import print_json, say
from mintmark.errors import ConfigurationError

__all__ = ["sign"]

_Claims = Annotated[
    str | None, typer.Argument(metavar="[CLAIMS|FILE|-]", help="A JSON object of claims, a file of it, or -.")
]
_OPTION_OF = {"iss": "--issuer", "sub": "--subject", "aud": "--audience", "exp": "--lifetime"}


def sign(
    claims: _Claims = None,
    key: Annotated[str | None, typer.Option("--key", metavar="FILE", help="The private key.")] = None,
    secret_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="A shared secret (with --alg HS256, …).")
    ] = None,
    alg: Alg = None,
    issuer: Annotated[str | None, typer.Option(metavar="URL", help='Who makes it ("iss").')] = None,
    subject: Annotated[str | None, typer.Option(metavar="NAME", help='Whom it speaks of ("sub").')] = None,
    audience: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help='For whom it is ("aud"); may be given more than once.'),
    ] = None,
    lifetime: Annotated[
        str, typer.Option(metavar="TIME", help="How long it is good: 90s, 10m, 8h, 30d.")
    ] = "10m",
    typ: Annotated[
        str | None, typer.Option(metavar="TYP", help="The header's typ; JWT if not given.")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Sign the bytes as they are, as a message without claims.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Sign a token. iat, exp and a random jti are added; --lifetime says how long it is good."""
    from mintmark.jose import jws
    from mintmark.jose.encoding import json_object
    from mintmark.jwt import Issuer

    signer = _signer(key, secret_file, alg)
    if raw:
        given = (issuer, subject, typ, audience)
        if any(given):
            raise ConfigurationError(
                "--raw signs the bytes alone; leave out --issuer, --subject, --audience and --typ"
            )
        token = jws.sign(read_bytes(claims, "a message"), signer)
    else:
        if issuer is None:
            raise ConfigurationError("say who makes the token: --issuer https://auth.example.com")
        nothing_given = claims is None and (subject is not None or audience)
        members = {} if nothing_given else _object(json_object, read_bytes(claims, "claims"))
        for name, option in _OPTION_OF.items():
            if name in members:
                raise ConfigurationError(f'the claims hold "{name}"; leave it out and say {option}')
        token = Issuer(issuer, signer).issue(
            subject=subject,
            audience=_audience(audience),
            lifetime=parse_duration(lifetime),
            claims=members,
            typ=typ,
        )
    if as_json:
        print_json({"token": token})
    else:
        say(token)


def _object(decode: Any, data: bytes) -> dict[str, Any]:
    from mintmark.errors import MalformedToken

    try:
        members: dict[str, Any] = decode(data, what="the claims")
    except MalformedToken as error:
        raise ConfigurationError(f"the claims are not a JSON object: {error.message}") from None
    return members


def _audience(names: list[str] | None) -> str | list[str] | None:
    return names[0] if names and len(names) == 1 else names or None


def _signer(key: str | None, secret_file: str | None, alg: str | None) -> Any:
    if (key is None) == (secret_file is None):
        raise ConfigurationError("say what to sign with: --key FILE, or --secret-file FILE --alg HS256")
    if key is not None:
        return read_key(key, alg=alg)
    if alg is None or secret_file is None:
        raise ConfigurationError("--secret-file needs --alg, for example --alg HS256")
    return read_secret(secret_file, alg=alg)
