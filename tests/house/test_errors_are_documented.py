"""Each code that mintmark can answer with has its line in docs/errors.md; no line names one that is gone."""

from __future__ import annotations

import re
from pathlib import Path

from mintmark.errors import ErrorCode

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def test_the_page_of_errors_lists_every_code_once_and_no_other() -> None:
    listed = re.findall(r"^\| `([a-z0-9_]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(str(code) for code in ErrorCode)
