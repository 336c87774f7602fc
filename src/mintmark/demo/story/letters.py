"""Two systems with keys of their own exchange a letter that is signed and encrypted (P4, P6)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from mintmark.demo.letterbox import LETTER, RECIPIENT, SENDER
from mintmark.demo.serving import HOST
from mintmark.demo.story.checks import Check, equal, holds
from mintmark.demo.story.web import Answer
from mintmark.demo.story.world import World
from mintmark.jose.jwk import Key
from mintmark.jwt import Issuer

__all__ = ["secret_message"]

SECRET: Final = "twelve silver pennies, to be delivered at night"  # noqa: S105 — the letter, not a credential


def secret_message(world: World) -> Iterator[Check]:
    """System A (this process) writes to System B (another one)."""
    key = Key.generate("ES256")
    sender = Issuer(SENDER, key)
    (world.stack.directory / "system-a.json").write_text(json.dumps(key.to_jwk()))
    with _system_b(world) as b:
        recipient = Key.from_jwk(b["key"])
        url = f"http://{HOST}:{b['port']}/"

        elsewhere = Key.generate(recipient.alg)

        def letter(audience: str = RECIPIENT, issuer: Issuer = sender, to: Key = recipient) -> str:
            return issuer.issue(
                audience=audience, lifetime=60, typ=LETTER, claims={"letter": SECRET}, encrypt_to=to
            )

        def post(text: str) -> Answer:
            return world.web.send("POST", url, text=text)

        good = letter()
        yield equal("what travels is encrypted: five parts", good.count(".") + 1, 5)
        answer = post(good)
        yield equal("B opens it and finds A's words", answer.json.get("letter"), SECRET)
        yield equal("and knows whose they are", answer.json.get("from"), SENDER)
        for what, text, reason in (
            ("a letter that was changed on its way", _spoilt(good), "decryption_failed"),
            ("a letter for somebody else", letter(audience="system-c"), "claim_mismatch"),
            (
                "a letter that only somebody else can open",
                letter(to=elsewhere),
                "decryption_failed",
            ),
            ("a letter of a stranger in A's name", letter(issuer=_stranger(key)), "signature_invalid"),
        ):
            refused = post(text)
            yield equal(f"{what} is refused", f"{refused.status} {refused.json.get('code')}", f"400 {reason}")
        yield holds("no refusal tells what was inside", SECRET.encode() not in refused.body)


def _stranger(key: Key) -> Issuer:
    return Issuer(SENDER, Key.generate(key.alg, kid=key.kid))


def _spoilt(letter: str) -> str:
    parts = letter.split(".")
    text = parts[3]
    parts[3] = ("A" if text[0] != "A" else "B") + text[1:]
    return ".".join(parts)


@contextmanager
def _system_b(world: World) -> Iterator[Mapping[str, Any]]:
    command = ["-P", "-m", "mintmark.demo.tether", "mintmark.demo.letterbox", "--sender-key", "system-a.json"]
    with subprocess.Popen(  # noqa: S603 — our own interpreter and module
        [sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=world.stack.directory,
        start_new_session=True,
    ) as process:
        assert process.stdout  # noqa: S101
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
