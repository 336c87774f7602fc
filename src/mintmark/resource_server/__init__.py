"""What a service needs around a Verifier: the issuer's keys, what it revoked, what a request must carry."""

from __future__ import annotations

from mintmark.resource_server.key_cache import CachePolicy
from mintmark.resource_server.remote_keys import RemoteKeys
from mintmark.resource_server.require import Require

__all__ = ["CachePolicy", "RemoteKeys", "Require"]
