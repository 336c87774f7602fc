"""Structured logs: one JSON object per line, built from named fields only.

Nothing here ever sees a query string, a body or a header, so no token, code, password, secret or cookie can
reach a log. Only paths of our own routes are written, since people paste tokens into addresses as well.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Any, TextIO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["AccessLog", "JsonLines", "configure_logging", "log_event", "log_failure"]

_logger = logging.getLogger("mintmark.authorization_server")
_access = logging.getLogger("mintmark.authorization_server.access")


def log_event(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Write one event; fields that are ``None`` are left out."""
    if _logger.isEnabledFor(level):
        _write(_logger, level, event, fields)


def log_failure(event: str, error: BaseException, **fields: Any) -> None:
    """Write an unexpected error: its class and where it came from, never its text, which may quote input."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    places = [f"{frame.filename.rpartition('mintmark/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    _write(_logger, logging.ERROR, event, {**fields, "error": type(error).__name__, "at": places})


def _write(logger: logging.Logger, level: int, event: str, fields: Mapping[str, Any]) -> None:
    said = {name: value for name, value in fields.items() if value is not None}
    logger.log(level, event, extra={"mintmark": said})


class JsonLines(logging.Formatter):
    """One JSON object per record. Exceptions appear as class and place, without their text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "mintmark", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])[-8:]
            line["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line, default=str, ensure_ascii=False)


def configure_logging(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send everything of this process to ``stream`` (standard error) as JSON lines."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True  # it writes query strings
    for name in ("uvicorn.error", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


class AccessLog:
    """ASGI middleware that writes one line per request: method, route, status, time. Never a query string."""

    def __init__(self, app: ASGIApp, paths: frozenset[str]) -> None:
        """:param paths: the paths that may be written down; any other is ``(other)``."""
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and write its line when the answer has ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, begun = 0, time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            if _access.isEnabledFor(logging.INFO):
                fields = {
                    "method": scope["method"]
                    if scope["method"].isalpha() and len(scope["method"]) < 10
                    else "?",
                    "route": scope["path"] if scope["path"] in self._paths else "(other)",
                    "status": status,
                    "ms": round((time.perf_counter() - begun) * 1000, 1),
                    "from": scope["client"][0] if scope.get("client") else None,
                }
                _write(_access, logging.INFO, "request", fields)
