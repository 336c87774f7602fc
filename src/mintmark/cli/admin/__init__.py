"""``mintmark admin``: the keys, the people and the database of a token service, also while it runs."""

from __future__ import annotations

from mintmark.cli.admin.tree import app

__all__ = ["app"]
