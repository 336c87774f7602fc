"""System B takes orders: encrypted to B, signed by A, meant for B, fresh, and each only once."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mintmark import Key, MintmarkError, Verifier

LONGEST = 16 * 1024


class DuplicateError(Exception):
    """A good letter that has been opened once already."""


class Inbox:
    """Opens letters."""

    def __init__(self, keys: Path) -> None:
        self.verifier = Verifier(
            issuer="system-a",
            audience="system-b",
            keys=Key.from_file(keys / "system-a" / "public.json"),
            decryption_keys=Key.from_file(keys / "system-b" / "private.json"),
            typ="order+jwt",
            required=("order", "jti"),
            leeway=5,
        )
        self.seen: set[str] = set()  # in earnest: a table, cleared of what has expired

    def open(self, letter: str) -> dict[str, object]:
        """Return the order, or raise MintmarkError: nothing is looked at before all of it is verified."""
        claims = self.verifier.verify(letter)
        number = str(claims.jwt_id)
        if number in self.seen:
            raise DuplicateError
        self.seen.add(number)
        order: dict[str, object] = claims["order"]
        return order


class Door(BaseHTTPRequestHandler):
    inbox: Inbox

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if not 0 < length <= LONGEST:
            return self.answer(413, {"error": "too long, or empty"})
        letter = self.rfile.read(length).decode("ascii", "replace")
        try:
            order = self.inbox.open(letter)
        except DuplicateError:
            print("B: refused: delivered before", flush=True)
            return self.answer(409, {"error": "delivered_before"})
        except MintmarkError as error:
            print(f"B: refused: {error.code}: {error}", flush=True)
            return self.answer(400, {"error": error.code, "message": str(error)})
        print(f"B: accepted: {order['quantity']} × {order['article']}", flush=True)
        return self.answer(200, {"accepted": order["number"]})

    def answer(self, status: int, body: dict[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002 — http.server's own word
        """Quiet: B says itself what matters."""


def main(port: int, keys: Path) -> None:
    Door.inbox = Inbox(keys)
    server = ThreadingHTTPServer(("127.0.0.1", port), Door)
    print(f"B: listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "keys"))
