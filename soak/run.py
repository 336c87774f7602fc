"""Three replicas on one PostgreSQL, under load, while they are killed: ``python soak/run.py [--seconds N]``.

Replicas die at random moments and come back, PostgreSQL is restarted in the middle, keys rotate. The ledger
(see ledger.py) says what must hold. Exit status 1: something did not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import logging
import random
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

from cluster import Balancer, PostgreSQL, Replica, admin
from ledger import Ledger
from people import CALLBACK, Job, Line, NoAnswerError, Person
from watchers import Verifiers, watch_keys

REPLICAS = 3
JOBS = 2
PASSWORD = "a calm and legible phrase"
SECRET = secrets.token_urlsafe(32)


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description="Soak the token service on PostgreSQL.")
    parser.add_argument("--seconds", type=float, default=60.0, help="of load (60)")
    parser.add_argument("--seed", type=int, help="of what happens by chance; printed")
    parser.add_argument("--people", type=int, default=8, help="who use it at once (8)")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else secrets.randbelow(1_000_000)
    print(f"seed {seed}, {options.seconds:g} s, {REPLICAS} replicas on one PostgreSQL", flush=True)
    logging.getLogger("mintmark").setLevel(logging.ERROR)  # that lines are cut is what this is about
    folder = Path(tempfile.mkdtemp(prefix="mintmark-soak-"))
    ledger = asyncio.run(Soak(folder, options.seconds, options.people, seed).run())
    report(ledger)
    if ledger.violations:
        print(f"the logs are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


class Soak:
    """One run, from an empty database to the last look."""

    def __init__(self, folder: Path, seconds: float, people: int, seed: int) -> None:
        self.folder, self.seconds = folder, seconds
        self.names = [f"person-{number}" for number in range(people)]
        self.chance = random.Random(seed)
        self.ledger = Ledger()
        self.balancer = Balancer(self.chance)
        self.people: list[Person] = []

    async def run(self) -> Ledger:
        """Everything, bounded in time; stop what was started whatever happens."""
        if (this := asyncio.current_task()) is not None:  # asked to stop, as by Ctrl-C
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
        async with contextlib.AsyncExitStack() as stack:
            database = await asyncio.to_thread(PostgreSQL)
            stack.callback(database.stop)
            settings = self._settings(database.url)
            self.balancer.replicas = [Replica(settings, number) for number in range(REPLICAS)]
            for replica in self.balancer.replicas:
                stack.callback(replica.kill)
            await asyncio.gather(*(replica.start() for replica in self.balancer.replicas))
            await stack.enter_async_context(self.balancer.serving())
            verifiers = Verifiers(self.balancer.url, self.ledger, ("orders", SECRET))
            stack.callback(verifiers.close)
            await verifiers.start()
            async with beside(verifiers.watch(), watch_keys(database.url, self.ledger)):
                await self._load(verifiers, settings, database)
                await self._settle()
                await verifiers.heard_everything()
        self._read_logs()
        return self.ledger

    def _settings(self, url: str) -> Path:
        """Everything lives fast, so that a key's whole life fits into a run."""
        ahead = max(9.0, self.seconds / 5)
        lines = [
            f"issuer = {json.dumps(self.balancer.url)}",
            f"database = {json.dumps(url)}",
            'key_file = "mintmark.kek"',
            "demo = true",
            "tokens = {access_token_lifetime = 15, id_token_lifetime = 15}",
            f"keys.rotate_every = {2 * ahead}\nkeys.publish_ahead = {ahead}",
            "keys.jwks_max_age = 2\nkeys.clock_skew = 6",
            'resources = [{audience = "orders", scopes = ["orders:read"]}]',
            "[[clients]]",
            'client_id = "app"\nkind = "public"\nfirst_party = true\nresources = ["orders"]',
            f'redirect_uris = ["{CALLBACK}"]\ngrants = ["authorization_code", "refresh_token"]',
            'scopes = ["openid", "orders:read"]',
            "[[clients]]",
            'client_id = "orders"\nkind = "confidential"\ngrants = ["client_credentials"]',
            'resource_server = "orders"\nresources = ["orders"]\nscopes = ["orders:read"]',
            f'client_secret_sha256 = "{hashlib.sha256(SECRET.encode()).hexdigest()}"',
        ]
        for name in self.names:
            lines += ["[[people]]", f'username = "{name}"', f'password = "{PASSWORD}"']
        settings = self.folder / "mintmark.toml"
        settings.write_text("\n".join(lines))
        return settings

    def _line(self) -> Line:
        return Line(self.balancer.url, self.ledger, random.Random(self.chance.random()))

    async def _load(self, verifiers: Verifiers, settings: Path, database: PostgreSQL) -> None:
        """Everybody lives until the time is over; meanwhile things die."""
        over = asyncio.Event()
        credentials = ("orders", SECRET)
        self.people = [
            Person(name, PASSWORD, self._line(), verifiers.issued, credentials) for name in self.names
        ]
        jobs = [Job(self._line(), verifiers.issued, credentials, pause=0.05) for _ in range(JOBS)]
        everybody = [asyncio.ensure_future(who.live(over)) for who in (*self.people, *jobs)]
        async with beside(self._kill_replicas(over)):
            await self._rotate(settings)
            await asyncio.sleep(self.seconds / 2)
            how = self.chance.choice((signal.SIGQUIT, signal.SIGINT))
            await database.restart(how, away=self.chance.uniform(0.2, 1.5))
            self.ledger.counts[f"PostgreSQL restarts ({how.name})"] += 1
            await asyncio.sleep(self.seconds / 2)
            over.set()
            for outcome in await asyncio.gather(*everybody, return_exceptions=True):
                if isinstance(outcome, BaseException) and not isinstance(outcome, NoAnswerError):
                    raise outcome

    async def _rotate(self, settings: Path) -> None:
        if await admin(settings, "keys", "rotate") != 0:
            self.ledger.violations.append("mintmark admin keys rotate failed; see admin.log")

    async def _kill_replicas(self, over: asyncio.Event) -> None:
        """One or two at a time, the next when they are back; or one that stands still for a while."""
        while not over.is_set():
            await asyncio.sleep(self.chance.uniform(0.2, 2.0))
            if self.chance.random() < 0.25:
                await self.chance.choice(self.balancer.replicas).pause(self.chance.uniform(0.5, 3.0))
                self.ledger.counts["replicas paused"] += 1
                continue
            victims = self.chance.sample(self.balancer.replicas, self.chance.choice((1, 1, 2)))
            for victim in victims:
                victim.kill()
                self.ledger.counts["replicas killed"] += 1
            await asyncio.sleep(self.chance.uniform(0.1, 1.0))
            await asyncio.gather(*(victim.start() for victim in victims))

    async def _settle(self) -> None:
        """When all is quiet: is everything there?"""
        await asyncio.gather(*(replica.start() for replica in self.balancer.replicas))
        grants = list(self.ledger.grants.values())
        self.ledger.counts["grants looked at in the end"] = len(grants)
        self.ledger.counts["of them alive"] = len(self.ledger.live())

        async def settle(person: Person) -> None:
            with contextlib.suppress(NoAnswerError):  # the ledger knows
                await person.settle_browsers()
                while grants:
                    await person.settle(grants.pop())

        await asyncio.gather(*(settle(person) for person in self.people))

    def _read_logs(self) -> None:
        """What the replicas wrote down that nobody outside could see."""
        for replica in self.balancer.replicas:
            lines = replica.log.read_text(errors="replace").splitlines()
            if any('"event": "server_error"' in line or "Traceback" in line for line in lines):
                self.ledger.violations.append(f"{replica.log.name} holds a server error")


@contextlib.asynccontextmanager
async def beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do endless work meanwhile; if it fails, so does everything."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


def report(ledger: Ledger) -> None:
    """Print what was done, how long it took, and what was broken."""
    for name, count in sorted(ledger.counts.items()):
        print(f"  {name:30} {count}")
    for alg, count in ledger.rotations().items():
        print(f"  {f'rotations of {alg}':30} {count}")
    print("\n  milliseconds                     p50     p99  longest")
    for kind, seconds in sorted(ledger.latencies.items()):
        ordered = sorted(seconds)
        p50, p99, last = (ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.99, 1))
        print(f"  {kind:28} {p50 * 1000:7.0f} {p99 * 1000:7.0f} {last * 1000:8.0f}")
    print(f"\nviolations: {len(ledger.violations)}")
    for violation in sorted(set(ledger.violations)):
        print(f"  {violation} ({ledger.violations.count(violation)} times)")


if __name__ == "__main__":
    sys.exit(main())
