"""gRPC: call credentials for secure channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from mintmark.client.sources import TokenSource
from mintmark.errors import MintmarkError

__all__ = ["token_credentials"]


class _Plugin(grpc.AuthMetadataPlugin):
    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def __call__(self, context: Any, callback: Callable[[Any, Exception | None], None]) -> None:
        """Give one call its metadata; gRPC asks in a thread of its own."""
        try:
            token = self._source.token()
        except MintmarkError as error:
            callback((), error)
        else:
            callback((("authorization", token.authorization),), None)


def token_credentials(source: TokenSource) -> grpc.CallCredentials:
    """Return call credentials that add the source's token.

    Join them with ``grpc.composite_channel_credentials(grpc.ssl_channel_credentials(), …)``: gRPC sends them
    over secure channels only. DPoP-bound tokens are not for gRPC.
    """
    return grpc.metadata_call_credentials(_Plugin(source), name="mintmark")
