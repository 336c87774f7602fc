"""``mintmark key``: make keys, show their public halves and names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mintmark.cli.inputs import read_key
from mintmark.cli.options import Json
from mintmark.cli.terminal import print_json, say
from mintmark.errors import ConfigurationError

if TYPE_CHECKING:
    from mintmark.jose.jwk import Key

__all__ = ["app"]

app = typer.Typer(help="Make keys; show public halves and thumbprints.")

_Pem = Annotated[bool, typer.Option("--pem", help="Write PEM instead of a JWK.")]
_File = Annotated[str, typer.Argument(metavar="FILE", help="A key: PEM, DER, JWK or OpenSSH.")]


@app.command()
def new(
    alg: Annotated[
        str, typer.Argument(metavar="ALG", help="ES256, Ed25519, RS256, HS256, ECDH-ES+A256KW, …")
    ] = "ES256",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write here, readable only by you.")
    ] = None,
    kid: Annotated[str | None, typer.Option(help="Its name; the RFC 7638 thumbprint if not given.")] = None,
    bits: Annotated[int | None, typer.Option(min=2048, help="The size of an RSA key.")] = None,
    pem: _Pem = False,
) -> None:
    """Make a key for one algorithm.

    It is private: give others only its public half, which "mintmark key pub" shows.
    """
    from mintmark.jose.jwk import Key

    key = Key.generate(alg, kid=kid) if bits is None else Key.generate(alg, kid=kid, bits=bits)
    if out is None:
        _show(key, private=True, pem=pem)
        return
    _write_private(out, _text(key, private=True, pem=pem))
    say(f"{key.alg} key {key.kid} is in {out}")


@app.command()
def pub(file: _File, pem: _Pem = False) -> None:
    """Show the public half of a key. Others verify with it, or encrypt to it."""
    _show(read_key(file).public, private=False, pem=pem)


@app.command()
def thumbprint(file: _File, as_json: Json = False) -> None:
    """Show a key's RFC 7638 thumbprint. It is a name that depends on nothing but the key."""
    key = read_key(file)
    if as_json:
        print_json({"thumbprint": key.thumbprint, "kid": key.kid, "alg": key.alg})
    else:
        say(key.thumbprint)


def _show(key: Key, *, private: bool, pem: bool) -> None:
    if pem:
        say(key.to_pem(private=private).rstrip("\n"))
    else:
        print_json(key.to_jwk(private=private))


def _text(key: Key, *, private: bool, pem: bool) -> str:
    from mintmark.jose.encoding import json_encode

    return key.to_pem(private=private) if pem else json_encode(key.to_jwk(private=private)).decode() + "\n"


def _write_private(path: Path, text: str) -> None:
    """Make a new file with mode 0600 from its first moment; never overwrite a key."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(
            f"{path} is there already; keys are never overwritten, choose another name"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None
