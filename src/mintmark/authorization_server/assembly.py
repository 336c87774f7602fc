"""Opening the service's parts in order, for the server and for the command line alike."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from mintmark.authorization_server.claims import ClaimHook, Wanted, extra_claims
from mintmark.authorization_server.keys import KeyPolicy, ServerSecrets, SigningKeys, open_sealer
from mintmark.authorization_server.oauth.service import Service
from mintmark.authorization_server.oauth.tokens import TokenMint
from mintmark.authorization_server.people import People
from mintmark.authorization_server.registry import Registry
from mintmark.authorization_server.revocation import (
    STATUS_LIST_LIFETIME,
    DenyLog,
    StatusIndexes,
    StatusLists,
)
from mintmark.authorization_server.sessions import SessionPolicy, Sessions
from mintmark.authorization_server.settings import Settings
from mintmark.authorization_server.storage import Connection, Database
from mintmark.authorization_server.storage.repositories import signing_keys
from mintmark.authorization_server.web.pages import Pages

__all__ = ["key_policy", "opened", "session_policy"]


@contextlib.asynccontextmanager
async def opened(
    settings: Settings,
    *,
    clock: Callable[[], float] = time.time,
    heartbeat: float = 15.0,
    create: bool = True,
    claims_hook: ClaimHook | None = None,
) -> AsyncIterator[Service]:
    """Open database, keys and deny log, and close them in the opposite order.

    :param create: make a database where there is none.
    :param claims_hook: adds to tokens what no rule can say.
    :raises ConfigurationError: one line: no such or a newer database, a key file with wrong rights, or
        nowhere to keep the key-encryption key.
    """
    database = Database.open(settings.database, create=create)
    try:
        service = _assemble(settings, database, clock, heartbeat, claims_hook)
        try:
            await service.keys.start(clock())
            await service.deny_log.start(clock())
            await service.registry.start(clock())
            yield service
        finally:
            service.people.close()
    finally:
        await database.close()


def key_policy(settings: Settings) -> KeyPolicy:
    """Return the schedule of the signing keys."""
    tokens, schedule = settings.tokens, settings.keys
    return KeyPolicy(
        rotate_every=schedule.rotate_every,
        publish_ahead=schedule.publish_ahead,
        jwks_max_age=schedule.jwks_max_age,
        token_lifetime=max(tokens.access_token_lifetime, tokens.id_token_lifetime, STATUS_LIST_LIFETIME),
        skew=schedule.clock_skew,
    )


def session_policy(settings: Settings, connection: Connection) -> SessionPolicy:
    """Return how long sign-ins, codes and denials last."""
    tokens = settings.tokens
    # tokens may be about from before the settings made their lives shorter
    earlier = (record.token_lifetime for record, _ in signing_keys.every(connection))
    return SessionPolicy(
        access_token_lifetime=max((tokens.access_token_lifetime, *earlier)),
        code_lifetime=tokens.code_lifetime,
        sign_in_idle=tokens.sign_in_idle,
        sign_in_absolute=tokens.sign_in_absolute,
    )


def _assemble(
    settings: Settings,
    database: Database,
    clock: Callable[[], float],
    heartbeat: float,
    claims_hook: ClaimHook | None,
) -> Service:
    deny_log = DenyLog(database, clock=clock)
    sealer = open_sealer(database, key_file=Path(settings.key_file) if settings.key_file else None)
    secrets = ServerSecrets.load(database, sealer)
    keys = SigningKeys(database, sealer, key_policy(settings), deny_log)
    registry = Registry(database, settings)
    policy = database.read_now(lambda connection: session_policy(settings, connection))

    def extra(wanted: Wanted) -> Mapping[str, Any]:
        return extra_claims(registry.catalogue.rules_for(wanted), wanted, hook=claims_hook)

    mint = TokenMint(settings.issuer, keys, deny_log, settings.tokens, clock=clock, extra_claims=extra)
    return Service(
        settings=settings,
        registry=registry,
        database=database,
        keys=keys,
        deny_log=deny_log,
        status_indexes=StatusIndexes(
            database, secrets.key("status list"), token_lifetime=settings.tokens.access_token_lifetime
        ),
        status_lists=StatusLists(database, settings.issuer, sign=mint.status_list, timeline=keys.timeline),
        sessions=Sessions(database, secrets, deny_log, policy),
        people=People(database, secrets),
        mint=mint,
        pages=Pages(settings),
        clock=clock,
        extra_claims=extra,
        heartbeat=heartbeat,
    )
