"""What has ended before its time, told to every verifier within seconds."""

from __future__ import annotations

from mintmark.authorization_server.revocation.deny_log import DenyLog, Subscription
from mintmark.authorization_server.revocation.deny_set import DenySet
from mintmark.authorization_server.revocation.places import list_number
from mintmark.authorization_server.revocation.status_indexes import StatusIndexes
from mintmark.authorization_server.revocation.status_lists import (
    STATUS_LIST_LIFETIME,
    STATUS_LIST_TTL,
    StatusLists,
)

__all__ = [
    "STATUS_LIST_LIFETIME",
    "STATUS_LIST_TTL",
    "DenyLog",
    "DenySet",
    "StatusIndexes",
    "StatusLists",
    "Subscription",
    "list_number",
]
