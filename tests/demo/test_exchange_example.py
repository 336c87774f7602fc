"""examples/exchange, run as its README says (P4, P6, P7)."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "exchange"


def script(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(EXAMPLE / name), *arguments]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    subprocess.run(script("make_keys.py"), cwd=tmp_path, check=True, capture_output=True)
    return tmp_path / "keys"


@pytest.fixture
def system_b(keys: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = script("system_b.py", "0")
    with subprocess.Popen(command, cwd=keys.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        yield found[0], process
        process.terminate()


def test_p4_p6_an_order_arrives_and_nothing_else_does(
    keys: Path, system_b: tuple[str, subprocess.Popen[str]]
) -> None:
    url, process = system_b
    sent = subprocess.run(
        script("system_a.py", url), cwd=keys.parent, capture_output=True, text=True, timeout=30, check=False
    )
    assert sent.returncode == 0, sent.stdout + sent.stderr
    readme = (EXAMPLE / "README.md").read_text()
    assert sent.stdout in readme, "the README shows what the example prints"
    process.terminate()
    assert process.stdout
    seen = process.stdout.read()
    assert seen.splitlines()[0] == "B: accepted: 12 × silver penny"
    assert seen.count("B: refused") == 4


def test_p8_private_keys_are_readable_by_their_owner_only(keys: Path) -> None:
    for private in keys.glob("*/private.json"):
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert not any('"d"' in public.read_text() for public in keys.glob("*/public.json"))
