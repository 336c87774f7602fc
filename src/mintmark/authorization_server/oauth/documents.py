"""Documents that anybody may keep: written once, answered as they are until what they say changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from typing import Any, Self

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from mintmark.authorization_server.oauth.json_answer import JSONAnswer

__all__ = ["Document", "Documents"]


class _Written(Response):
    """A response whose head has been written before."""

    def __init__(self, other: Response) -> None:
        self.status_code = other.status_code
        self.background = None
        self.body = other.body
        self.raw_headers = other.raw_headers.copy()  # CORS may add to them


class Document(Struct, frozen=True):
    """One document with its validator (RFC 9110 8.8.3)."""

    etag: str
    whole: Response
    not_modified: Response

    @classmethod
    def of(cls, content: Any, max_age: int, *, media_type: str = "application/json") -> Self:
        """Write a JSON document.

        :param max_age: seconds that others may keep it.
        """
        whole = JSONAnswer(content, media_type=media_type)
        etag = f'"{hashlib.sha256(bytes(whole.body)).hexdigest()[:32]}"'
        headers = {"ETag": etag, "Cache-Control": f"public, max-age={max_age}"}
        whole.headers.update(headers)
        return cls(etag, whole, Response(status_code=304, headers=headers))

    def answer(self, request: Request) -> Response:
        """Answer with the document, or with 304 when the caller has it already (RFC 9110 13.1.2)."""
        if (known := request.headers.get("if-none-match")) is not None:
            tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
            if self.etag in tags or "*" in tags:
                return _Written(self.not_modified)
        return _Written(self.whole)


class Documents:
    """The newest form of each document of a service. For one event loop."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[tuple[object, ...], Document]] = {}

    def of(self, name: Hashable, state: tuple[object, ...], make: Callable[[], Document]) -> Document:
        """Return the document, made anew when the state that it tells of is another one than before."""
        kept = self._kept.get(name)
        if kept is None or any(a is not b and a != b for a, b in zip(kept[0], state, strict=True)):
            kept = self._kept[name] = (state, make())
        return kept[1]
