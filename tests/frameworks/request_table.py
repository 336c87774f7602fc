"""Some forty requests, and for each the one answer that every framework gives, byte for byte."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from mintmark.errors import KeysUnavailable, RevocationsUnavailable
from mintmark.jose import jwe, jws
from mintmark.jose.encoding import json_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jwt import Claims
from mintmark.resource_server import Require, ResourceServer

NOW = 1_700_000_000.0
ISSUER = "https://auth.example.com"
KEY = Key.generate("ES256", kid="k1")
OTHER = Key.generate("ES256", kid="k1")
STRANGER = Key.generate("ES256", kid="unknown")
METADATA_URL = "https://api.example.com/.well-known/oauth-protected-resource/v1"

ROUTES: Mapping[str, Require] = {
    "/plain": Require(),
    "/read": Require("orders:read"),
    "/both": Require("orders:read orders:write"),
    "/any": Require(any_scope=("billing:read", "billing:write")),
    "/strong": Require(acr="urn:strong"),
    "/fresh": Require(max_age=300),
    "/step-up": Require("orders:read", acr=("urn:strong", "urn:stronger"), max_age=300),
    "/role": Require(claims={"roles": ("admin", "owner")}),
}


class Revoked:
    """Knows one revoked token, and of another that it cannot know."""

    def reason(self, claims: Claims) -> str | None:
        if claims.jwt_id == "stale":
            raise RevocationsUnavailable("stale", retry_after=4.2)
        return "its sign-in has ended" if claims.jwt_id == "revoked" else None


class Down:
    """Keys that cannot be had."""

    def current(self) -> None:
        return None

    def refresh(self, kid: str | None) -> NoReturn:
        raise KeysUnavailable("down", retry_after=2.0)

    async def arefresh(self, kid: str | None) -> NoReturn:
        raise KeysUnavailable("down", retry_after=2.0)


def make_server(**options: Any) -> ResourceServer:
    settings: dict[str, Any] = {"keys": KeySet([KEY.public]), "revocations": Revoked(), "clock": lambda: NOW}
    return ResourceServer(ISSUER, "orders", **(settings | options))


SERVERS: Mapping[str, ResourceServer] = {
    "usual": make_server(),
    "down": make_server(keys=Down()),
    "described": make_server(
        external_url="https://api.example.com/v1",
        scopes_supported=("orders:read",),
        name="Orders",
        realm="v1",
    ),
}


def mint(
    key: Key = KEY,
    *,
    typ: str | None = "at+jwt",
    without: Sequence[str] = (),
    header: Any = None,
    **claims: Any,
) -> str:
    """A good access token, changed as asked."""
    members = {
        "iss": ISSUER,
        "aud": "orders",
        "sub": "alice",
        "client_id": "app",
        "iat": int(NOW) - 10,
        "exp": int(NOW) + 600,
        "jti": "t1",
        "scope": "orders:read",
        "auth_time": int(NOW) - 100,
        "acr": "urn:weak",
    } | claims
    kept = {name: value for name, value in members.items() if name not in without}
    return jws.sign(json_encode(kept), key, header=({"typ": typ} if typ else {}) | (header or {}))


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(alg: str) -> str:
    return f"{_part({'alg': alg, 'kid': 'k1', 'typ': 'at+jwt'})}.{mint().split('.')[1]}."


def _confused() -> str:
    """HS256 with the public key's PEM as the secret."""
    secret = Key.from_secret(KEY.public.to_pem().encode(), alg="HS256", kid="k1")
    return mint(secret)


def _tampered() -> str:
    header, payload, signature = mint().split(".")
    members = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return f"{header}.{_part(members | {'scope': 'orders:read orders:write'})}.{signature}"


def _encrypted() -> str:
    return jwe.encrypt(mint().encode(), Key.generate("A256GCMKW"))


@dataclass(frozen=True)
class Case:
    """One request. ``error`` None means a challenge without error code; ``status`` 200 means it passes."""

    name: str
    headers: tuple[tuple[str, str], ...]
    status: int
    error: str | None = None
    reason: str | None = None
    description: str | None = None
    path: str = "/plain"
    more: str = ""
    server: str = "usual"
    retry_after: str | None = None
    method: str = "GET"

    @property
    def challenge(self) -> str | None:
        """The whole WWW-Authenticate header that must come back."""
        if self.status in (200, 503):
            return None
        realm = "v1" if self.server == "described" else "orders"
        told = f', error="{self.error}", error_description="{self.description}"' if self.error else ""
        found = f', resource_metadata="{METADATA_URL}"' if self.server == "described" else ""
        return f'Bearer realm="{realm}"{told}{self.more}{found}'

    @property
    def body(self) -> dict[str, str] | None:
        """The JSON that must come back with a refusal."""
        if self.status == 200:
            return None
        members = {"error": self.error} if self.error else {}
        return {**members, "error_description": self.description or "", "reason": self.reason or ""}


def bearer(token: str, scheme: str = "Bearer") -> tuple[tuple[str, str], ...]:
    return (("Authorization", f"{scheme} {token}"),)


def _good(name: str, *, path: str = "/plain", scheme: str = "Bearer", **claims: Any) -> Case:
    return Case(name, bearer(mint(**claims), scheme), 200, path=path)


_MISSING = "This resource needs an access token"
_MALFORMED = "The request must bring exactly one token, well formed"
_NOT_VALID = "The token is not valid"
_MISMATCH = "The token holds a claim that is not accepted here"
_LACKS = "The token lacks a claim that is needed here"
_KEY_UNKNOWN = "The key of the token is not known"
_ALGORITHM = "The token is signed in a way that is not allowed"
_SIGNATURE = "The signature of the token is not valid"
_AGAIN = "The person must sign in again, or more strongly"
_SCOPE = "The token does not carry the scope that is needed here"
_DOWN = "Tokens cannot be verified at the moment"


def _missing(name: str, *headers: tuple[str, str], **more: Any) -> Case:
    return Case(name, headers, 401, None, "credentials_missing", _MISSING, **more)


def _malformed(name: str, *headers: tuple[str, str]) -> Case:
    return Case(name, headers, 400, "invalid_request", "credentials_malformed", _MALFORMED)


def _invalid(name: str, token: str, reason: str, description: str, **more: Any) -> Case:
    return Case(name, bearer(token), 401, "invalid_token", reason, description, **more)


def _short_of(name: str, path: str, needed: str, **claims: Any) -> Case:
    return Case(
        name,
        bearer(mint(**claims)),
        403,
        "insufficient_scope",
        "scope_insufficient",
        _SCOPE,
        path=path,
        more=f', scope="{needed}"',
    )


def _step_up(name: str, path: str, more: str, **claims: Any) -> Case:
    return Case(
        name,
        bearer(mint(**claims)),
        401,
        "insufficient_user_authentication",
        "authentication_insufficient",
        _AGAIN,
        path=path,
        more=more,
    )


_STEP_UP = ', acr_values="urn:strong urn:stronger", max_age="300"'

CASES: tuple[Case, ...] = (
    # what passes
    _good("a good token"),
    _good("D8: the scheme's case does not matter", scheme="bEaReR"),
    _good("two spaces after the scheme", scheme="Bearer "),
    _good("several audiences", aud=["billing", "orders"]),
    _good("within the leeway after exp", exp=int(NOW) - 29),
    _good("the scope is there", path="/read"),
    _good("both scopes, in any order", path="/both", scope="orders:write x orders:read"),
    _good("one of several scopes", path="/any", scope="billing:write"),
    _good("strong enough", path="/strong", acr="urn:strong"),
    _good("fresh enough", path="/fresh"),
    _good("one of the roles", path="/role", roles=["staff", "owner"]),
    _good("the role as a plain text", path="/role", roles="admin"),
    # D5: no token
    _missing("no Authorization header"),
    _missing("another scheme", ("Authorization", "Basic YTpi")),
    _missing("an empty header", ("Authorization", "")),
    _missing("the token somewhere else", ("X-Access-Token", mint())),
    _missing("no token, with metadata", server="described"),
    _missing("no token, while the issuer is down", server="down"),
    # D6, D9: malformed
    _malformed("a scheme and no token", ("Authorization", "Bearer")),
    _malformed("two tokens in one header", ("Authorization", f"Bearer {mint()} {mint()}")),
    _malformed("two headers", *bearer(mint()), *bearer(mint())),
    _malformed("a good header beside Basic", *bearer(mint()), ("Authorization", "Basic YTpi")),
    _malformed("quotes around the token", ("Authorization", f'Bearer "{mint()}"')),
    # D4: invalid tokens
    _invalid("not a token", "abc", "token_malformed", _NOT_VALID),
    _invalid("expired", mint(exp=int(NOW) - 31), "token_expired", "The token has expired"),
    _invalid("not yet valid", mint(nbf=int(NOW) + 31), "token_not_yet_valid", "The token is not valid yet"),
    _invalid("another audience", mint(aud="billing"), "claim_mismatch", _MISMATCH),
    _invalid("another issuer", mint(iss="https://evil.example"), "claim_mismatch", _MISMATCH),
    _invalid("the issuer with a slash", mint(iss=ISSUER + "/"), "claim_mismatch", _MISMATCH),
    _invalid("no exp", mint(without=["exp"]), "claim_missing", _LACKS),
    _invalid("no client_id", mint(without=["client_id"]), "claim_missing", _LACKS),
    _invalid(
        "an ID token",
        mint(typ="JWT", nonce="n"),
        "typ_mismatch",
        "The token is of another type than is accepted here",
    ),
    _invalid("S1: alg none", _unsigned("none"), "algorithm_not_allowed", _ALGORITHM),
    _invalid("S1: alg nOnE", _unsigned("nOnE"), "algorithm_not_allowed", _ALGORITHM),
    _invalid("S4: HS256 with the public key", _confused(), "algorithm_not_allowed", _ALGORITHM),
    _invalid("tampered", _tampered(), "signature_invalid", _SIGNATURE),
    _invalid("another key of the same kid", mint(OTHER), "signature_invalid", _SIGNATURE),
    _invalid("an unknown kid", mint(STRANGER), "key_unknown", _KEY_UNKNOWN),
    _invalid(
        "encrypted", _encrypted(), "token_wrong_form", "The token is not of the form that is expected here"
    ),
    _invalid("revoked", mint(jti="revoked"), "token_revoked", "The token has been revoked"),
    _invalid(
        "expired, with metadata", mint(exp=1), "token_expired", "The token has expired", server="described"
    ),
    # D6: good and not enough
    _short_of("a scope is missing", "/both", "orders:read orders:write"),
    _short_of("none of several scopes", "/any", "billing:read"),
    _short_of("no scope at all", "/read", "orders:read", without=["scope"]),
    _short_of("a scope that only begins alike", "/read", "orders:read", scope="orders:readonly"),
    Case(
        "none of the roles",
        bearer(mint(roles=["staff"])),
        403,
        "insufficient_scope",
        "claim_mismatch",
        _MISMATCH,
        path="/role",
    ),
    # RFC 9470: step up
    _step_up("O21: too weak", "/strong", ', acr_values="urn:strong"'),
    _step_up("O21: too long ago", "/fresh", ', max_age="300"', auth_time=int(NOW) - 331),
    _step_up("O21: no auth_time", "/fresh", ', max_age="300"', without=["auth_time"]),
    _step_up("O21: weak and fresh", "/step-up", _STEP_UP),
    _step_up("O21: strong and old", "/step-up", _STEP_UP, acr="urn:strong", auth_time=1),
    # not the token's fault
    Case(
        "keys that cannot be had",
        bearer(mint()),
        503,
        "temporarily_unavailable",
        "keys_unavailable",
        _DOWN,
        server="down",
        retry_after="2",
    ),
    Case(
        "revocations that cannot be known",
        bearer(mint(jti="stale")),
        503,
        "temporarily_unavailable",
        "revocations_stale",
        _DOWN,
        retry_after="5",
    ),
    _invalid("garbage while the issuer is down", "a.b.c", "base64url_invalid", _NOT_VALID, server="down"),
)
