"""Where Django finds a site's middleware by its dotted name."""

from __future__ import annotations

from typing import Any

middleware: Any = None
