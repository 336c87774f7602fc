"""Files get their names whole, and never over another."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mintmark.authorization_server.storage.files import put_in_place


@pytest.fixture(params=[True, False], ids=["with links", "without links"])
def draft(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished file, on a file system that knows hard links or does not."""
    if not request.param:

        def refuse(*_: object) -> None:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "draft").write_text("new")
    return tmp_path / "draft"


def test_a_draft_becomes_the_file(draft: Path, tmp_path: Path) -> None:
    put_in_place(draft, tmp_path / "target")
    assert (tmp_path / "target").read_text() == "new"
    assert not draft.exists()


def test_a_file_that_is_there_stays(draft: Path, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    with pytest.raises(FileExistsError):
        put_in_place(draft, tmp_path / "target")
    assert (tmp_path / "target").read_text() == "old"
    assert not draft.exists()


def test_other_trouble_is_told(draft: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - whatever the system says
        put_in_place(draft, tmp_path / "nowhere" / "target")
    assert not draft.exists()
