"""``mintmark admin keys``: the signing keys, and the key that seals them."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from mintmark.cli.admin.opening import (
    KEY_VARIABLE,
    database_of,
    key_file_named,
    key_place,
    settings_of,
    with_service,
)
from mintmark.cli.options import DatabaseUrl, Json, SettingsFile
from mintmark.cli.terminal import date_words, print_json, say
from mintmark.errors import ConfigurationError

if TYPE_CHECKING:
    from mintmark.authorization_server.keys import KeyLife
    from mintmark.authorization_server.oauth.service import Service
    from mintmark.authorization_server.storage.records import KeyRecord

__all__ = ["app"]

app = typer.Typer(help="The signing keys, and the key that seals them.")
# "-XhY" is a KID then, and no bundle of short options with a "-h" in it.
_A_KID_MAY_BEGIN_WITH_A_HYPHEN = {"ignore_unknown_options": True, "help_option_names": ["--help"]}


@app.command("list")
def list_keys(settings: SettingsFile = None, database: DatabaseUrl = None, as_json: Json = False) -> None:
    """Draw the timeline of every key. It shows next, current, previous and revoked ones, and changes nothing.

    Away from a terminal it is a table. Times are UTC.
    """
    loaded = settings_of(settings, database)
    from mintmark.authorization_server.assembly import key_policy
    from mintmark.authorization_server.keys import alarm, key_lives
    from mintmark.authorization_server.storage.repositories import signing_keys

    with database_of(loaded) as opened:
        records = tuple(record for record, _ in opened.read_now(signing_keys.every))
    if as_json:
        print_json({"keys": [_key(record) for record in records]})
        return
    now, policy = time.time(), key_policy(loaded)
    _show_timeline(key_lives(records, now, policy), now, alarm(records, now, policy))


def _show_timeline(lives: tuple[KeyLife, ...], now: float, late: float) -> None:
    from mintmark.cli.admin.timeline import draw, late_alarm, plain_table

    if not lives:
        say("There are no signing keys yet; the first start makes them.")
    elif sys.stdout.isatty() and sys.stdout.encoding.lower().startswith("utf"):
        draw(Console(file=sys.stdout, highlight=False), lives, now, late)
    else:
        for line in plain_table(lives):
            say(line)
        if late:
            say(late_alarm(late))


@app.command("rotate")
def rotate(
    alg: Annotated[
        str | None, typer.Argument(metavar="[ALG]", help="ES256 or RS256; both if not given.")
    ] = None,
    settings: SettingsFile = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Stage the next key. It is published at once, and signs when every service has had time to see it."""

    async def work(service: Service, now: float) -> tuple[KeyRecord, ...]:
        return await service.keys.rotate(alg, now)

    _show_keys(with_service(settings, database, work), as_json)


@app.command("revoke", context_settings=_A_KID_MAY_BEGIN_WITH_A_HYPHEN)
def revoke(
    kid: Annotated[str, typer.Argument(metavar="KID")],
    reason: Annotated[str, typer.Option(help="Why, for the audit trail.")] = "revoked by hand",
    settings: SettingsFile = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Deny all that a key has signed. For an emergency: at once, and another key takes its place."""

    async def work(service: Service, now: float) -> KeyRecord:
        return await service.keys.revoke(kid, now, reason=reason)

    _show_keys((with_service(settings, database, work),), as_json)


@app.command("change-key-encryption-key")
def change(settings: SettingsFile = None, database: DatabaseUrl = None, as_json: Json = False) -> None:
    """Seal all with a new key-encryption key. The old one stays beside it until you forget it.

    A running service reads the file again by itself. Where the key comes from the environment, put the new
    one first into the variable, and restart with it before.
    """
    loaded = settings_of(settings, database)
    from mintmark.authorization_server.keys import change_key_encryption_key, open_sealer, reseal

    with database_of(loaded) as opened:
        source = key_place(opened, loaded)
        if (given := _keys_in_environment()) is None:
            sealed = change_key_encryption_key(opened, key_file=key_file_named(loaded))
        elif given > 1:
            sealed = reseal(opened, open_sealer(opened))
        else:
            raise ConfigurationError(
                f"the key-encryption key comes from ${KEY_VARIABLE}, which holds one key: restart every "
                'service with a JWK set there, {"keys": [new, old]}, then run this again'
            )
    if as_json:
        print_json({"resealed": sealed, "key_encryption_key": source})
    else:
        say(f"{sealed} secrets are sealed with the new key in {source}; back it up before the old one goes")


@app.command("forget-old-key-encryption-keys")
def forget(settings: SettingsFile = None, database: DatabaseUrl = None, as_json: Json = False) -> None:
    """Drop the old key-encryption keys. They leave the file once nothing is sealed with them.

    A backup from before the change opens only with an old one: keep that with the backup, or let both go.
    """
    loaded = settings_of(settings, database)
    from mintmark.authorization_server.keys import forget_old_keys

    if _keys_in_environment() is not None:
        raise ConfigurationError(
            f"the key-encryption key comes from ${KEY_VARIABLE}: take the old keys out of it yourself"
        )
    with database_of(loaded) as opened:
        source = key_place(opened, loaded)
        dropped = forget_old_keys(opened, key_file=key_file_named(loaded))
    if as_json:
        print_json({"forgotten": dropped, "key_encryption_key": source})
    else:
        say(f"{dropped} old {'key is' if dropped == 1 else 'keys are'} forgotten; {source} holds the newest")


def _keys_in_environment() -> int | None:
    """Return how many key-encryption keys the environment holds; None when they come from a file."""
    from mintmark.authorization_server.keys.key_file import parse_keys

    given = os.environ.get(KEY_VARIABLE)
    return len(parse_keys(given.strip(), f"${KEY_VARIABLE}")) if given else None


def _show_keys(records: tuple[KeyRecord, ...], as_json: bool) -> None:
    if as_json:
        print_json({"keys": [_key(record) for record in records]})
        return
    for record in records:
        say(f"{record.kid}  {record.alg:<6} {record.state.value:<9} {_what_next(record)}".rstrip())


def _what_next(record: KeyRecord) -> str:
    if record.state.value == "next":
        return f"signs from {date_words(record.activates_at)}"
    if record.state.value == "current":
        return f"signs since {date_words(record.signing_since or record.activates_at)}"
    return f"gone at {date_words(record.gone_at)}" if record.gone_at is not None else ""


def _key(record: KeyRecord) -> dict[str, Any]:
    return {
        "kid": record.kid,
        "alg": record.alg,
        "state": record.state.value,
        "created_at": record.created_at,
        "activates_at": record.activates_at,
        "gone_at": record.gone_at,
    }
