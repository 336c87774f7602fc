"""A system with a key of its own that takes letters: signed by one sender, encrypted to itself.

``python -m mintmark.demo.letterbox --sender-key FILE`` prints one line of JSON (where it listens, and its
public key) and then answers each letter with what it found inside, or why it refused.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

from mintmark.demo.serving import HOST
from mintmark.errors import MintmarkError
from mintmark.jose.jwk import Key
from mintmark.jwt import Claims, Verifier

__all__ = ["LETTER", "RECIPIENT", "SENDER", "main"]

SENDER: Final = "system-a"
RECIPIENT: Final = "system-b"
LETTER: Final = "letter+jwt"
_LONGEST: Final = 16 * 1024


class _Door(BaseHTTPRequestHandler):
    verifier: Verifier[Claims]

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        text = self.rfile.read(min(length, _LONGEST)).decode("ascii", "replace")
        try:
            claims = self.verifier.verify(text)
        except MintmarkError as error:
            self._answer(400, error.details())
        else:
            self._answer(200, {"from": claims.issuer, "letter": claims["letter"]})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body, default=str).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002 — http.server's own word
        """Quiet: the story tells what happens."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m mintmark.demo.letterbox", description=__doc__)
    parser.add_argument("--sender-key", type=Path, required=True, help="the sender's public key, a JWK")
    options = parser.parse_args(arguments)
    key = Key.generate("ECDH-ES+A256KW")
    _Door.verifier = Verifier(
        issuer=SENDER,
        audience=RECIPIENT,
        keys=Key.from_file(options.sender_key),
        decryption_keys=key,
        typ=LETTER,
        required=("letter",),
    )
    server = HTTPServer((HOST, 0), _Door)
    sys.stdout.write(json.dumps({"port": server.server_port, "key": key.to_jwk()}) + "\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
