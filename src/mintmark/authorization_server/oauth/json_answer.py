"""Answers in JSON (RFC 8259), written by the codec of the core."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

__all__ = ["JSONAnswer"]


class JSONAnswer(Response):
    """A response whose body is one JSON value."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return _encode(content)


_encode = msgspec.json.Encoder().encode
