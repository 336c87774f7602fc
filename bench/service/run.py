"""``make bench-server``: the token service beside its peers, on this machine, in one run.

Nothing here passes or fails. ``run.py --help`` tells the options; a name as argument runs that section only:
rates refresh sign-ins growth rows. Every server listens on loopback, with one worker.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import argon2
from callers import Refreshing, SigningIn
from load import Answer, Repeating, drive
from measuring import Contender, compare, say, table
from ours import PASSWORD, Place
from peers import Peer, authlib, node
from processes import Server, free_port, postgresql
from rows import seed_rows

from mintmark.authorization_server.people import HashingPolicy

CONNECTIONS = 16
_STARTS = 5
NODE, AUTHLIB, OURS = "node-oidc-provider", "Authlib, Flask, gunicorn", "mintmark"


class Bench:
    """One run."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder = folder
        self.options = options

    def rates(self) -> None:
        """Client credentials, documents, introspection: ours on SQLite beside the peers."""
        place = Place.prepare(self.folder / "rates", free_port())
        place.seed(1)
        starts = statistics.median(_started_in(place) for _ in range(_STARTS))
        with contextlib.ExitStack() as stack:
            ours = stack.enter_context(place.served(OURS))
            peers = self._peers(stack, refresh_tokens=1)
            rows = {name: f"{peer.server.started_in:.2f} s" for name, peer in peers.items()}
            table(
                "Start: until the key set is there",
                {f"{OURS} (median of {_STARTS})": f"{starts:.2f} s", **rows},
            )
            rows = {name: f"{peer.server.megabytes():.0f} MB" for name, peer in peers.items()}
            table("Memory at rest", {OURS: f"{ours.megabytes():.0f} MB", **rows})
            requests: dict[str, dict[str, tuple[Server, bytes]]] = {
                "Client credentials, ES256, secret checked": {
                    OURS: (ours, place.client_credentials()),
                    **{name: (peer.server, peer.client_credentials()) for name, peer in peers.items()},
                }
            }
            for title, path in (("Key set", "/jwks"), ("Discovery", "/.well-known/openid-configuration")):
                requests[title] = {OURS: (ours, place.document(path))}
                requests[title] |= {name: (peer.server, peer.document(path)) for name, peer in peers.items()}
            requests["Introspection of an access token (ours a JWT, theirs out of memory)"] = {
                OURS: (ours, place.introspection(_token_of(ours, place.client_credentials()))),
                **{name: (peer.server, _introspection(name, peer)) for name, peer in peers.items()},
            }
            for title, contenders in requests.items():
                self._compare(title, {name: _repeating(*each) for name, each in contenders.items()})

    def refresh(self) -> None:
        """Rotation: ours durable on SQLite and on PostgreSQL, the peers in memory."""
        with contextlib.ExitStack() as stack:
            contenders: dict[str, Contender] = {}
            url = stack.enter_context(postgresql(self.folder / "postgresql"))
            for name, database in (
                (f"{OURS}, SQLite", "sqlite:///mintmark.db"),
                (f"{OURS}, PostgreSQL", url),
            ):
                place = Place.prepare(self.folder / name.replace(" ", "-"), free_port(), database)
                tokens = place.seed(CONNECTIONS)
                contenders[name] = _refreshing(stack.enter_context(place.served(name)), tokens)
            for name, peer in self._peers(stack, refresh_tokens=CONNECTIONS).items():
                contenders[name] = _refreshing(peer.server, peer.refresh_tokens)
            self._compare(
                "Refresh with rotation (ours on disk before the answer, theirs in memory)", contenders
            )

    def sign_ins(self) -> None:
        """Page and password, against what argon2 alone allows on these processors."""
        place = Place.prepare(self.folder / "sign-ins", free_port())
        place.seed(CONNECTIONS)
        rounds, seconds = self.options.rounds, max(self.options.seconds, 3.0)
        with place.served(OURS) as ours:
            drive(ours.port, _signing_in(ours), seconds=1)
            shares, without_callers, rates, bounds = [], [], [], []
            for _ in range(rounds):
                bound = _argon2_bound(seconds)
                spent = time.process_time()
                rate = drive(ours.port, _signing_in(ours), seconds=seconds)
                callers = (time.process_time() - spent) / rate.seconds / (os.cpu_count() or 1)
                bounds.append((bound + _argon2_bound(seconds)) / 2)
                rates.append(rate.per_second)
                shares.append(rate.per_second / bounds[-1])
                without_callers.append(shares[-1] / (1 - callers))
        middle = len(shares) // 2
        figures = {
            "argon2id alone, all processors": f"{sorted(bounds)[middle]:.1f}/s",
            f"{OURS}: page, password, code": f"{sorted(rates)[middle]:.1f}/s",
            "share": f"{sorted(shares)[middle]:.0%}",
            "share of what these callers leave": f"{sorted(without_callers)[middle]:.0%}",
        }
        table("Password sign-ins", figures)

    def growth(self) -> None:
        """Memory and database after many whole sign-ins: page, password, code, tokens."""
        place = Place.prepare(self.folder / "growth", free_port())
        place.seed(CONNECTIONS)
        file = place.folder / "mintmark.db"
        with place.served(OURS) as ours:
            before = ours.megabytes()
            callers = _signing_in(ours, redeeming=True)
            wanted = self.options.sign_ins
            empty = file.stat().st_size
            load = drive(ours.port, callers, seconds=self.options.at_most, most=wanted)
            time.sleep(2)  # hashes under way give their memory back
            after = ours.megabytes()
        size = file.stat().st_size  # closed: the write-ahead log is in it
        figures = {
            "memory before": f"{before:.0f} MB",
            "memory after": f"{after:.0f} MB",
            "database for each sign-in": f"{(size - empty) / load.units:,.0f} bytes",
        }
        table(f"After {load.units:,} sign-ins with their tokens ({load.per_second:.0f}/s)", figures)

    def rows(self) -> None:
        """The same with a database that is full."""
        with contextlib.ExitStack() as stack:
            url = stack.enter_context(postgresql(self.folder / "postgresql-rows"))
            for name, database in (("SQLite", "sqlite:///mintmark.db"), ("PostgreSQL", url)):
                place = Place.prepare(self.folder / f"rows-{name}", free_port(), database)
                tokens = place.seed(CONNECTIONS)
                at = f"sqlite:///{place.folder / 'mintmark.db'}" if name == "SQLite" else url
                seed_rows(at, "person-0", time.time(), rows=self.options.rows)
                with place.served(f"{OURS} with rows") as ours:
                    rest = f"{ours.megabytes():.0f} MB at rest"
                    rate = drive(ours.port, _refreshing(ours, tokens).callers(), seconds=self.options.seconds)
                    figures = {
                        "start": f"{ours.started_in:.2f} s",
                        "memory": rest,
                        "memory after the load": f"{ours.megabytes():.0f} MB",
                        "refreshes": f"{rate.per_second:,.0f}/s",
                    }
                table(f"With {self.options.rows:,} rows, {name}", figures)

    def _peers(self, stack: contextlib.ExitStack, *, refresh_tokens: int) -> dict[str, Peer]:
        found: dict[str, Peer] = {}
        for name, start in ((NODE, node), (AUTHLIB, authlib)):
            peer = stack.enter_context(start(self.folder, refresh_tokens))
            if isinstance(peer, str):
                say(f"  {name}: {peer}")
            else:
                found[name] = peer
        return found

    def _compare(self, title: str, contenders: dict[str, Contender]) -> None:
        compare(title, contenders, base=NODE, rounds=self.options.rounds, seconds=self.options.seconds)


def _started_in(place: Place) -> float:
    with place.served(OURS) as server:
        return server.started_in


def _repeating(server: Server, request: bytes) -> Contender:
    return Contender(server, lambda: [Repeating(request) for _ in range(CONNECTIONS)])


def _refreshing(server: Server, tokens: list[str]) -> Contender:
    callers = [Refreshing(server.port, token) for token in tokens]
    return Contender(server, lambda: callers)


def _signing_in(server: Server, *, redeeming: bool = False) -> list[SigningIn]:
    return [SigningIn(server.port, f"person-{number}", redeeming=redeeming) for number in range(CONNECTIONS)]


class _Once:
    """One request, whose answer is kept."""

    answer: Answer

    def __init__(self, request: bytes) -> None:
        self._request = request

    def request(self) -> bytes:
        return self._request

    def answered(self, answer: Answer) -> bool:
        self.answer = answer
        return True


def _token_of(server: Server, request: bytes) -> str:
    once = _Once(request)
    drive(server.port, [once], seconds=10, most=1)
    return str(once.answer.json()["access_token"])


def _introspection(name: str, peer: Peer) -> bytes:
    """node-oidc-provider introspects opaque tokens only, under another path."""
    token = _token_of(peer.server, peer.client_credentials(opaque=name == NODE))
    return peer.introspection("/token/introspection" if name == NODE else "/introspect", token)


def _argon2_bound(seconds: float) -> float:
    """How many passwords these processors check in a second when they do nothing else."""
    policy = HashingPolicy()
    hasher = argon2.PasswordHasher(policy.passes, policy.memory_kib, policy.lanes)
    stored = hasher.hash(PASSWORD)
    end = time.perf_counter() + seconds

    def check(_: int) -> int:
        count = 0
        while time.perf_counter() < end:
            hasher.verify(stored, PASSWORD)
            count += 1
        return count

    begun = time.perf_counter()
    with ThreadPoolExecutor(policy.workers) as pool:
        count = sum(pool.map(check, range(policy.workers)))
    return count / (time.perf_counter() - begun)


def main() -> None:
    """Run the sections named, or all of them."""
    sections: dict[str, Callable[[Bench], Any]] = {
        "rates": Bench.rates,
        "refresh": Bench.refresh,
        "sign-ins": Bench.sign_ins,
        "growth": Bench.growth,
        "rows": Bench.rows,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", choices=[*sections, []], default=[], metavar="SECTION")
    parser.add_argument("--seconds", type=float, default=2.0, help="of one slice")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sign-ins", type=int, default=20_000, help="of the section growth")
    parser.add_argument("--at-most", type=float, default=900.0, help="seconds of the section growth")
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    today = time.strftime("%Y-%m-%d", time.gmtime())
    say(f"Python {platform.python_version()}, {os.cpu_count()} processors, {today}")
    with tempfile.TemporaryDirectory(prefix="mintmark-bench-") as folder:
        bench = Bench(Path(folder), options)
        for name in options.sections or sections:
            sections[name](bench)


if __name__ == "__main__":
    main()
