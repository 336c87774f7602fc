"""The soak is a folder of scripts, and no package: its modules are found as its own ``run.py`` finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "soak"


@pytest.fixture(autouse=True)
def soak_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SOAK))
