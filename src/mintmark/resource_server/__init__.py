"""What a service needs around a Verifier: the issuer's keys, what it revoked, what a request must carry."""

from __future__ import annotations

from mintmark.resource_server.credentials import Credentials, MalformedCredentials, Request, SimpleRequest
from mintmark.resource_server.dpop import DPoP, Nonces
from mintmark.resource_server.feed_state import FeedPolicy
from mintmark.resource_server.key_cache import CachePolicy
from mintmark.resource_server.locations import (
    AuthorizationHeader,
    HostCookie,
    Location,
    QueryParameter,
    WebSocketProtocol,
)
from mintmark.resource_server.metadata import ResourceMetadata
from mintmark.resource_server.refusals import Refusal
from mintmark.resource_server.remote_keys import RemoteKeys
from mintmark.resource_server.replay import MemoryReplayStore, ReplayStore, SQLiteReplayStore
from mintmark.resource_server.require import Require
from mintmark.resource_server.revocation_feed import RevocationFeed
from mintmark.resource_server.server import ResourceServer

__all__ = [
    "AuthorizationHeader",
    "CachePolicy",
    "Credentials",
    "DPoP",
    "FeedPolicy",
    "HostCookie",
    "Location",
    "MalformedCredentials",
    "MemoryReplayStore",
    "Nonces",
    "QueryParameter",
    "Refusal",
    "RemoteKeys",
    "ReplayStore",
    "Request",
    "Require",
    "ResourceMetadata",
    "ResourceServer",
    "RevocationFeed",
    "SQLiteReplayStore",
    "SimpleRequest",
    "WebSocketProtocol",
]
