"""The front door: what the README uses is there, and importing it costs nothing before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import mintmark


def loaded_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", script], check=True, capture_output=True, text=True
        ).stdout.split()
    )


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_after("import mintmark")
    assert not [
        name
        for name in loaded
        if name.startswith(("cryptography", "msgspec", "asyncio", "mintmark.jo", "mintmark.jw"))
    ]


def test_making_and_verifying_pulls_no_network_and_no_framework() -> None:
    loaded = loaded_after(
        "from mintmark import Key, KeySet, Issuer, Verifier, Verifiers, inspect, jws, jwe, errors"
    )
    unwanted = (
        "urllib3",
        "http.client",
        "ssl",
        "asyncio",
        "pydantic",
        "socket",
        "mintmark.net",
        "mintmark.resource_server",
    )
    assert sorted(loaded.intersection(unwanted)) == []


def test_every_name_of_the_front_door_is_there() -> None:
    for name in mintmark.__all__:
        assert getattr(mintmark, name) is getattr(mintmark, name)
    assert set(mintmark.__all__) <= set(dir(mintmark))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_like_it"):
        mintmark.nothing_like_it  # noqa: B018


def test_the_ten_lines_of_the_docstring_work() -> None:
    example = (mintmark.__doc__ or "").partition("::")[2].partition("This is the front door")[0]
    names: dict[str, object] = {}
    exec("\n".join(line.strip() for line in example.splitlines()), names)
    assert names["claims"]["sub"] == "alice"  # type: ignore[index]
