"""What hides a member from ``repr`` hides it from everything that prints values."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import msgspec
import pytest
from rich.pretty import pretty_repr

import mintmark
from mintmark import Key, jwe
from mintmark._discreet import Discreet
from mintmark.authorization_server.oauth.client_auth import Credentials
from mintmark.authorization_server.people import NewPerson


def structs(base: type) -> Iterator[type]:
    for kind in base.__subclasses__():
        yield kind
        yield from structs(kind)


def test_every_struct_with_a_repr_of_its_own_is_discreet() -> None:
    floors = ("mintmark.jose", "mintmark.jwt", "mintmark.authorization_server")
    for module in pkgutil.walk_packages(mintmark.__path__, "mintmark."):
        if module.name.startswith(floors) and ".migrations" not in module.name:
            importlib.import_module(module.name)
    ours = [kind for kind in structs(msgspec.Struct) if kind.__module__.startswith("mintmark.")]
    assert len(ours) > 50
    speaking = {kind for kind in ours if "__repr__" in vars(kind)}
    assert speaking <= {kind for kind in ours if issubclass(kind, Discreet)}


SECRET = "s3cret-enough"


@pytest.mark.parametrize(
    "value",
    [
        NewPerson("alice", SECRET),
        Credentials("job", "client_secret_post", SECRET),
        jwe.decrypt(jwe.encrypt(SECRET.encode(), KEY := Key.generate("A256GCMKW")), KEY),
        Key.from_secret(SECRET.encode() * 4, alg="HS256").material,
    ],
    ids=lambda value: type(value).__name__,
)
def test_secrets_are_shown_by_nothing(value: object) -> None:
    for shown in (repr(value), str(value), f"{value}", pretty_repr(value), pretty_repr([value])):
        assert SECRET not in shown
        assert type(value).__name__ in shown
