"""Authlib's Flask server, set up for the same work as ours: ES256 access tokens, one client with a secret,
one public client with refresh tokens, introspection; everything it keeps is in memory.

Run by gunicorn: ``authlib_server:app``. The environment says the client secret and how many refresh tokens.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.jose import JsonWebKey
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask, Response, jsonify

SECRET = os.environ["BENCH_SECRET"]
ISSUER = os.environ["BENCH_ISSUER"]
KEY = JsonWebKey.generate_key("EC", "P-256", {"kid": "bench", "use": "sig", "alg": "ES256"}, is_private=True)
TOKENS: dict[str, Token] = {}
REFRESH: dict[str, Token] = {}


class Client(ClientMixin):  # type: ignore[misc]
    """A registered client."""

    def __init__(self, client_id: str, secret: str | None, method: str, grant_types: tuple[str, ...]) -> None:
        self.client_id, self.secret, self.method, self.grant_types = client_id, secret, method, grant_types

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str) -> str:
        return scope if scope == "orders:read" else ""

    def check_client_secret(self, client_secret: str) -> bool:
        return self.secret is not None and secrets.compare_digest(self.secret, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types


class User:
    """Who a token is for."""

    def get_user_id(self) -> str:
        return "alice"


ALICE = User()


class Token(TokenMixin):  # type: ignore[misc]
    """A token that was given."""

    def __init__(self, data: dict[str, Any], client: Client, user: User | None) -> None:
        self.data, self.client, self.user, self.issued_at = data, client, user, time.time()
        self.revoked = False

    def check_client(self, client: Client) -> bool:
        return client is self.client

    def get_scope(self) -> str:
        return str(self.data.get("scope", ""))

    def get_expires_in(self) -> int:
        return int(self.data["expires_in"])

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return self.revoked

    def get_user(self) -> User | None:
        return self.user

    def get_client(self) -> Client:
        return self.client


CLIENTS = {
    "job": Client("job", SECRET, "client_secret_basic", ("client_credentials",)),
    "app": Client("app", None, "none", ("refresh_token",)),
}


class Refresh(grants.RefreshTokenGrant):  # type: ignore[misc]
    """Rotating refresh tokens of a public client."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        return REFRESH.get(refresh_token)

    def authenticate_user(self, refresh_token: Token) -> User | None:
        return refresh_token.user

    def revoke_old_credential(self, refresh_token: Token) -> None:
        refresh_token.revoked = True
        del REFRESH[refresh_token.data["refresh_token"]]


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    """RFC 7662."""

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        return TOKENS.get(token_string)

    def check_permission(self, token: Token, client: Client, request: object) -> bool:
        return token.client is client

    def introspect_token(self, token: Token) -> dict[str, Any]:
        return {
            "active": True,
            "client_id": token.client.client_id,
            "scope": token.get_scope(),
            "iss": ISSUER,
        }


class AccessTokens(JWTBearerTokenGenerator):  # type: ignore[misc]
    """RFC 9068."""

    def get_jwks(self) -> dict[str, Any]:
        return {"keys": [KEY.as_dict(is_private=True)]}

    def get_audiences(self, client: Client, user: User, scope: str) -> str:
        return "https://orders.example.com"

    def get_extra_claims(self, client: Client, grant_type: str, user: User, scope: str) -> dict[str, Any]:
        return {}


def keep(token: dict[str, Any], request: Any) -> None:
    """Remember what was given, a bounded number of it."""
    kept = Token(token, request.client, request.user)
    if len(TOKENS) > 1_000:
        TOKENS.pop(next(iter(TOKENS)))
    TOKENS[token["access_token"]] = kept
    if "refresh_token" in token:
        REFRESH[token["refresh_token"]] = kept


app = Flask(__name__)
server = AuthorizationServer(app, query_client=CLIENTS.get, save_token=keep)
generator = AccessTokens(
    issuer=ISSUER, alg="ES256", refresh_token_generator=lambda *_, **__: secrets.token_urlsafe(32)
)
server.register_token_generator("default", generator)
server.register_grant(grants.ClientCredentialsGrant)
server.register_grant(Refresh)
server.register_endpoint(Introspection)

for _ in range(int(os.environ["BENCH_TOKENS"])):
    seed = {"refresh_token": secrets.token_urlsafe(32), "scope": "orders:read", "expires_in": 600}
    REFRESH[seed["refresh_token"]] = Token(seed, CLIENTS["app"], ALICE)
SEEDS = list(REFRESH)


@app.post("/token")
def token() -> Response:
    """The token endpoint."""
    return server.create_token_response()


@app.post("/introspect")
def introspect() -> Response:
    """RFC 7662."""
    return server.create_endpoint_response(Introspection.ENDPOINT_NAME)


@app.get("/jwks")
def jwks() -> Response:
    """The public keys."""
    return jsonify({"keys": [KEY.as_dict()]})


@app.get("/.well-known/openid-configuration")
def discovery() -> Response:
    """RFC 8414, as much as it takes."""
    names = ("token", "introspect", "jwks")
    return jsonify({"issuer": ISSUER, **{f"{name}_endpoint": f"{ISSUER}/{name}" for name in names}})


@app.get("/seeds")
def seeds() -> Response:
    """The refresh tokens to begin with."""
    return Response(json.dumps(SEEDS), mimetype="application/json")
