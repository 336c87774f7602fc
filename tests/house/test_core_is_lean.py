"""`pip install mintmark` stays a library: importing it pulls nothing that only servers need."""

from __future__ import annotations

import json
import subprocess
import sys


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_the_front_door_pulls_no_framework_database_or_network_client() -> None:
    loaded = modules_after("from mintmark import Key, KeySet, Issuer, Verifier, inspect, jws, jwe")
    heavy = {
        "starlette",
        "fastapi",
        "sqlalchemy",
        "typer",
        "rich",
        "pydantic",
        "urllib3",
        "uvicorn",
        "jinja2",
    }
    assert loaded & heavy == set()


def test_a_remote_key_source_pulls_no_network_client_before_its_first_fetch() -> None:
    loaded = modules_after(
        "from mintmark.resource_server import RemoteKeys\nRemoteKeys('https://auth.example.com')"
    )
    assert "urllib3" not in loaded
