"""Rows to write in tests."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec.structs import replace

from mintmark.authorization_server.storage.records import (
    ClientRecord,
    CodeRecord,
    Grant,
    KeyRecord,
    KeyState,
    Person,
    ResourceRecord,
    SignIn,
)
from mintmark.authorization_server.storage.repositories import people

ALICE = Person(
    "p_alice",
    "Alice",
    name="Alice Ærø",
    email="alice@example.org",
    email_verified=True,
    roles=("a", "b"),
    groups=(),
    attributes={"cost": 1.5, "tags": ["x", None]},
    created_at=1.25,
    updated_at=2.5,
)
SIGN_IN = SignIn(
    sid="sid",
    person_id="p_alice",
    auth_time=10.0,
    amr=("pwd",),
    acr=None,
    created_at=10.0,
    last_seen=10.0,
    expires_at=100.0,
    absolute_end=150.0,
)
GRANT = Grant(
    grant_id="grant",
    client_id="app",
    person_id="p_alice",
    sid="sid",
    scope=("openid", "orders:read"),
    resources=("orders", "a name with spaces"),
    offline=False,
    refreshable=True,
    auth_time=10.0,
    acr="1",
    amr=("pwd", "otp"),
    nonce="n",
    generation=1,
    rotated_at=None,
    created_at=10.0,
    idle_end=100.0,
    absolute_end=1000.0,
)
CODE = CodeRecord(
    code_hash=b"h" * 32,
    client_id="app",
    person_id="p_alice",
    sid="sid",
    redirect_uri="https://app.example/cb",
    code_challenge="c" * 43,
    scope=("openid",),
    resources=(),
    nonce=None,
    auth_time=10.0,
    acr=None,
    amr=(),
    expires_at=70.0,
)
KEY = KeyRecord(
    kid="k1",
    alg="ES256",
    state=KeyState.CURRENT,
    public_jwk={"kty": "EC"},
    created_at=1.0,
    activates_at=1.0,
    signing_since=1.0,
    retired_at=None,
    gone_at=None,
    token_lifetime=600.0,
)

RESOURCE = ResourceRecord("orders", '{"audience": "orders", "name": "Ørders"}', 1.0, 2.5)
CLIENT = ClientRecord(
    "app",
    '{"client_id": "app"}',
    1.0,
    2.5,
    secret_sha256="a" * 64,
    previous_secret_sha256="b" * 64,
    previous_secret_until=9.25,
)


def add_alice(connection: sa.Connection) -> None:
    people.insert(connection, ALICE, username_key="alice", password_hash="hash")


def grant(name: str) -> Grant:
    return replace(GRANT, grant_id=name)
