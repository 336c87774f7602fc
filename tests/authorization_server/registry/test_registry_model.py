"""Arbitrary sequences of commands against a real database.

Whatever is asked for, and whatever of it is refused:
- a refused command changes nothing, and a command that was carried out is nothing to do a second time;
- no command leaves a registration behind that the service would have to leave out;
- a client has the secret that it was given last, and until its moment the one before; nobody has another;
- a grant goes on exactly as long as its client is there.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from mintmark.authorization_server.registrations import Client, Resource
from mintmark.authorization_server.registry.carrying_out import Done, carry_out, look
from mintmark.authorization_server.registry.client_secrets import secret_digest
from mintmark.authorization_server.registry.documents import OUR_SECRET
from mintmark.authorization_server.registry.merging import merged
from mintmark.authorization_server.registry.planning import Present, Wanted
from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.storage.repositories import grants, registrations
from mintmark.errors import ConfigurationError

from ..storage.rows import GRANT, add_alice
from .given import NOW, settings

OURS = settings(resources=[{"audience": "fixed", "scopes": ["fixed:read"]}])
AUDIENCES = ("a", "b", "fixed")
CLIENTS = ("x", "y", "z")
SCOPES = ("read", "write", "fixed:read")

some = st.lists(st.sampled_from(AUDIENCES), unique=True, max_size=2)
resources = st.builds(
    lambda audience, scopes: Resource(audience=audience, scopes=tuple(scopes)),
    st.sampled_from(AUDIENCES[:2]),
    st.lists(st.sampled_from(SCOPES[:2]), unique=True),
)


def a_client(name: str, public: bool, audiences: list[str], scopes: list[str]) -> Client:
    said: dict[str, Any] = {"client_id": name, "resources": audiences, "scopes": scopes}
    secret = {} if public else {"client_secret_sha256": OUR_SECRET}
    return Client.model_validate({**said, "kind": "public" if public else "confidential", **secret})


clients = st.builds(
    a_client,
    st.sampled_from(CLIENTS),
    st.booleans(),
    some,
    st.lists(st.sampled_from(SCOPES), unique=True, max_size=2),
)


class Registrations(RuleBasedStateMachine):
    empty: Path | None = None

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        if self.empty is not None:
            shutil.copy(self.empty, self.folder / "x.db")
        self.db = Database.open(f"sqlite:///{self.folder / 'x.db'}")
        self.now = NOW
        self.secrets: dict[str, str] = {}
        self.previous: dict[str, tuple[str, float]] = {}
        self.granted: set[str] = set()

    def teardown(self) -> None:
        self.db.close_now()
        shutil.rmtree(self.folder)

    @initialize()
    def somebody_signs_in(self) -> None:
        self.db.write_now(add_alice)

    def rows(self) -> Any:
        return self.db.read_now(registrations.every)

    def do(self, want: Callable[[Present], Wanted]) -> Done | None:
        before = self.rows()
        try:
            done = carry_out(self.db, OURS, want, self.now)
        except ConfigurationError:
            assert self.rows() == before
            return None
        for client_id, secret in done.secrets.items():
            self.secrets[client_id] = secret
            self.previous.pop(client_id, None)
        for change in done.changes:
            if change.table == "clients" and change.action == "remove":
                self.granted = {grant for grant in self.granted if not grant.startswith(f"{change.name} ")}
            if change.table == "clients" and not self.is_confidential(change.name):
                self.secrets.pop(change.name, None)
                self.previous.pop(change.name, None)
        return done

    def is_confidential(self, client_id: str) -> bool:
        return any(row.client_id == client_id and row.secret_sha256 is not None for row in self.rows()[1])

    @rule(
        said=st.lists(resources, unique_by=lambda each: each.audience),
        named=st.lists(clients, unique_by=lambda each: each.client_id),
        prune=st.booleans(),
    )
    def a_file_is_applied(self, said: list[Resource], named: list[Client], prune: bool) -> None:
        kept, known = {each.audience: each for each in said}, {each.client_id: each for each in named}

        def want(there: Present) -> Wanted:
            return Wanted(
                resources=kept,
                clients=known,
                removed_resources=frozenset(there.resources.keys() - kept.keys()) if prune else frozenset(),
                removed_clients=frozenset(there.clients.keys() - known.keys()) if prune else frozenset(),
                is_whole=True,
            )

        if self.do(want) is not None:
            assert not any(change.is_due for change in look(self.db, OURS, want).changes)

    @rule(client=clients)
    def one_client_is_put(self, client: Client) -> None:
        self.do(lambda there: Wanted(clients={client.client_id: client}))

    @rule(resource=resources)
    def one_resource_is_put(self, resource: Resource) -> None:
        self.do(lambda there: Wanted(resources={resource.audience: resource}))

    @rule(name=st.sampled_from(CLIENTS))
    def a_client_is_removed(self, name: str) -> None:
        self.do(lambda there: Wanted(removed_clients=frozenset({name})))

    @rule(name=st.sampled_from(AUDIENCES))
    def a_resource_is_removed(self, name: str) -> None:
        self.do(lambda there: Wanted(removed_resources=frozenset({name})))

    @rule(name=st.sampled_from(CLIENTS), overlap=st.sampled_from([0.0, 50.0]))
    def a_client_gets_another_secret(self, name: str, overlap: float) -> None:
        if not self.is_confidential(name):
            return
        before = self.secrets[name]
        done = self.do(lambda there: Wanted(fresh_secrets=frozenset({name}), overlap=overlap))
        assert done is not None
        assert done.secrets[name] != before
        if overlap:
            self.previous[name] = (before, self.now + overlap)

    @rule(name=st.sampled_from(CLIENTS))
    def somebody_gives_a_grant(self, name: str) -> None:
        if any(row.client_id == name for row in self.rows()[1]):
            grant_id = f"{name} {len(self.granted)} {self.now}"
            if grant_id not in self.granted:
                self.granted.add(grant_id)
                given = replace(GRANT, grant_id=grant_id, client_id=name)
                self.db.write_now(lambda c: grants.insert(c, given))

    @rule(seconds=st.sampled_from([1.0, 30.0, 50.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def nothing_is_left_out_and_everybody_has_the_right_secret(self) -> None:
        catalogue, left_out = merged(OURS, *self.rows())
        assert left_out == ()
        for client in catalogue.clients.values():
            expected = set()
            if not client.is_public:
                expected.add(secret_digest(self.secrets[client.client_id]))
                before, until = self.previous.get(client.client_id, ("", 0.0))
                expected |= {secret_digest(before)} if self.now < until else set()
            assert set(client.secret_digests(self.now)) - {OUR_SECRET} == expected

    @invariant()
    def grants_go_on_as_long_as_their_clients(self) -> None:
        live = self.db.read_now(lambda c: grants.live(c, person_id="p_alice"))
        assert {grant.grant_id for grant in live} == self.granted
        assert {grant.client_id for grant in live} <= {row.client_id for row in self.rows()[1]}


def test_no_sequence_of_commands_leaves_anything_half_done(empty_database: Path) -> None:
    class OnACopy(Registrations):
        empty = empty_database  # migrating costs more than most sequences

    run_state_machine_as_test(OnACopy, settings=examples(max_examples=30, stateful_step_count=20))
