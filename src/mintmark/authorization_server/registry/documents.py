"""A registration as it is kept: the table of the settings file that would say the same, as JSON.

One set of rules says what may stand in it: :class:`.Resource` and :class:`.Client`, on the way in and again
on the way out, since another version may have written it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from mintmark.authorization_server.registrations import NO_SECRET, Client, Resource, Section
from mintmark.authorization_server.settings_file import sentence
from mintmark.authorization_server.storage.records import ClientRecord, ResourceRecord
from mintmark.errors import ConfigurationError

__all__ = [
    "OUR_SECRET",
    "RotatedClient",
    "client_of",
    "decoded",
    "document_of",
    "encoded",
    "name_of",
    "resource_of",
    "validated",
    "with_our_secret",
]

S = TypeVar("S", bound=Section)

OUR_SECRET = NO_SECRET
"""What stands for the secret of a confidential client that names none: we make it, and keep its digest."""

_SECRETS = frozenset({"client_secret_file", "client_secret_sha256"})


class RotatedClient(Client):
    """A client whose secret was changed with an overlap: the one before works until a moment."""

    previous_secret_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", repr=False)]
    previous_secret_until: Annotated[float, Field(allow_inf_nan=False)]

    def secret_digests(self, now: float) -> tuple[str, str]:
        """See :meth:`.Client.secret_digests`."""
        present, _ = super().secret_digests(now)
        return present, self.previous_secret_sha256 if now < self.previous_secret_until else NO_SECRET


def validated(kind: type[S], document: Mapping[str, Any], where: str) -> S:
    """Return the entry that a document says.

    :param where: how the complaint begins.
    :raises ConfigurationError: one line that names the member and the fix.
    """
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise ConfigurationError(f"{where}: {sentence(error, document)}") from None


def with_our_secret(document: Any) -> Any:
    """Return a client's document in which a confidential one that names no secret has ours."""
    if isinstance(document, Mapping) and document.get("kind") == "confidential":
        return document if _SECRETS & set(document) else {**document, "client_secret_sha256": OUR_SECRET}
    return document


def name_of(entry: Resource | Client | ResourceRecord | ClientRecord) -> str:
    """Return what an entry is called in its table."""
    return entry.client_id if isinstance(entry, Client | ClientRecord) else entry.audience


def document_of(entry: Resource | Client) -> dict[str, Any]:
    """Return what an entry says, without its defaults and its secret."""
    return entry.model_dump(mode="json", exclude_defaults=True, exclude=set(_SECRETS))


def encoded(entry: Resource | Client) -> str:
    """Return the same as text."""
    return json.dumps(document_of(entry))


def decoded(text: str) -> dict[str, Any]:
    """Return a document as it was kept; an empty one if it is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def resource_of(record: ResourceRecord) -> Resource:
    """Return the resource that was kept.

    :raises ConfigurationError: this version cannot use it.
    """
    resource = validated(Resource, decoded(record.document), f'resources "{record.audience}"')
    if resource.audience != record.audience:
        raise ConfigurationError(f'resources "{record.audience}": is kept under another name')
    return resource


def client_of(record: ClientRecord) -> Client:
    """Return the client that was kept, with what its secret is compared with.

    :raises ConfigurationError: this version cannot use it.
    """
    document = decoded(record.document)
    if record.secret_sha256 is not None:
        document["client_secret_sha256"] = record.secret_sha256
    kind: type[Client] = Client
    if record.previous_secret_sha256 is not None and record.previous_secret_until is not None:
        kind = RotatedClient
        document["previous_secret_sha256"] = record.previous_secret_sha256
        document["previous_secret_until"] = record.previous_secret_until
    client = validated(kind, document, f'clients "{record.client_id}"')
    if client.client_id != record.client_id:
        raise ConfigurationError(f'clients "{record.client_id}": is kept under another name')
    return client
