"""Find an issuer's metadata (RFC 8414, OpenID Connect Discovery 1.0) and believe it only about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mintmark.errors import FetchFailed, MintmarkError
from mintmark.jose.encoding import json_object
from mintmark.net.fetching import Fetcher

__all__ = ["IssuerMetadata", "discover", "metadata_addresses", "read_metadata"]

_LONGEST_SHOWN = 200  # characters of what a stranger's document says


@dataclass(frozen=True, slots=True)
class IssuerMetadata:
    """An issuer's published metadata, its ``issuer`` compared."""

    issuer: str
    values: Mapping[str, Any]

    def address(self, name: str) -> str:
        """Return an endpoint's address.

        :raises FetchFailed: the issuer publishes none of that name.
        """
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise FetchFailed(f"{self.issuer} publishes no {name}.", expected=name)
        return value


def metadata_addresses(issuer: str) -> tuple[str, ...]:
    """Return where an issuer's metadata may be: OpenID's place first, then OAuth's.

    OpenID appends the well-known path to the issuer; RFC 8414 3.1 puts it between host and path.
    """
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    origin = f"{parts.scheme}://{parts.netloc}"
    return (
        f"{origin}{path}/.well-known/openid-configuration",
        f"{origin}/.well-known/oauth-authorization-server{path}",
    )


def read_metadata(body: bytes, issuer: str) -> IssuerMetadata:
    """Read a metadata document.

    :raises FetchFailed: it is no JSON object, or its issuer is not, character by character, the one that was
        asked (RFC 8414 3.3): whoever can answer at one address must not speak for another issuer.
    """
    try:
        values = json_object(body)
    except MintmarkError as error:
        raise FetchFailed(f"The metadata of {issuer} is not a JSON object.", actual=str(error.code)) from None
    named = values.get("issuer")
    if named != issuer:
        shown = repr(named[:_LONGEST_SHOWN]) if isinstance(named, str) else type(named).__name__
        raise FetchFailed(
            f"The metadata of {issuer} names another issuer: {shown}.",
            claim="issuer",
            expected=issuer,
            actual=shown,
            hint="Write the issuer exactly as it names itself, with or without the last slash.",
        )
    return IssuerMetadata(issuer, values)


def discover(fetcher: Fetcher, issuer: str) -> IssuerMetadata:
    """Fetch an issuer's metadata.

    :raises FetchFailed: it cannot be fetched, or does not speak for this issuer.
    """
    status = 0
    for address in metadata_addresses(issuer):
        answer = fetcher.fetch(address, headers={"Accept": "application/json"})
        if answer.status == 200:
            return read_metadata(answer.body, issuer)
        status = answer.status
        if status != 404:
            break
    raise FetchFailed(f"The metadata of {issuer} is not to be had: status {status}.", actual=status)
