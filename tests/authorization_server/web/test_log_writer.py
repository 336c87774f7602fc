"""The writer of the log: a reader that is slow, stuck or gone costs lines at most, never an answer."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mintmark.authorization_server.log_writer import LogWriter
from mintmark.authorization_server.logs import JsonLines, write_line


@contextmanager
def logger_to(writer: LogWriter) -> Iterator[logging.Logger]:
    writer.setFormatter(JsonLines())
    logger = logging.Logger("of this test")
    logger.addHandler(writer)
    try:
        yield logger
    finally:
        writer.close()


def lines_of(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


class Watched(io.StringIO):
    """A stream that tells when it was written to, and may be stuck meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.let_go = threading.Event()
        self.let_go.set()

    def write(self, text: str) -> int:
        self.entered.set()
        assert self.let_go.wait(30)
        return super().write(text)


def test_lines_are_written_in_order_and_none_is_lost_at_the_end() -> None:
    stream = io.StringIO()
    with logger_to(LogWriter(stream, gather=60)) as logger:
        for number in range(100):
            write_line(logger, logging.INFO, "event", {"number": number})
    assert [line["number"] for line in lines_of(stream.getvalue())] == list(range(100))


def test_lines_arrive_while_the_service_goes_on() -> None:
    stream = Watched()
    with logger_to(LogWriter(stream, gather=0)) as logger:
        write_line(logger, logging.INFO, "event", {})
        assert stream.entered.wait(30)


def test_a_reader_that_is_stuck_holds_nobody_up_and_is_told_what_it_missed() -> None:
    stream = Watched()
    stream.let_go.clear()
    writer = LogWriter(stream, gather=0, most=10)
    with logger_to(writer) as logger:
        write_line(logger, logging.INFO, "first", {})
        assert stream.entered.wait(30)  # the thread is stuck in a write now
        for number in range(1_000):
            write_line(logger, logging.INFO, "event", {"number": number})
        stream.let_go.set()
    lines = lines_of(stream.getvalue())
    kept = [line["number"] for line in lines if line["event"] == "event"]
    lost = [line["count"] for line in lines if line["event"] == "log_lines_dropped"]
    assert kept == list(range(len(kept)))
    assert 0 < len(kept) < 1_000
    assert lost == [1_000 - len(kept)]


def test_a_reader_that_has_gone_is_no_error() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with logger_to(LogWriter(Gone())) as logger:
        write_line(logger, logging.INFO, "event", {})
        logger.handlers[0].flush()


def test_our_records_have_everything_that_another_formatter_may_name() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    named = vars(logging.LogRecord("", 0, "", 0, "", None, None))
    handler.setFormatter(logging.Formatter(" ".join(f"%({name})s" for name in named) + " %(asctime)s"))
    logger = logging.Logger("of this test")
    logger.addHandler(handler)
    write_line(logger, logging.WARNING, "event", {"a": 1})
    assert "of this test event" in stream.getvalue()
    assert "WARNING" in stream.getvalue()


def test_what_is_no_json_is_written_as_text() -> None:
    stream = io.StringIO()
    with logger_to(LogWriter(stream)) as logger:
        write_line(logger, logging.INFO, "event", {"lone": "\ud800", "object": {"of": object}})
    assert lines_of(stream.getvalue())[0]["lone"] == "\ud800"
