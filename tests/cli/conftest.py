"""Running the command line in this process: its output, its errors, its exit status."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from mintmark.__main__ import main


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


class _Input(io.StringIO):
    """Standard input with its bytes beneath, as commands read them."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.buffer = io.BytesIO(data)


Run = Callable[..., Outcome]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs ``mintmark`` with arguments and standard input."""

    def running(*arguments: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["mintmark", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", _Input(stdin))
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        try:
            status = main()
        finally:
            root.handlers[:], root.level = handlers, level
        sys.stdout.flush()
        captured = capfd.readouterr()
        return Outcome(status, captured.out, captured.err)

    return running
