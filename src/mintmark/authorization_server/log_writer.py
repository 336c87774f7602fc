"""Log lines go out from a thread of their own, so that a slow reader of the log never holds up an answer."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TextIO

__all__ = ["LogWriter"]

_GATHER = 0.02  # seconds that lines wait for others
_MOST = 20_000  # lines that may wait for a reader who does not read


class LogWriter(logging.Handler):
    """Gathers records for a moment, then formats and writes them together.

    While nobody reads, a bounded number waits; what comes then is counted, and the count is written when
    there is room again. :meth:`flush` and :meth:`close` write what waits; Python calls them at its end.
    """

    def __init__(self, stream: TextIO, *, gather: float = _GATHER, most: int = _MOST) -> None:
        """:param stream: where lines go.
        :param gather: seconds that lines wait for others.
        :param most: how many lines may wait.
        """
        super().__init__()
        self._stream = stream
        self._gather = gather
        self._most = most
        self._waiting: deque[logging.LogRecord] = deque()
        self._dropped = 0
        self._come = threading.Event()
        self._end = threading.Event()
        self._writing = threading.Lock()  # lines of two writers would mix
        self._thread = threading.Thread(target=self._run, name="mintmark-log", daemon=True)
        self._thread.start()

    def handle(self, record: logging.LogRecord) -> bool:
        """Take one record. No lock: putting it into the queue is one step."""
        if not self.filter(record):
            return False
        if len(self._waiting) >= self._most:
            self._dropped += 1
            return True
        self._waiting.append(record)
        if not self._come.is_set():
            self._come.set()
        return True

    def flush(self) -> None:
        """Write what waits."""
        with self._writing:
            records = [self._waiting.popleft() for _ in range(len(self._waiting))]
            dropped, self._dropped = self._dropped, 0
            if dropped:
                records.append(_lost(dropped))
            lines = [line for line in map(self._line, records) if line is not None]
            if lines:
                try:
                    self._stream.write("\n".join(lines) + "\n")
                    self._stream.flush()
                except (OSError, ValueError):  # nobody reads any more: a pipe without an end, a closed stream
                    return

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._end.set()
        self._come.set()
        self._thread.join(timeout=1.0)  # it may be stuck in a write that nobody reads
        if not self._thread.is_alive():
            self.flush()
        super().close()

    def _line(self, record: logging.LogRecord) -> str | None:
        try:
            return self.format(record)
        except Exception:
            self.handleError(record)
            return None

    def _run(self) -> None:
        while not self._end.is_set():
            self._come.wait()
            self._end.wait(self._gather)
            self._come.clear()
            self.flush()


def _lost(count: int) -> logging.LogRecord:
    """Say how many lines nobody can read any more."""
    record = logging.LogRecord(__name__, logging.WARNING, "", 0, "log_lines_dropped", None, None)
    record.mintmark = {"count": count}
    return record
