"""A domain without endpoints, and a clock that stands still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

from mintmark.authorization_server.keys import KeyEncryption, ServerSecrets
from mintmark.authorization_server.people import (
    HashingPolicy,
    NewPerson,
    PasswordHasher,
    People,
    Recognised,
    SlowDown,
)
from mintmark.authorization_server.revocation import DenyLog
from mintmark.authorization_server.sessions import (
    CodeRequest,
    Granted,
    Refreshed,
    RefreshPolicy,
    Refused,
    SessionPolicy,
    Sessions,
)
from mintmark.authorization_server.sessions.tokens import b64url_sha256
from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.storage.records import DenyEntry, Event, Person, SignIn
from mintmark.authorization_server.storage.repositories import events
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet

START = 1_800_000_000.0
VERIFIER = "v" * 43
CHEAP = HashingPolicy(memory_kib=64, passes=1, workers=2)
PASSWORD = "a calm and legible phrase"
REFRESH = RefreshPolicy(idle=1000.0, absolute=5000.0, grace=30.0)
POLICY = SessionPolicy(access_token_lifetime=600.0, sign_in_idle=7200.0, sign_in_absolute=86400.0)


class Begun(NamedTuple):
    """A new sign-in, and the cookie that stands for it."""

    sign_in: SignIn
    cookie: str


@dataclass
class World:
    db: Database
    sealer: KeyEncryption
    secrets: ServerSecrets
    deny_log: DenyLog
    sessions: Sessions
    people: People
    now: float = START
    alice: Person = None  # type: ignore[assignment] # set by begin

    @classmethod
    async def begin(cls, url: str) -> Self:
        db = Database.open(url)
        kek = KeySet([Key.from_secret(b"kek " * 8, alg="A256KW")])
        sealer = KeyEncryption(lambda: kek, source="the test")
        secrets = ServerSecrets.load(db, sealer)
        deny_log = DenyLog(db, clock=lambda: world.now)
        world = cls(
            db=db,
            sealer=sealer,
            secrets=secrets,
            deny_log=deny_log,
            sessions=Sessions(db, secrets, deny_log, POLICY),
            people=People(db, secrets, hasher=PasswordHasher(CHEAP)),
        )
        await deny_log.start(world.now)
        world.alice = await world.people.ensure(NewPerson("alice", PASSWORD), world.now)
        return world

    async def end(self) -> None:
        self.people.close()
        await self.db.close()

    async def sign_in(self, person: Person | None = None) -> SignIn:
        return (await self.new_sign_in((person or self.alice).person_id, self.now)).sign_in

    async def new_sign_in(self, person_id: str, now: float, **how: object) -> Begun:
        beginning = self.sessions.beginning(person_id, now, **how)  # type: ignore[arg-type]
        return Begun(await self.sessions.sign_in(beginning), beginning.cookie)

    async def try_password(
        self,
        name: str,
        password: str,
        *,
        network: str = "192.0.2.1",
        device: str | None = None,
        people: People | None = None,
    ) -> Person | SlowDown | None:
        """Try it, and settle what was right."""
        outcome = await (people or self.people).check_password(
            name, password, network=network, now=self.now, device=device
        )
        if not isinstance(outcome, Recognised):
            return outcome
        await self.db.write(outcome.settle)
        return outcome.person

    def request(
        self, sign_in: SignIn, *, client_id: str = "app", scope: str = "openid orders"
    ) -> CodeRequest:
        return CodeRequest(
            client_id=client_id,
            person_id=sign_in.person_id,
            sid=sign_in.sid,
            redirect_uri="https://app.example/callback",
            code_challenge=b64url_sha256(VERIFIER),
            scope=tuple(scope.split()),
            resources=("orders", "billing"),
            auth_time=sign_in.auth_time,
            nonce="n",
        )

    async def redeem(self, code: str, **changes: object) -> Granted | Refused:
        arguments = {
            "client_id": "app",
            "redirect_uri": None,
            "code_verifier": VERIFIER,
            "now": self.now,
            "refresh": REFRESH,
        }
        return await self.sessions.redeem_code(code, **{**arguments, **changes})  # type: ignore[arg-type]

    async def grant(
        self, sign_in: SignIn | None = None, *, client_id: str = "app", scope: str = "openid orders"
    ) -> Granted:
        """A fresh grant of alice to a client."""
        sign_in = sign_in or await self.sign_in()
        code = await self.sessions.create_code(
            self.request(sign_in, client_id=client_id, scope=scope), self.now
        )
        granted = await self.redeem(code, client_id=client_id)
        assert isinstance(granted, Granted)
        return granted

    async def refresh(
        self, token: str, *, client_id: str = "app", policy: RefreshPolicy = REFRESH, **narrower: object
    ) -> Refreshed | Refused:
        return await self.sessions.refresh(
            token,
            client_id=client_id,
            now=self.now,
            policy=policy,
            **narrower,  # type: ignore[arg-type]
        )

    def denied(self) -> list[tuple[str, str]]:
        """What the deny log holds now, as (kind, value)."""
        return [(str(entry.kind), entry.value) for entry in self.entries()]

    def entries(self) -> tuple[DenyEntry, ...]:
        return self.deny_log.entries_after(0, self.now)

    def events(self, kind: str) -> tuple[Event, ...]:
        return self.db.read_now(lambda connection: events.latest(connection, kind=kind))
