"""verify --issuer: discovery and keys fetched from a running service."""

from __future__ import annotations

import time
from pathlib import Path

from authorization_server.running import Browser, Running

from .conftest import Run


def test_the_keys_are_fetched_from_the_issuer(run: Run, tmp_path: Path) -> None:
    with Running(tmp_path) as server, Browser(server) as browser:
        server.clock.now = time.time()
        tokens = browser.tokens()
        checks = ["--issuer", server.url, "--audience", "orders", "--kind", "access-token"]
        good = run("verify", tokens["access_token"], *checks)
        assert good.status == 0, good.err
        assert run("verify", tokens["id_token"], *checks).status == 1
        identity = run(
            "verify", tokens["id_token"], "--issuer", server.url, "--audience", "app", "--kind", "id-token"
        )
        assert identity.status == 0, identity.err
    gone = run("verify", tokens["access_token"], *checks)
    assert gone.status == 2
    assert gone.err.count("\n") == 1
