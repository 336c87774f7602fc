"""Time passes, keys change, the issuer dies and comes back; nobody is signed out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from mintmark.demo.plan import AUDIENCES
from mintmark.demo.story.checks import Check, equal, holds
from mintmark.demo.story.world import World, claims_in, key_of

__all__ = ["expired_is_refused", "issuer_dies", "keys_rotate", "refresh"]

TABS: Final = 6
ROTATED_WITHIN: Final = 15.0  # seconds; a machine may be busy
FOLLOWED_WITHIN: Final = 8.0


def expired_is_refused(world: World) -> Iterator[Check]:
    """Wait until the token is out of date (P11)."""
    token = world.alice.fresh_token()
    expiry = claims_in(token)["exp"]
    good = world.orders(token)
    yield equal(
        f"{max(0.0, expiry - time.time()):.1f} s before its end the token is good", good.refusal, "200"
    )
    time.sleep(max(0.0, expiry + world.plan.leeway - time.time()) + 0.05)
    yield equal(
        "after its end orders refuses it, and says why",
        world.orders(token).refusal,
        "401 invalid_token token_expired",
    )


def refresh(world: World) -> Iterator[Check]:
    """A new token without a new sign-in; two tabs at once; and a stranger who makes one up (P11)."""
    alice = world.alice
    old = alice.tokens
    with ThreadPoolExecutor(TABS) as pool:
        answers = list(pool.map(lambda _: alice.refresh(old.refresh, keep=False), range(TABS)))
    yield equal(f"{TABS} tabs refresh at once: each is served", {a.refusal for a in answers}, {"200"})
    yield equal(
        "with one and the same next refresh token", len({a.json["refresh_token"] for a in answers}), 1
    )
    alice.refresh()
    yield holds("which is a new one", alice.tokens.refresh != old.refresh)
    yield equal("orders accepts the new token", world.orders(alice.access_token).refusal, "200")
    grant, generation, _ = alice.tokens.refresh.split(".")
    invented = alice.refresh(f"{grant}.{generation}.{'A' * 43}", keep=False)
    yield equal("a refresh token that a stranger makes up is refused", invented.refusal, "400 invalid_grant")
    yield equal("and changes nothing for Alice", alice.refresh().refusal, "200")


def keys_rotate(world: World) -> Iterator[Check]:
    """The signing keys are replaced by hand while everything runs (P8)."""
    alice = world.alice
    alice.refresh()
    old = alice.access_token
    old_kid = key_of(old)
    world.stack.command_line("admin", "keys", "rotate", "--settings", str(world.stack.settings_file))
    answers = set()
    deadline = time.monotonic() + ROTATED_WITHIN
    while key_of(alice.access_token) == old_kid and time.monotonic() < deadline:
        old = alice.access_token
        alice.refresh()
        answers.add(world.orders(alice.access_token).refusal)
        time.sleep(0.1)
    yield holds("new tokens are signed by a new key", key_of(alice.access_token) != old_kid, "by the old key")
    yield equal("meanwhile orders accepted every token, also the first of the new key", answers, {"200"})
    billing = world.call("orders", "/orders/1001/invoice", alice.access_token)
    yield equal("and so did billing", billing.refusal, "200")
    yield equal("the last token of the old key is still good", world.orders(old).refusal, "200")
    published = [key["kid"] for key in world.web.send("GET", f"{world.plan.issuer}/jwks").json["keys"]]
    yield holds("the issuer publishes both keys", old_kid in published, published)


def issuer_dies(world: World) -> Iterator[Check]:
    """SIGKILL for the issuer, and a restart (P3)."""
    alice = world.alice
    alice.refresh()
    billing_token = world.exchange(alice.access_token).json["access_token"]
    followed = {service: world.feed_connections(service) for service in AUDIENCES}
    world.stack.kill("issuer")
    yield equal("the issuer is killed: orders goes on", world.orders(alice.access_token).refusal, "200")
    yield equal("and so does billing", world.billing(billing_token).refusal, "200")
    world.stack.start("issuer")
    world.stack.wait_until_healthy("issuer")
    yield equal("it starts again, and Alice's refresh token is good", alice.refresh().refusal, "200")
    silent, sent = alice.open_sign_in(prompt="none")
    yield equal("and so is her sign-in: no password is asked for", alice.redeem(silent, sent).refusal, "200")
    yield equal("orders accepts the new token", world.orders(alice.access_token).refusal, "200")
    deadline = time.monotonic() + FOLLOWED_WITHIN
    while lost := [name for name, count in followed.items() if world.feed_connections(name) == count]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    yield equal("the services follow its revocations again", lost, [])
