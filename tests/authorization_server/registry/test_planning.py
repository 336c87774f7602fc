"""The plan: a table of what is there, what is wanted, and what differs. No database, no clock."""

from __future__ import annotations

from typing import Any

import pytest

from mintmark.authorization_server.registry.planning import (
    Action,
    Change,
    Member,
    Present,
    Table,
    Wanted,
    plan,
)
from mintmark.authorization_server.storage.records import Person

from .given import (
    APP,
    DIGEST,
    JOB,
    OTHER_DIGEST,
    client,
    client_row,
    file_says,
    present,
    resource,
    resource_row,
    wanted,
)


def change(table: Table, called: str, action: Action, /, **members: tuple[Any, Any]) -> Change:
    return Change(table, called, action, tuple(Member(member, *values) for member, values in members.items()))


CLIENTS, RESOURCES, PEOPLE = Table.CLIENTS, Table.RESOURCES, Table.PEOPLE
SECRET_MADE = {"client_secret": (None, "made")}
TABLE: dict[str, tuple[Present, Wanted, list[Change]]] = {
    "nothing, and nothing is wanted": (present(), wanted(), []),
    "a new resource": (
        present(),
        wanted(resource()),
        [change(RESOURCES, "orders", Action.ADD, scopes=(None, ["orders:read", "orders:write"]))],
    ),
    "the same resource": (present(resource_row()), wanted(resource()), []),
    "a default that is said is no difference": (
        present(resource_row()),
        wanted(resource(descriptions={}, name=None)),
        [],
    ),
    "one member more, one less": (
        present(resource_row(name="Orders")),
        wanted(resource(descriptions={"orders:read": "See"})),
        [
            change(
                RESOURCES,
                "orders",
                Action.CHANGE,
                descriptions=(None, {"orders:read": "See"}),
                name=("Orders", None),
            )
        ],
    ),
    "the order of a list is a difference: the first resource is the default": (
        present(client_row(resources=["orders", "billing"])),
        wanted(client(resources=["billing", "orders"])),
        [change(CLIENTS, "app", Action.CHANGE, resources=(["orders", "billing"], ["billing", "orders"]))],
    ),
    "the order of a mapping is none": (
        present(resource_row(descriptions={"orders:write": "b", "orders:read": "a"})),
        wanted(resource(descriptions={"orders:read": "a", "orders:write": "b"})),
        [],
    ),
    "a public client has no secret": (present(client_row()), wanted(client()), []),
    "a confidential client that names no secret keeps its own": (
        present(client_row(JOB, secret=DIGEST)),
        wanted(client(JOB)),
        [],
    ),
    "one that has lost its secret gets another": (
        present(client_row(JOB)),
        wanted(client(JOB)),
        [change(CLIENTS, "job", Action.CHANGE, **SECRET_MADE)],
    ),
    "a public client becomes confidential": (
        present(client_row()),
        wanted(client(kind="confidential")),
        [change(CLIENTS, "app", Action.CHANGE, kind=("public", "confidential"), **SECRET_MADE)],
    ),
    "a confidential client becomes public": (
        present(client_row(kind="confidential", secret=DIGEST)),
        wanted(client()),
        [
            change(
                CLIENTS,
                "app",
                Action.CHANGE,
                kind=("confidential", "public"),
                client_secret=("kept", None),
            )
        ],
    ),
    "a secret that the file names": (
        present(client_row(JOB, secret=DIGEST)),
        wanted(client(JOB, client_secret_sha256=DIGEST)),
        [],
    ),
    "another one": (
        present(client_row(JOB, secret=DIGEST)),
        wanted(client(JOB, client_secret_sha256=OTHER_DIGEST)),
        [change(CLIENTS, "job", Action.CHANGE, client_secret=("kept", "named"))],
    ),
    "a fresh secret": (
        present(client_row(JOB, secret=DIGEST)),
        wanted(fresh_secrets=frozenset({"job"})),
        [change(CLIENTS, "job", Action.CHANGE, client_secret=("kept", "made"))],
    ),
    "what is not in a whole file is told, and stays": (
        present(client_row(), resource_row()),
        wanted(is_whole=True),
        [change(CLIENTS, "app", Action.LEAVE), change(RESOURCES, "orders", Action.LEAVE)],
    ),
    "of one change nothing else is told": (present(client_row(), resource_row()), wanted(), []),
    "what goes, goes from the outside in": (
        present(resource_row(), client_row(), client_row(JOB, secret=DIGEST)),
        wanted(
            client(name="App"),
            removed_resources=frozenset({"orders"}),
            removed_clients=frozenset({"job"}),
            is_whole=True,
        ),
        [
            change(CLIENTS, "app", Action.CHANGE, name=(None, "App")),
            change(CLIENTS, "job", Action.REMOVE),
            change(RESOURCES, "orders", Action.REMOVE),
        ],
    ),
    "what cannot be read is replaced": (
        present(client_row(of_the_future=1)),
        wanted(client()),
        [change(CLIENTS, "app", Action.CHANGE, of_the_future=(1, None))],
    ),
}


@pytest.mark.parametrize(("there", "wish", "expected"), TABLE.values(), ids=TABLE.keys())
def test_a_plan_is_what_differs(there: Present, wish: Wanted, expected: list[Change]) -> None:
    assert list(plan(there, wish)) == expected
    if not any(each.is_due for each in expected):
        assert not any(each.makes_secret for each in plan(there, wish))


ALICE = Person("p_1", "Alice", name="Alice", roles=("clerk",), attributes={"floor": 3})
PERSON = {"username": "alice", "name": "Alice", "roles": ["clerk"], "attributes": {"floor": 3}}
PEOPLE_TABLE: dict[str, tuple[dict[str, Any], dict[str, tuple[Any, Any]]]] = {
    "the same": ({"username": "Alice"}, {}),
    "another spelling of the name": ({}, {"username": ("Alice", "alice")}),
    "what is not said has its default": (
        {"username": "Alice", "roles": []},
        {"roles": (["clerk"], None)},
    ),
    "an email, and groups": (
        {"username": "Alice", "email": "a@example.org", "groups": ["night shift"]},
        {"email": (None, "a@example.org"), "groups": (None, ["night shift"])},
    ),
    "a password is for the first time": ({"username": "Alice", "password_file": "nowhere"}, {}),
}


@pytest.mark.parametrize(("said", "expected"), PEOPLE_TABLE.values(), ids=PEOPLE_TABLE.keys())
def test_people_are_brought_to_the_file(said: dict[str, Any], expected: dict[str, tuple[Any, Any]]) -> None:
    (person,) = file_says({"people": [PERSON | said]}).people
    wish = Wanted(people={person.key: person})
    changes = plan(Present(people={"alice": ALICE}), wish)
    members = {member.name: (member.before, member.after) for each in changes for member in each.members}
    assert members == expected
    (added,) = plan(Present(), wish)
    assert (added.table, added.action) == (PEOPLE, Action.ADD)
    assert "password" not in str(added)


def test_a_plan_holds_no_digest_of_a_secret() -> None:
    there = present(client_row(JOB, secret=DIGEST))
    for wish in (
        wanted(client(JOB, client_secret_sha256=OTHER_DIGEST)),
        wanted(client(APP | {"client_id": "job"})),
        wanted(fresh_secrets=frozenset({"job"})),
    ):
        told = repr(plan(there, wish)) + repr(there) + repr(wish)
        assert DIGEST not in told
        assert OTHER_DIGEST not in told
