"""Each system makes one key for itself and gives the public half to the other.

Here one program plays both, to have the files in place. In earnest each runs its own half on its own machine,
and only ``public.json`` ever travels, by a way on which it cannot be replaced.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from mintmark import Key

KEYS = {
    "system-a": "ES256",  # A signs
    "system-b": "ECDH-ES+A256KW",  # B decrypts
    "system-c": "ECDH-ES+A256KW",  # somebody else
}


def write(path: Path, jwk: dict[str, object], mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        json.dump(jwk, file, indent=2)


def main(directory: Path) -> None:
    for system, alg in KEYS.items():
        folder = directory / system
        folder.mkdir(parents=True, exist_ok=True)
        key = Key.generate(alg)
        write(folder / "private.json", key.to_jwk(private=True), 0o600)
        write(folder / "public.json", key.to_jwk(), 0o644)
        print(f"{system}: {alg} key {key.kid}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "keys"))
