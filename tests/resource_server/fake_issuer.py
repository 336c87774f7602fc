"""An issuer's HTTP side over a real socket, as healthy or as broken as a test wants it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from net.scripted_server import ScriptedServer, Seen, reply, serving

KEY_A = Key.generate("ES256", kid="a")
KEY_B = Key.generate("ES256", kid="b")


class Clock:
    """A clock that only a test moves."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class FakeIssuer:
    """Answers discovery and JWKS; ``broken`` (bytes for the wire) replaces the JWKS answer."""

    def __init__(self, *keys: Key) -> None:
        self.jwks: object = KeySet(keys).to_jwks()
        self.headers: dict[str, str] = {"Cache-Control": "max-age=600"}
        self.broken: bytes | None = None
        self.named: str | None = None
        self.hold: threading.Event | None = None
        self.etags = False
        self.server: ScriptedServer

    @property
    def issuer(self) -> str:
        return self.server.url

    @property
    def fetches(self) -> int:
        return self.server.count("/jwks")

    def publish(self, *keys: Key) -> None:
        self.jwks = KeySet(keys).to_jwks()

    def answer(self, seen: Seen, _: socket.socket) -> bytes:
        if seen.path == "/.well-known/openid-configuration":
            document = {"issuer": self.named or self.issuer, "jwks_uri": f"{self.issuer}/jwks"}
            return reply(json.dumps(document).encode())
        if seen.path != "/jwks":
            return reply(status="404 Not Found")
        if self.hold is not None:
            self.hold.wait(10)
        if self.broken is not None:
            return self.broken
        body = json.dumps(self.jwks).encode()
        etag = f'"{hash(body)}"'
        if self.etags and seen.headers.get("if-none-match") == etag:
            return reply(status="304 Not Modified", headers=self.headers)
        return reply(body, headers=self.headers | ({"ETag": etag} if self.etags else {}))


@contextmanager
def issuing(*keys: Key) -> Iterator[FakeIssuer]:
    """Run an issuer that publishes these keys."""
    issuer = FakeIssuer(*keys)
    with serving(issuer.answer) as server:
        issuer.server = server
        yield issuer
