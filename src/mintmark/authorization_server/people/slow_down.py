"""How failed sign-ins slow down further tries, as a decision over counts, the policy and the time.

What holds:

- whoever guesses waits longer and longer: counted for each account from each network, and for each network;
- nobody else's failures make a person wait who comes from a browser that has signed in to the account before
  (a *known device*): only its own do;
- an account under attack from many networks is never closed: a new network gets fewer free tries, but it
  gets some;
- a try that is refused for coming too early is not counted: waiting always ends.
"""

from __future__ import annotations

import functools
import ipaddress

from msgspec import Struct

__all__ = ["Counts", "SlowDown", "SlowDownPolicy", "Tally", "network_of", "wait"]


class SlowDown(Struct, frozen=True):
    """Too many failures: try again after ``retry_after`` seconds. Says nothing about the password."""

    retry_after: int


class SlowDownPolicy(Struct, frozen=True):
    """How patient the service is. Durations are seconds.

    :param free: failures for one account from one network, or one known device, that cost nothing.
    :param free_under_attack: the same, while strangers attack the account.
    :param attack_after: failures of strangers, from all networks, that count as an attack.
    :param network_free: failures from one network, over all accounts, that cost nothing.
    :param first: the first delay; each further failure doubles it.
    :param longest: no delay is longer.
    :param remembered: how long a failure counts.
    """

    free: int = 5
    free_under_attack: int = 2
    attack_after: int = 50
    network_free: int = 30
    first: float = 1.0
    longest: float = 900.0
    remembered: float = 3600.0


class Tally(Struct, frozen=True):
    """Failures, and when the last one was."""

    failures: int = 0
    last_at: float = 0.0


class Counts(Struct, frozen=True):
    """What is known of the one who tries.

    :param here: this account from this network, or from this known device.
    :param network: this network, all accounts.
    :param strangers: this account, all networks, known devices left out.
    :param known_device: the browser has signed in to this account before.
    """

    here: Tally
    network: Tally
    strangers: Tally
    known_device: bool


def wait(counts: Counts, now: float, policy: SlowDownPolicy) -> SlowDown | None:
    """Return how long to wait, or None if the try is admitted."""
    attacked = counts.strangers.failures >= policy.attack_after and not counts.known_device
    delays = [_left(counts.here, policy.free_under_attack if attacked else policy.free, now, policy)]
    if not counts.known_device:
        delays.append(_left(counts.network, policy.network_free, now, policy))
    longest = max(delays)
    return SlowDown(max(1, round(longest + 0.5))) if longest > 0 else None


def _left(tally: Tally, free: int, now: float, policy: SlowDownPolicy) -> float:
    over = tally.failures - free
    if over < 0:
        return 0.0
    delay = min(policy.first * 2.0 ** min(over, 32), policy.longest)
    return min(tally.last_at + delay - now, delay)  # a clock that was set back never makes a delay longer


def network_of(address: str) -> str:
    """The network that an address stands for: itself in IPv4, its /64, one household, in IPv6.

    What is no address shares one network: else who can choose that text has as many as he likes.
    """
    return _network(address[:64])  # no address is longer: what a proxy passes on must not fill our memory


@functools.lru_cache(maxsize=4096)
def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0].removesuffix("/64"))
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
