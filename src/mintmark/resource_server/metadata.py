"""The metadata of a protected resource (RFC 9728). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from mintmark.errors import ConfigurationError, FetchFailed
from mintmark.jose.encoding import json_encode
from mintmark.net.targets import check_url

__all__ = ["ResourceMetadata"]

_WELL_KNOWN = "/.well-known/oauth-protected-resource"


@dataclass(frozen=True, slots=True)
class ResourceMetadata:
    """What a resource server publishes about itself, so that a client can find out how to get in.

    :param resource: the URL under which the resource is reached from outside; its identifier.
    :param proof_algorithms: what DPoP proofs may be signed with; empty where DPoP is not taken.
    :raises ConfigurationError: resource is not an https URL (http on loopback) without query and fragment.
    """

    resource: str
    issuers: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    name: str | None = None
    bearer_methods: Sequence[str] = ("header",)
    proof_algorithms: Sequence[str] = ()
    proof_required: bool = False
    certificate_bound: bool = False

    def __post_init__(self) -> None:
        try:
            target = check_url(self.resource)
        except FetchFailed as error:
            raise ConfigurationError(f"external_url is refused: {error.message}", hint=error.hint) from None
        if "?" in target.path:
            raise ConfigurationError("external_url must not have a query (RFC 9728 1.2).")

    @property
    def path(self) -> str:
        """The path under which the document is served: the well-known text before the resource's own path."""
        return _WELL_KNOWN + urlsplit(self.resource).path.rstrip("/")

    @property
    def url(self) -> str:
        """Where the document is: the ``resource_metadata`` of a challenge (RFC 9728 3.1, 5.1)."""
        parts = urlsplit(self.resource)
        return f"{parts.scheme}://{parts.netloc}{self.path}"

    def document(self) -> bytes:
        """Return the document as JSON (RFC 9728 2)."""
        members: dict[str, object] = {
            "resource": self.resource,
            "authorization_servers": list(self.issuers),
            "bearer_methods_supported": list(self.bearer_methods),
        }
        if self.scopes:
            members["scopes_supported"] = list(self.scopes)
        if self.name:
            members["resource_name"] = self.name
        if self.proof_algorithms:
            members["dpop_signing_alg_values_supported"] = list(self.proof_algorithms)
            members["dpop_bound_access_tokens_required"] = self.proof_required
        if self.certificate_bound:
            members["tls_client_certificate_bound_access_tokens"] = True
        return json_encode(members)
