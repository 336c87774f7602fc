"""Signing out, and everything that a forger may try."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from mintmark.demo.story.checks import Check, equal, holds
from mintmark.demo.story.web import query_of
from mintmark.demo.story.world import World, claims_in
from mintmark.jose import jws
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jwt import inspect

__all__ = ["forgeries_are_refused", "sign_out"]

WITHIN: Final = 1.0
REVOKED: Final = "401 invalid_token token_revoked"


def sign_out(world: World) -> Iterator[Check]:
    """Sign out: the same tokens, still in date, are refused everywhere within a second (P10)."""
    alice = world.alice
    alice.refresh()
    access, refresh_token = alice.access_token, alice.tokens.refresh
    calls = {
        "orders": partial(world.orders, access),
        "billing": partial(world.billing, world.exchange(access).json["access_token"]),
    }
    for service, call in calls.items():
        yield equal(f"{service} accepts its token", call().refusal, "200")
    answer = alice.sign_out()
    yield holds("signing out leads back to the app", answer.url.startswith(world.plan.page), answer.refusal)
    for service, call in calls.items():
        refused, took = world.until(WITHIN, call, 401)
        yield equal(f"{service} refuses it {took * 1000:.0f} ms later", refused.refusal, REVOKED)
    yield equal("the refresh token has ended", alice.refresh(refresh_token).refusal, "400 invalid_grant")
    silent, _ = alice.open_sign_in(prompt="none")
    error = query_of(silent.url).get("error")
    yield equal("and the issuer does not know her any more", error, "login_required")


def forgeries_are_refused(world: World) -> Iterator[Check]:
    """Changed, unsigned, foreign and confused tokens, each made from a good one (P7, P9)."""
    alice = world.alice
    alice.sign_in()
    token = alice.access_token
    yield equal("a new sign-in: the honest token is good", world.orders(token).refusal, "200")
    header, claims = dict(inspect(token).header), dict(claims_in(token))
    key = KeySet.from_jwks(world.web.send("GET", f"{world.plan.issuer}/jwks").body).get(header["kid"])
    if key is None:
        raise LookupError("the issuer does not publish the key that signed the token")
    stranger = Key.generate("ES256", kid=header["kid"])
    forged = {**claims, "sub": "mallory", "roles": ["admin"]}
    head, _, tail = token.split(".")
    cases = (
        ("a changed payload", f"{head}.{_part(forged)}.{tail}", "signature_invalid"),
        ("a signature by another key of the same name", _sign(forged, stranger), "signature_invalid"),
        ("alg “none” and no signature", _unsigned(header, forged), "algorithm_not_allowed"),
        ("HMAC with the issuer's public key", _confused(header, forged, key), "algorithm_not_allowed"),
        ("the ID token in place of the access token", alice.tokens.id, "typ_mismatch"),
        ("a text that is no token", "not-a-token", "token_malformed"),
    )
    for what, forgery, reason in cases:
        answer = world.orders(forgery)
        yield equal(f"{what}: {reason}", answer.refusal, f"401 invalid_token {reason}")
    elsewhere = world.billing(token)
    refusal = "401 invalid_token claim_mismatch"
    yield equal("orders' token at billing: claim_mismatch", elsewhere.refusal, refusal)


def _part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    return f"{_part({**header, 'alg': 'none'})}.{_part(claims)}."


def _sign(claims: Mapping[str, Any], key: Key) -> str:
    return jws.sign(json.dumps(claims).encode(), key, header={"typ": "at+jwt"})


def _confused(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    """RFC 8725 2.1: what is public becomes the secret of an HMAC."""
    signed = f"{_part({**header, 'alg': 'HS256'})}.{_part(claims)}"
    mac = hmac.new(key.to_pem().encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
