"""Answers in JSON (RFC 8259), written by the codec of the core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

__all__ = ["JSONAnswer"]


class JSONAnswer(Response):
    """A response whose body is one JSON value."""

    media_type = "application/json"

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Write the headers that every such answer has; Starlette would look which are missing."""
        if headers is not None:
            super().init_headers(headers)
            return
        length = b"%d" % len(self.body)
        self.raw_headers = [(b"content-length", length), (b"content-type", b"application/json")]

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return _encode(content)


_encode = msgspec.json.Encoder().encode
