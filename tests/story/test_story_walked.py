"""``mintmark demo --once``: the story walks by itself; a broken promise ends it; no log tells a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from http.cookies import Morsel
from pathlib import Path
from typing import Any

import pytest

from mintmark.demo import runner
from mintmark.demo.plan import PORTS
from mintmark.demo.runner import run
from mintmark.demo.stack import Stack
from mintmark.demo.story.steps import STORY
from mintmark.demo.story.web import Answer, Browser, query_of

TOKENS = frozenset({"access_token", "refresh_token", "id_token"})
SENT = TOKENS | {"code", "code_verifier", "id_token_hint", "password", "subject_token", "token"}
ANY_TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}")


@dataclass
class Eavesdropper:
    """Collects every secret that really went over the wire."""

    heard: dict[str, str] = field(default_factory=dict)

    def listen(self, answer: Answer, sent: Mapping[str, Any]) -> None:
        self._keep(SENT, sent.get("form") or {})
        self._keep(SENT, query_of(answer.url))
        self._keep(SENT, query_of(answer.headers.get("location", "")))
        self._keep(TOKENS, answer.json)
        credentials = (sent.get("headers") or {}).get("Authorization", "")
        self._keep({"authorization"}, {"authorization": credentials.partition(" ")[2]})

    def look_into(self, cookies: Mapping[str, Morsel[str]]) -> None:
        for name, morsel in cookies.items():
            self._keep({f"cookie {name}"}, {f"cookie {name}": morsel.value})

    def _keep(self, names: Set[str], fields: Mapping[str, Any]) -> None:
        for name in names & fields.keys():
            value = str(fields[name])
            if len(value) < 8:
                continue
            self.heard[value] = name
            if name == "refresh_token" and value.count(".") == 2:
                self.heard[value.rpartition(".")[2]] = "mac of a refresh token"


def test_p1_to_p11_the_story_holds_and_no_log_tells_a_secret(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ear = Eavesdropper()
    send = Browser.send

    def overheard(self: Browser, method: str, url: str, **sent: Any) -> Answer:
        answer = send(self, method, url, **sent)
        ear.listen(answer, sent)
        ear.look_into(self.cookies)
        return answer

    monkeypatch.setattr(Browser, "send", overheard)
    status = run(port, once=True, keep=tmp_path, log_level="debug")
    told = capsys.readouterr()
    assert status == 0, told.out
    assert told.out.count("✓") >= 70
    assert f"of {len(STORY)} steps held" in told.out

    secrets = dict(ear.heard)
    for file in tmp_path.glob("*.secret"):
        secrets[file.read_text()] = f"the client secret of {file.stem}"
    kinds = {kind.partition(" ")[0] for kind in secrets.values()}
    assert kinds >= {"code", "access_token", "refresh_token", "password", "cookie", "mac", "the"}
    logs = {path.name: path.read_text() for path in (tmp_path / "logs").iterdir()}
    assert logs.keys() == {f"{name}.log" for name in PORTS}
    assert all(logs.values()), "a log without a line proves nothing"
    events = {json.loads(line)["event"] for line in logs["issuer.log"].splitlines()}
    assert {"started", "tokens_issued", "signed_out"} <= events, "its log is JSON and tells what happened"
    for reason in ("token_expired", "scope_insufficient", "token_revoked", "signature_invalid"):
        assert reason in logs["orders.log"], "a refusal leaves a line that says why"
    for name, text in {**logs, "what the story printed": told.out}.items():
        assert ANY_TOKEN.search(text) is None, name
        leaked = {kind for secret, kind in secrets.items() if secret in text}
        assert leaked == set(), name


def test_p11_a_broken_promise_ends_the_story_with_status_1(
    port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """orders is made to forgive five minutes: the story must notice."""
    command = Stack._command

    def forgiving(self: Stack, name: str) -> list[str]:
        line = command(self, name)
        if name == "orders":
            line[line.index("--leeway") + 1] = "300"
        return line

    monkeypatch.setattr(Stack, "_command", forgiving)
    monkeypatch.setattr(runner, "STORY", (STORY[0], STORY[4], STORY[5]))
    assert run(port, once=True) == 1
    told = capsys.readouterr().out
    assert "✗ after its end orders refuses it, and says why" in told
    assert "expected 401 invalid_token token_expired, got 200" in told
    assert "The story stops here: 1 of" in told
    assert STORY[5].name not in told
