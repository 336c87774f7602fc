"""System A sends an order: signed by A, then encrypted to B. Then it tries what B must refuse."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

from mintmark import Issuer, Key

ORDER = {"number": "2026-118", "article": "silver penny", "quantity": 12, "price": "86.40 EUR"}


class SystemA:
    def __init__(self, keys: Path) -> None:
        self.issuer = Issuer("system-a", Key.from_file(keys / "system-a" / "private.json"))
        self.key_of_b = Key.from_file(keys / "system-b" / "public.json")
        self.key_of_c = Key.from_file(keys / "system-c" / "public.json")

    def letter(self, *, audience: str = "system-b", to: Key | None = None) -> str:
        """Sign the order and encrypt it: nobody on the way can read it, and B knows that it is from A."""
        return self.issuer.issue(
            audience=audience,
            lifetime=60,
            typ="order+jwt",
            claims={"order": ORDER},
            encrypt_to=to or self.key_of_b,
        )


def send(url: str, letter: str) -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(url, letter.encode(), {"Content-Type": "application/jose"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
    except urllib.error.URLError as error:
        sys.exit(f"A: nobody answers at {url} ({error.reason}); start system_b.py first")


def tampered(letter: str) -> str:
    """Change one letter in the middle of the ciphertext."""
    header, key, iv, text, tag = letter.split(".")
    middle = len(text) // 2
    return ".".join(
        (header, key, iv, f"{text[:middle]}{'A' if text[middle] != 'A' else 'B'}{text[middle + 1 :]}", tag)
    )


def main(url: str, keys: Path) -> int:
    a = SystemA(keys)
    good = a.letter()
    cases = (
        ("an order", good, 200, ""),
        ("the same letter again", good, 409, "delivered_before"),
        ("a tampered one", tampered(a.letter()), 400, "decryption_failed"),
        ("one meant for somebody else", a.letter(audience="system-c"), 400, "claim_mismatch"),
        ("one that only somebody else can open", a.letter(to=a.key_of_c), 400, "decryption_failed"),
    )
    as_it_should = True
    for what, letter, expected, reason in cases:
        status, answer = send(url, letter)
        as_it_should &= status == expected and answer.get("error", "") == reason
        print(f"A: sent {what}: {status} {answer.get('accepted') or answer.get('error')}")
    return 0 if as_it_should else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else "keys")))
