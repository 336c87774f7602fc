"""P13: claims as the application's own types."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import msgspec
import pytest
from tokens import claims, token, verifier

from mintmark.errors import ConfigurationError, ErrorCode, InvalidClaim


@dataclass(frozen=True)
class Frozen:
    sub: str
    scope: str = ""
    roles: tuple[str, ...] = ()


class Typed(TypedDict):
    sub: str
    exp: int


class Fast(msgspec.Struct, frozen=True):
    sub: str
    roles: list[str] = []


@dataclass
class Strict:
    sub: str
    tenant: int


def test_a_dataclass() -> None:
    found = verifier(into=Frozen).verify(token(claims(scope="a b", roles=["x"])))
    assert found == Frozen("alice", "a b", ("x",))


def test_a_typed_dict() -> None:
    found: Any = verifier(into=Typed).verify(token())
    assert found == {"sub": "alice", "exp": 1_800_000_600}


def test_a_struct() -> None:
    assert verifier(into=Fast).verify(token(claims(roles=["x"]))) == Fast("alice", ["x"])


def test_a_pydantic_model() -> None:
    pydantic = pytest.importorskip("pydantic")
    model = pydantic.create_model("Model", sub=(str, ...), tenant=(int, ...))
    assert verifier(into=model).verify(token(claims(tenant=7))).tenant == 7
    with pytest.raises(InvalidClaim) as caught:
        verifier(into=model).verify(token(claims(tenant="s3cret")))
    assert caught.value.claim == "tenant"
    assert "s3cret" not in str(caught.value.details())


@pytest.mark.parametrize("changes", [{}, {"tenant": "7"}, {"tenant": "s3cret"}, {"tenant": None}], ids=repr)
def test_claims_that_do_not_fit_are_refused_as_such(changes: dict[str, Any]) -> None:
    checker = verifier(into=Strict)
    for _ in range(2):
        with pytest.raises(InvalidClaim) as caught:
            checker.verify(token(claims(**changes)))
        assert caught.value.code == ErrorCode.CLAIM_MALFORMED
        assert "s3cret" not in str(caught.value.details())
    assert [problem.expected for problem in checker.check(token(claims(**changes)))] == ["Strict"]


@pytest.mark.parametrize("into", [int, str, dict, list, object, "Strict", 5, len], ids=repr)
def test_other_types_are_refused_when_the_verifier_is_made(into: Any) -> None:
    with pytest.raises(ConfigurationError):
        verifier(into=into)


def test_a_type_that_json_cannot_fill_is_refused_when_the_verifier_is_made() -> None:
    @dataclass
    class Impossible:
        sub: int | str | bytes | complex | type

    with pytest.raises(ConfigurationError):
        verifier(into=Impossible)


def test_without_into_pydantic_is_never_imported() -> None:
    code = "import mintmark, sys; mintmark.Verifier; assert 'pydantic' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


SNIPPET = """
from dataclasses import dataclass
from typing import TypedDict, assert_type
from mintmark import ACCESS_TOKEN, Claims, Key, Verifier, Verifiers

@dataclass
class Person:
    sub: str

class Shape(TypedDict):
    sub: str

key = Key.generate("HS256")
plain = Verifier(issuer="i", audience="a", keys=key, profile=ACCESS_TOKEN, leeway=5)
typed = Verifier(issuer="i", audience="a", keys=key, into=Person, cache=None)
shaped = Verifier(issuer="i", audience="a", keys=key, into=Shape)
assert_type(plain.verify("t"), Claims)
assert_type(typed.verify("t"), Person)
assert_type(shaped.verify("t"), Shape)
assert_type(Verifiers({"i": typed}).verify("t"), Person)
assert_type(plain.verify("t").subject, str | None)

async def later() -> None:
    assert_type(await typed.averify("t"), Person)
"""


def test_a_type_checker_knows_what_comes_out(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "snippet.py").write_text(SNIPPET)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "snippet.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
