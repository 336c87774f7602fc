"""What has ended before its time, told to every verifier within seconds."""

from __future__ import annotations

from mintmark.authorization_server.revocation.deny_log import DenyLog, Subscription
from mintmark.authorization_server.revocation.deny_set import DenySet

__all__ = ["DenyLog", "DenySet", "Subscription"]
