"""What clients and services find out by themselves: metadata (RFC 8414, OpenID Connect Discovery 3) and
``/jwks``.
"""

from __future__ import annotations

from typing import Any, get_args

from starlette.responses import Response

from mintmark.authorization_server.oauth.catalogue import Catalogue
from mintmark.authorization_server.oauth.documents import Document
from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.registrations import AuthMethod, GrantType
from mintmark.authorization_server.settings import Settings

__all__ = ["key_set", "metadata_document", "metadata_of"]

_METADATA_MAX_AGE = 3600


def metadata_of(settings: Settings, catalogue: Catalogue) -> dict[str, Any]:
    """Return the metadata: what is listed works, and what is not listed does not."""
    at = settings.issuer
    wants_status = any(catalogue.wants_status(audience) for audience in catalogue.resources)
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
        "scopes_supported": list(catalogue.scopes),
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
        **({"status_list_aggregation_endpoint": f"{at}/status-lists"} if wants_status else {}),
    }


async def metadata_document(flow: Flow) -> Response:
    """One document for both well-known addresses."""
    service = flow.service
    catalogue = flow.catalogue
    document = service.documents.of(
        metadata_document,
        (catalogue,),
        lambda: Document.of(metadata_of(service.settings, catalogue), _METADATA_MAX_AGE),
    )
    return document.answer(flow.request)


async def key_set(flow: Flow) -> Response:
    """The public keys; they may be kept exactly as long as the key schedule allows (design: key timeline)."""
    keys = flow.service.keys
    max_age = keys.jwks_max_age(flow.now)
    document = flow.service.documents.of(
        key_set,
        (keys.timeline(), max_age),
        lambda: Document.of(keys.public_jwks(), max_age, media_type="application/jwk-set+json"),
    )
    return document.answer(flow.request)
