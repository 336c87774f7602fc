"""The story, as a list."""

from __future__ import annotations

from typing import Final

from mintmark.demo.story.checks import Step
from mintmark.demo.story.ending import forgeries_are_refused, sign_out
from mintmark.demo.story.lasting import expired_is_refused, issuer_dies, keys_rotate, refresh
from mintmark.demo.story.letters import secret_message
from mintmark.demo.story.signing_in import (
    billing_through_orders,
    orders_recognises_alice,
    sign_in,
    tokens_are_whole,
)

__all__ = ["STORY"]

STORY: Final = (
    Step("Alice signs in", sign_in),
    Step("The tokens, taken apart and verified", tokens_are_whole),
    Step("orders recognises her by the token", orders_recognises_alice),
    Step("orders calls billing in her name, by token exchange", billing_through_orders),
    Step("An expired token is refused", expired_is_refused),
    Step("The token is refreshed without a new sign-in", refresh),
    Step("Two systems exchange a signed and encrypted message", secret_message),
    Step("The signing keys rotate, and nothing breaks", keys_rotate),
    Step("The issuer is killed and comes back, and nobody is signed out", issuer_dies),
    Step("Signing out reaches every service within a second", sign_out),
    Step("Tampered, unsigned and confused tokens are refused, each with its reason", forgeries_are_refused),
)
