"""What clients and services find out by themselves: metadata (RFC 8414, OpenID Connect Discovery 3) and
``/jwks``.
"""

from __future__ import annotations

import hashlib
from typing import Any, get_args

from starlette.responses import JSONResponse, Response

from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.registrations import AuthMethod, GrantType
from mintmark.authorization_server.settings import Settings

__all__ = ["key_set", "metadata_document", "metadata_of"]

_METADATA_MAX_AGE = 3600


def metadata_of(settings: Settings, scopes: tuple[str, ...]) -> dict[str, Any]:
    """Return the metadata: what is listed works, and what is not listed does not."""
    at = settings.issuer
    methods = list(get_args(AuthMethod))
    return {
        "issuer": at,
        "authorization_endpoint": f"{at}/authorize",
        "token_endpoint": f"{at}/token",
        "userinfo_endpoint": f"{at}/userinfo",
        "jwks_uri": f"{at}/jwks",
        "revocation_endpoint": f"{at}/revoke",
        "introspection_endpoint": f"{at}/introspect",
        "end_session_endpoint": f"{at}/end-session",
        "scopes_supported": list(scopes),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(get_args(GrantType)),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": [name for name in methods if name != "none"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": [
            *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid"),
            *("name", "preferred_username", "email", "email_verified"),
        ],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
    }


async def metadata_document(flow: Flow) -> Response:
    """One document for both well-known addresses."""
    body = metadata_of(flow.service.settings, flow.service.catalogue.scopes)
    return _cacheable(flow, body, _METADATA_MAX_AGE)


async def key_set(flow: Flow) -> Response:
    """The public keys; they may be kept exactly as long as the key schedule allows (design: key timeline)."""
    keys = flow.service.keys
    return _cacheable(
        flow, keys.public_jwks(), keys.jwks_max_age(flow.now), media_type="application/jwk-set+json"
    )


def _cacheable(
    flow: Flow, body: dict[str, Any], max_age: int, media_type: str = "application/json"
) -> Response:
    """Answer with ETag and Cache-Control, or 304 when the caller has it already (RFC 9110 13.1.2)."""
    response = JSONResponse(body, media_type=media_type)
    etag = f'"{hashlib.sha256(bytes(response.body)).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={max_age}"}
    known = [
        tag.strip().removeprefix("W/") for tag in flow.request.headers.get("if-none-match", "").split(",")
    ]
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response
