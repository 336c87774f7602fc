"""Settings, rows and wishes to plan with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mintmark.authorization_server.registrations import Client, Resource
from mintmark.authorization_server.registry.declaring import Declared, declared
from mintmark.authorization_server.registry.documents import validated, with_our_secret
from mintmark.authorization_server.registry.planning import Present, Wanted
from mintmark.authorization_server.settings import Settings
from mintmark.authorization_server.storage.records import ClientRecord, ResourceRecord

NOW = 1_800_000_000.0
ORDERS: dict[str, Any] = {"audience": "orders", "scopes": ["orders:read", "orders:write"]}
APP: dict[str, Any] = {
    "client_id": "app",
    "kind": "public",
    "redirect_uris": ["https://app.example/callback"],
    "grants": ["authorization_code", "refresh_token"],
    "resources": ["orders"],
    "scopes": ["openid", "orders:read"],
}
JOB: dict[str, Any] = {
    "client_id": "job",
    "kind": "confidential",
    "grants": ["client_credentials"],
    "resources": ["orders"],
    "scopes": ["orders:read"],
}
DIGEST = hashlib.sha256(b"the secret of the job").hexdigest()
OTHER_DIGEST = hashlib.sha256(b"another secret of the job").hexdigest()


def settings(**more: Any) -> Settings:
    return Settings.model_validate({"issuer": "https://auth.example", **more})


def resource(**members: Any) -> Resource:
    return validated(Resource, {**ORDERS, **members}, "resource")


def client(base: Mapping[str, Any] = APP, **members: Any) -> Client:
    return validated(Client, with_our_secret({**base, **members}), "client")


def resource_row(**members: Any) -> ResourceRecord:
    document = {**ORDERS, **members}
    return ResourceRecord(document["audience"], json.dumps(document), NOW, NOW)


def client_row(base: Mapping[str, Any] = APP, *, secret: str | None = None, **members: Any) -> ClientRecord:
    document = {**base, **members}
    return ClientRecord(document["client_id"], json.dumps(document), NOW, NOW, secret_sha256=secret)


def present(*rows: ResourceRecord | ClientRecord) -> Present:
    return Present(
        resources={row.audience: row for row in rows if isinstance(row, ResourceRecord)},
        clients={row.client_id: row for row in rows if isinstance(row, ClientRecord)},
    )


def wanted(*entries: Resource | Client, **more: Any) -> Wanted:
    return Wanted(
        resources={entry.audience: entry for entry in entries if isinstance(entry, Resource)},
        clients={entry.client_id: entry for entry in entries if isinstance(entry, Client)},
        **more,
    )


def file_says(data: Mapping[str, Any], *, base: Path = Path(), **more: Any) -> Declared:
    return declared(data, settings(**more), base=base, where="fleet.toml")
