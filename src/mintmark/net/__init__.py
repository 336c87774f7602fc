"""The one guarded way to fetch: https, no redirects, limits of time and size, rules for addresses."""

from __future__ import annotations

from mintmark.net.fetching import Fetcher, Limits, Response, Stream, fetch
from mintmark.net.targets import Target, check_url, public_addresses

__all__ = ["Fetcher", "Limits", "Response", "Stream", "Target", "check_url", "fetch", "public_addresses"]
