"""Our side: a folder with settings, a seeded database, and ``mintmark serve`` on it."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from load import basic, get, post
from processes import Server, serving

from mintmark.authorization_server.assembly import opened
from mintmark.authorization_server.people import NewPerson
from mintmark.authorization_server.sessions import CodeRequest, Granted, RefreshPolicy
from mintmark.authorization_server.sessions.tokens import b64url_sha256
from mintmark.authorization_server.settings_file import load_settings

__all__ = ["CALLBACK", "PASSWORD", "SECRET", "VERIFIER", "Place"]

SECRET = secrets.token_urlsafe(32)
PASSWORD = "a calm and legible phrase"  # noqa: S105 — of a person who exists here only
VERIFIER = "v" * 43
CALLBACK = "https://app.example.com/callback"
AUDIENCE = "https://orders.example.com"
SCOPES = ("openid", "offline_access", "orders:read")

_SETTINGS = """
issuer = "http://127.0.0.1:{port}"
database = "{database}"
key_file = "kek"

[[resources]]
audience = "{audience}"
scopes = ["orders:read"]

[[clients]]
client_id = "job"
kind = "confidential"
client_secret_sha256 = "{digest}"
grants = ["client_credentials"]
resources = ["{audience}"]
scopes = ["orders:read"]

[[clients]]
client_id = "app"
kind = "public"
redirect_uris = ["{callback}"]
grants = ["authorization_code", "refresh_token"]
resources = ["{audience}"]
scopes = ["openid", "offline_access", "orders:read"]
first_party = true
id_token_signed_response_alg = "ES256"
"""


@dataclass(frozen=True, slots=True)
class Place:
    """One folder with one service."""

    folder: Path
    port: int
    database: str

    @classmethod
    def prepare(cls, folder: Path, port: int, database: str = "sqlite:///mintmark.db") -> Place:
        """Write the settings."""
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(SECRET.encode()).hexdigest()
        text = _SETTINGS.format(
            port=port, database=database, audience=AUDIENCE, digest=digest, callback=CALLBACK
        )
        (folder / "mintmark.toml").write_text(text, "utf-8")
        return cls(folder, port, database)

    @contextmanager
    def served(self, name: str) -> Iterator[Server]:
        """Run it, with its logs on, as everybody does."""
        with serving(
            name, [sys.executable, "-m", "mintmark", "serve"], self.folder, port=self.port
        ) as server:
            yield server

    def seed(self, count: int) -> list[str]:
        """Make that many people, each with a grant; return their refresh tokens."""
        return asyncio.run(self._seed(count))

    async def _seed(self, count: int) -> list[str]:
        settings = load_settings(self.folder / "mintmark.toml")
        async with opened(settings) as service:
            now = time.time()
            tokens = []
            for number in range(count):
                person = await service.people.ensure(NewPerson(f"person-{number}", PASSWORD), now)
                sign_in = await service.sessions.sign_in(service.sessions.beginning(person.person_id, now))
                request = CodeRequest(
                    client_id="app",
                    person_id=person.person_id,
                    sid=sign_in.sid,
                    redirect_uri=CALLBACK,
                    code_challenge=b64url_sha256(VERIFIER),
                    scope=SCOPES,
                    resources=(AUDIENCE,),
                    auth_time=now,
                )
                code = await service.sessions.create_code(request, now)
                granted: Any = await service.sessions.redeem_code(
                    code, client_id="app", redirect_uri=None, code_verifier=VERIFIER, now=now,
                    refresh=RefreshPolicy(),
                )  # fmt: skip
                assert isinstance(granted, Granted)  # noqa: S101 — it was our own code
                assert granted.refresh_token is not None  # noqa: S101
                tokens.append(granted.refresh_token)
        return tokens

    def client_credentials(self) -> bytes:
        """The request for a token of client credentials."""
        form = {"grant_type": "client_credentials", "scope": "orders:read"}
        return post(self.port, "/token", form, Authorization=basic("job", SECRET))

    def introspection(self, token: str) -> bytes:
        """The request that asks what a token is worth."""
        return post(self.port, "/introspect", {"token": token}, Authorization=basic("job", SECRET))

    def document(self, path: str) -> bytes:
        """The request for a document."""
        return get(self.port, path)
