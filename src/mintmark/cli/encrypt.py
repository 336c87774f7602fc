"""``mintmark encrypt`` and ``decrypt``: messages that only the holder of a key can read (RFC 7516)."""

from __future__ import annotations

import base64
import sys
from typing import Annotated

import typer

from mintmark.cli.inputs import present, read_bytes, read_key, read_keys, read_text
from mintmark.cli.options import Alg, Json, Token
from mintmark.cli.terminal import print_json, say

__all__ = ["decrypt", "encrypt"]


def encrypt(
    key: Annotated[
        str, typer.Option("--key", metavar="FILE", help="The recipient's public key, or a shared AES key.")
    ],
    message: Annotated[
        str | None, typer.Argument(metavar="[MESSAGE|FILE|-]", help="What to encrypt.")
    ] = None,
    alg: Alg = None,
    enc: Annotated[str, typer.Option(help="How the content is encrypted.")] = "A256GCM",
    typ: Annotated[str | None, typer.Option(help="The header's typ.")] = None,
    cty: Annotated[str | None, typer.Option(help='What the content is: "JWT" for a token, "json", …')] = None,
    as_json: Json = False,
) -> None:
    """Encrypt a message to a key. Encryption alone does not say who sent it: sign first, then encrypt."""
    from mintmark.jose import jwe

    header = {name: value for name, value in (("typ", typ), ("cty", cty)) if value is not None}
    text = jwe.encrypt(
        read_bytes(message, "a message"), read_key(key, alg=alg), enc=enc, header=header or None
    )
    if as_json:
        print_json({"message": text})
    else:
        say(text)


def decrypt(
    key: Annotated[
        str, typer.Option("--key", metavar="FILE", help="The private key, or a JWK set of several.")
    ],
    message: Token = None,
    alg: Alg = None,
    as_json: Json = False,
) -> None:
    """Decrypt a message and write its content, byte for byte. Exit status 1 if it cannot be decrypted."""
    from mintmark.jose import jwe

    opened = jwe.decrypt(read_text(present(message), "a message"), read_keys(key, alg=alg))
    if as_json:
        print_json({"header": opened.header, "key": opened.key.kid, **_content(opened.plaintext)})
        return
    sys.stdout.buffer.write(opened.plaintext)
    if sys.stdout.isatty():
        say()


def _content(plaintext: bytes) -> dict[str, str]:
    """Return text as text, and anything else as base64."""
    try:
        return {"content": plaintext.decode("utf-8")}
    except UnicodeDecodeError:
        return {"content_base64": base64.b64encode(plaintext).decode("ascii")}
