"""The npm package @sd-jwt/jwt-status-list reads over HTTP what our server publishes."""

from __future__ import annotations

from pathlib import Path

from npm_peer import Peer

from authorization_server.running import Browser, Running
from authorization_server.status_lists import resources


def test_another_reader_sees_whose_grant_has_ended(npm_jose: Peer, tmp_path: Path) -> None:
    with Running(tmp_path, resources=resources("orders")) as server, Browser(server) as alice:
        tokens = [alice.tokens() for _ in range(3)]

        def seen(token: str) -> int:
            answer = npm_jose.ask("status", token=token, issuer=server.url, now=server.clock())
            assert answer["type"] == "application/statuslist+jwt"
            status: int = answer["status"]
            return status

        assert [seen(each["access_token"]) for each in tokens] == [0, 0, 0]
        alice.http.post("/revoke", data={"client_id": "app", "token": tokens[1]["refresh_token"]})
        server.clock.advance(1)  # so often the server looks what has become INVALID
        assert [seen(each["access_token"]) for each in tokens] == [0, 1, 0]
