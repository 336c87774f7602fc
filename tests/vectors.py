"""Loads the test vectors, which live beside the repository and are never copied into it.

The folder is ``MINTMARK_VECTORS``, else ``../shared/vectors`` from the repository root. Where it is absent,
the tests that need it skip and say so.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(os.environ.get("MINTMARK_VECTORS") or Path(__file__).parents[2] / "shared" / "vectors")

needs_vectors = pytest.mark.skipif(
    not ROOT.is_dir(), reason=f"the test vectors are not at {ROOT} (set MINTMARK_VECTORS)"
)


@dataclass(frozen=True)
class Case:
    """One line of public.jsonl or generated.jsonl; the README beside them explains the fields."""

    fields: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.fields["id"])

    @property
    def kind(self) -> str:
        return str(self.fields["class"])

    @property
    def op(self) -> str:
        return str(self.fields["op"])

    @property
    def level(self) -> str:
        return str(self.fields["level"])

    @property
    def is_valid(self) -> bool:
        return bool(self.fields["expect"] == "valid")

    @property
    def is_binding(self) -> bool:
        """Whether a right answer is asked for, rather than a stated choice."""
        return self.level in ("must", "should")

    @property
    def alg(self) -> str | None:
        """The algorithm that the caller says the key is for, where the key does not say it."""
        alg = self.fields["needs"].get("alg")
        return None if alg is None else str(alg)

    @property
    def input(self) -> Any:
        if "input_z" in self.fields:
            return zlib.decompress(base64.b64decode(self.fields["input_z"])).decode()
        return self.fields.get("input")

    @property
    def detached(self) -> bytes | None:
        return bytes.fromhex(self.fields["detached"]) if self.fields.get("detached") is not None else None

    @property
    def payload(self) -> bytes | None:
        return bytes.fromhex(self.fields["payload"]) if self.fields.get("payload") is not None else None


def cases(ops: Iterable[str], *, without: Iterable[str] = ()) -> list[Any]:
    """Return pytest parameters for the cases of these operations, leaving out whole classes by name."""
    wanted, unwanted = set(ops), set(without)
    found = []
    for name in ("public.jsonl", "generated.jsonl"):
        path = ROOT / name
        for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
            case = Case(json.loads(line))
            if case.op in wanted and case.kind not in unwanted:
                found.append(pytest.param(case, id=case.id))
    return found


def load(*parts: str) -> Any:
    """Return the JSON of a file below the folder of vectors."""
    return json.loads((ROOT.joinpath(*parts)).read_text("utf-8"))
