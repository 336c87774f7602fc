"""Structured logs: one JSON object per line, built from named fields only.

Nothing here ever sees a query string, a body or a header, so no token, code, password, secret or cookie can
reach a log. Only paths of our own routes are written, since people paste tokens into addresses as well.
"""

from __future__ import annotations

import functools
import json
import logging
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Any, TextIO

import msgspec

from mintmark.authorization_server.log_writer import LogWriter

__all__ = ["JsonLines", "configure_logging", "log_event", "log_failure", "write_line"]

_logger = logging.getLogger("mintmark.authorization_server")


def log_event(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Write one event; fields that are ``None`` are left out."""
    if _logger.isEnabledFor(level):
        write_line(_logger, level, event, fields)


def log_failure(event: str, error: BaseException, **fields: Any) -> None:
    """Write an unexpected error: its class and where it came from, never its text, which may quote input."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    places = [f"{frame.filename.rpartition('mintmark/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    write_line(_logger, logging.ERROR, event, {**fields, "error": type(error).__name__, "at": places})


def write_line(logger: logging.Logger, level: int, event: str, fields: Mapping[str, Any]) -> None:
    """Hand one line to whatever handlers there are; fields that are ``None`` are left out."""
    if None in fields.values():
        fields = {name: value for name, value in fields.items() if value is not None}
    logger.handle(_Record(logger.name, level, event, fields))


class _Record(logging.LogRecord):
    """A record that does not look up who called, in which thread: our lines never say it.

    That look would cost more than all the rest of a line. Every attribute that a formatter may name is there.
    """

    _ANY = vars(logging.LogRecord("", 0, "", 0, "", None, None)) | {"process": None}

    def __init__(self, name: str, level: int, event: str, fields: Mapping[str, Any]) -> None:
        now = time.time()
        self.__dict__ = self._ANY | {
            "name": name,
            "msg": event,
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "created": now,
            "msecs": now % 1 * 1000,
            "mintmark": fields,
        }


class JsonLines(logging.Formatter):
    """One JSON object per record. Exceptions appear as class and place, without their text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "mintmark", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])[-8:]
            line["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        try:
            return _encode(line).decode()
        except (TypeError, ValueError, UnicodeError):  # a lone surrogate, a key that is no text
            return json.dumps(line, default=str, skipkeys=True)


_encode = msgspec.json.Encoder(enc_hook=str).encode


@functools.lru_cache(maxsize=2)
def _second(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


def configure_logging(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send everything of this process to ``stream`` (standard error) as JSON lines."""
    handler = LogWriter(stream or sys.stderr)
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
