"""The fuzz targets hold their properties over their seeds and simple mutations, and so stay alive."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "fuzz"
NAMES = (
    *(
        "base64url",
        "json",
        "jwk",
        "jwks",
        "pem",
        "der",
        "jws_compact",
        "jws_signed",
        "jws_json",
        "jws_stream",
    ),
    *(
        "jwe_compact",
        "jwe_header",
        "jwe_json",
        "verifier",
        "claims",
        "layout",
        "inspection",
        "dpop",
        "dpop_claims",
        "status_list",
    ),
    *("url", "events"),
)


@pytest.fixture(scope="module")
def targets() -> Any:
    """The table of targets; the folder is no package."""
    sys.path.insert(0, str(FOLDER))
    try:
        from targets import TARGETS
    finally:
        sys.path.remove(str(FOLDER))
    return TARGETS


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Change, drop, double or swap a few bytes."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(found) + 1)
        until = min(len(found), at + chance.randint(1, 8))
        match chance.randrange(4):
            case 0:
                found[at:until] = chance.randbytes(1)
            case 1:
                del found[at:until]
            case 2:
                found[at:at] = found[at:until]
            case _:
                found[at:at] = chance.choice((b".", b'"', b"{", b"[", b"\\u", b"=", b",", b"0", b"\0"))
    return bytes(found)


def test_each_target_is_tried_here(targets: Any) -> None:
    assert set(targets) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_property_holds(targets: Any, name: str) -> None:
    target, chance = targets[name], random.Random(name)
    for seed in target.seeds():
        target.run(seed)
        for _ in range(20):
            target.run(mutated(seed, chance))
