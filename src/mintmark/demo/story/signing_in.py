"""Alice signs in and gets tokens; the services recognise her."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mintmark.demo.plan import CLIENT_ID
from mintmark.demo.story.checks import Check, equal, holds
from mintmark.demo.story.web import form_of, query_of
from mintmark.demo.story.world import World, claims_in
from mintmark.errors import InvalidToken
from mintmark.jose.jwks import KeySet
from mintmark.jwt import SignIn, Verifier, inspect
from mintmark.jwt.profiles import ACCESS_TOKEN, ID_TOKEN

__all__ = ["billing_through_orders", "orders_recognises_alice", "sign_in", "tokens_are_whole"]

CALLS: Final = 20


def sign_in(world: World) -> Iterator[Check]:
    """The sign-in page, a wrong password, the right one, and the code for tokens (P2)."""
    alice, plan = world.alice, world.plan
    page, sent = alice.open_sign_in()
    form = form_of(page)
    yield equal("the issuer answers with its sign-in page", page.status, 200)
    yield holds(
        "the form carries a token against forged posts", "hidden" in form.kinds.values(), "no hidden field"
    )
    refused = alice.enter_password(page, "not her password")
    yield holds("a wrong password is not let in", not refused.url.startswith(plan.page), "let in")
    callback = alice.enter_password(refused, plan.password)
    answer = query_of(callback.url)
    yield holds("the right password leads back to the app, with a code", answer.get("code"), callback.status)
    yield holds("the answer carries the state of the request", answer.get("state") == sent["state"])
    yield equal("the answer names its issuer (RFC 9207)", answer.get("iss"), plan.issuer)
    cookies = alice.browser.cookies.values()
    yield holds("the issuer's cookie is HttpOnly", cookies and all(c["httponly"] for c in cookies))
    yield holds(
        "and stays within the site (SameSite)",
        all(str(c["samesite"]).lower() in ("lax", "strict") for c in cookies),
    )
    tokens = alice.redeem(callback, sent)
    yield equal("the code and its PKCE verifier give tokens", tokens.refusal, "200")
    yield equal("which no cache keeps", tokens.headers.get("cache-control"), "no-store")


def tokens_are_whole(world: World) -> Iterator[Check]:
    """What is in the tokens, read as anybody can, and verified as a service does (P1)."""
    plan = world.plan
    tokens = world.alice.tokens
    seen = inspect(tokens.access)
    yield equal("the access token says what it is (typ)", seen.header.get("typ"), "at+jwt")
    keys = KeySet.from_jwks(world.web.send("GET", f"{plan.issuer}/jwks").body)
    access = Verifier(
        issuer=plan.issuer, audience="orders", keys=keys, profile=ACCESS_TOKEN, leeway=plan.leeway
    )
    claims = access.verify(tokens.access)
    yield equal("its signature fits the issuer's published key", claims.key.kid, seen.header.get("kid"))
    yield equal("it is meant for orders, and nobody else", ", ".join(claims.audience), "orders")
    yield equal("it was given to the app", claims.get("client_id"), CLIENT_ID)
    life = (claims.expires_at or 0.0) - (claims.issued_at or 0.0)
    yield holds(f"it lives {life:.0f} s, as the settings say", 0 < life <= plan.access_token_lifetime, life)
    identity = Verifier(issuer=plan.issuer, audience=CLIENT_ID, keys=keys, profile=ID_TOKEN)
    expected = SignIn(nonce=world.alice.nonce, access_token=tokens.access)
    who = identity.verify(tokens.id, expected=expected)
    yield holds("the ID token belongs to this sign-in and this access token (nonce, at_hash)", who)
    yield equal("both speak of the same person", who.subject, claims.subject)
    try:
        access.verify(tokens.id)
    except InvalidToken as error:
        yield holds(f"an ID token is not an access token: {error.code}", True)
    else:
        yield holds("an ID token is not an access token", False, "accepted")


def orders_recognises_alice(world: World) -> Iterator[Check]:
    """Calls with the token, and one without (P2, P3)."""
    token = world.alice.fresh_token()
    answer = world.orders(token)
    yield equal("orders answers", answer.refusal, "200")
    yield equal("and knows who calls", answer.json.get("person"), claims_in(token)["sub"])
    before = world.issuer_requests()
    again = {world.orders(token).refusal for _ in range(CALLS)}
    yield equal(f"{CALLS} more calls are recognised", again, {"200"})
    yield equal("without a single question to the issuer", world.issuer_requests() - before, 0)
    without = world.orders()
    yield equal("without a token: refused", without.refusal, "401 credentials_missing")
    yield holds(
        "with a challenge that accuses nobody (RFC 6750 3.1)",
        "realm" in without.challenge and "error" not in without.challenge,
        without.challenge,
    )
    more = world.call("orders", "/orders/1001/cancel", token, "POST")
    refusal = "403 insufficient_scope scope_insufficient"
    yield equal("beyond what the token allows: refused", more.refusal, refusal)


def billing_through_orders(world: World) -> Iterator[Check]:
    """orders calls billing in Alice's name: the identity travels through (P5)."""
    token = world.alice.fresh_token()
    subject = claims_in(token)["sub"]
    answer = world.call("orders", "/orders/1001/invoice", token)
    yield equal("orders gets Alice's invoice from billing", answer.refusal, "200")
    invoice = answer.json.get("invoice", {})
    yield equal("billing saw Alice", invoice.get("person"), subject)
    yield equal("and that orders asked for her", invoice.get("asked_by"), "orders")
    direct = world.billing(token)
    yield equal("billing refuses the token that is meant for orders", direct.status, 401)
    exchanged = world.exchange(token)
    yield equal("the exchange itself: orders gets another token", exchanged.refusal, "200")
    claims = claims_in(exchanged.json["access_token"])
    yield equal("meant for billing", claims["aud"], "billing")
    yield equal("with who acts in it (RFC 8693 4.1)", claims["act"], {"sub": "orders"})
    yield equal("of the same sign-in", claims["sid"], claims_in(token)["sid"])
