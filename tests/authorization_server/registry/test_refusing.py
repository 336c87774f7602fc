"""What no command may do, each told in one line that names the entry and the fix."""

from __future__ import annotations

from typing import Any

import pytest

from mintmark.authorization_server.registry.planning import Present, Wanted
from mintmark.authorization_server.registry.refusing import refuse
from mintmark.authorization_server.settings import Settings
from mintmark.errors import ConfigurationError

from .given import (
    APP,
    DIGEST,
    JOB,
    ORDERS,
    client,
    client_row,
    file_says,
    present,
    resource,
    resource_row,
    settings,
    wanted,
)

OURS = settings(
    resources=[ORDERS], clients=[APP], demo=True, people=[{"username": "Alice", "password": "a long one"}]
)
BILLING = {"audience": "billing", "scopes": ["billing:read"]}
PARTNER = {"client_id": "partner", "resources": ["billing"], "scopes": ["billing:read"]}


def gone(**names: str) -> dict[str, Any]:
    return {f"removed_{table}": frozenset({name}) for table, name in names.items()}


REFUSED: dict[str, tuple[Settings, Present, Wanted, str]] = {
    "a client of the settings": (
        OURS,
        present(),
        wanted(client()),
        'clients: "app" is registered by the set',
    ),
    "its removal": (
        OURS,
        present(),
        wanted(**gone(clients="app")),
        'clients: "app" is registered by the set',
    ),
    "its secret": (OURS, present(), wanted(fresh_secrets=frozenset({"app"})), "change it there, and restart"),
    "a resource of the settings": (OURS, present(), wanted(resource()), 'resources: "orders" is registered'),
    "its removal, too": (
        OURS,
        present(),
        wanted(**gone(resources="orders")),
        'resources: "orders" is regist',
    ),
    "a client for a resource that is nowhere": (
        settings(),
        present(),
        wanted(client()),
        'clients: "app" resources: no resource has the audience "orders"',
    ),
    "a client for a resource that goes": (
        settings(),
        present(resource_row()),
        wanted(client(), **gone(resources="orders")),
        'no resource has the audience "orders"',
    ),
    "a resource that a client names": (
        settings(),
        present(resource_row(), client_row()),
        wanted(**gone(resources="orders")),
        'resources: "orders" is named by the client "app" (resources)',
    ),
    "a resource that a client is": (
        settings(),
        present(
            resource_row(), client_row(JOB, secret=DIGEST, resources=[], scopes=[], resource_server="orders")
        ),
        wanted(**gone(resources="orders")),
        'is named by the client "job" (resource_server)',
    ),
    "a scope that a client has": (
        settings(),
        present(resource_row(), client_row()),
        wanted(resource(scopes=["orders:write"])),
        'clients: "app" would be left behind: scopes: none of its resources has the scope "orders:read"',
    ),
}


@pytest.mark.parametrize(("ours", "there", "wish", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_in_one_line(ours: Settings, there: Present, wish: Wanted, told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        refuse(ours, there, wish)
    assert told in refused.value.message
    assert "\n" not in refused.value.message


def test_people_of_the_settings_are_changed_there() -> None:
    (person,) = file_says({"people": [{"username": "ALICE"}]}).people
    with pytest.raises(ConfigurationError, match='people: "alice" is registered by the settings file'):
        refuse(OURS, present(), Wanted(people={person.key: person}))


ADMITTED: dict[str, tuple[Settings, Present, Wanted]] = {
    "a client for a resource of the settings": (OURS, present(), wanted(client(client_id="other"))),
    "a resource and its client together": (settings(), present(), wanted(resource(), client())),
    "both go together": (
        settings(),
        present(resource_row(), client_row()),
        wanted(**gone(resources="orders", clients="app")),
    ),
    "a resource goes when its client no longer names it": (
        settings(resources=[BILLING]),
        present(resource_row(), client_row()),
        wanted(client(APP, resources=["billing"], scopes=["openid"]), **gone(resources="orders")),
    ),
    "what was broken before does not stand in the way": (
        settings(),
        present(client_row(resources=["gone"]), client_row(client_id="worse", of_the_future=1)),
        wanted(resource(audience="billing"), client(PARTNER | {"kind": "public"}, scopes=["orders:read"])),
    ),
}


@pytest.mark.parametrize(("ours", "there", "wish"), ADMITTED.values(), ids=ADMITTED.keys())
def test_it_is_admitted(ours: Settings, there: Present, wish: Wanted) -> None:
    refuse(ours, there, wish)
