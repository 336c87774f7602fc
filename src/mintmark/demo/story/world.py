"""Who appears in the story: the demo's processes, and Alice with her browser and the page in it."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from mintmark.demo.plan import CLIENT_ID, PERSON, SCOPE, Plan
from mintmark.demo.stack import Stack
from mintmark.demo.story.web import Answer, Browser, query_of
from mintmark.jwt import inspect

__all__ = ["Alice", "Tokens", "World", "claims_in", "key_of"]

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 — a name, not a secret
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave. Never shown."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    id: str = field(repr=False)
    expires_in: float = 0

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Tokens:
        return cls(body["access_token"], body["refresh_token"], body["id_token"], body["expires_in"])


class Alice:
    """A person at a browser, and the single-page app in it, as far as HTTP can tell."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.browser = Browser()
        self.nonce = ""
        self._tokens: Tokens | None = None

    @property
    def tokens(self) -> Tokens:
        """What the page holds.

        :raises LookupError: she is not signed in.
        """
        if self._tokens is None:
            raise LookupError("Alice has no tokens: she is not signed in")
        return self._tokens

    @property
    def access_token(self) -> str:
        return self.tokens.access

    def fresh_token(self) -> str:
        """An access token with half of its life before it: refreshes first, as the page does, if need be."""
        if claims_in(self.access_token)["exp"] - time.time() < self.tokens.expires_in / 2:
            self.refresh()
        return self.access_token

    def open_sign_in(self, **extra: str) -> tuple[Answer, dict[str, str]]:
        """Begin a sign-in: the issuer's answer, and what was sent along (with the PKCE verifier)."""
        verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(verifier.encode()).digest()
        self.nonce = secrets.token_urlsafe(16)
        sent = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": f"{self.plan.page}/callback",
            "scope": SCOPE,
            "state": secrets.token_urlsafe(16),
            "nonce": self.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **extra,
        }
        page = self.browser.visit(f"{self.plan.issuer}/authorize?{urlencode(sent)}", until=self.plan.page)
        return page, {**sent, "code_verifier": verifier}

    def enter_password(self, page: Answer, password: str) -> Answer:
        return self.browser.submit(page, {"username": PERSON, "password": password}, until=self.plan.page)

    def redeem(self, callback: Answer, sent: Mapping[str, str]) -> Answer:
        """Redeem the code of a callback; the tokens are kept if it succeeds."""
        return self._ask_for_tokens(
            grant_type="authorization_code",
            code=query_of(callback.url).get("code", ""),
            redirect_uri=sent["redirect_uri"],
            code_verifier=sent["code_verifier"],
        )

    def sign_in(self) -> None:
        """The whole sign-in at once."""
        page, sent = self.open_sign_in()
        self.redeem(self.enter_password(page, self.plan.password), sent)

    def refresh(self, token: str | None = None, *, keep: bool = True, **extra: str) -> Answer:
        """Refresh, with the token of now or another one."""
        return self._ask_for_tokens(
            keep=keep, grant_type="refresh_token", refresh_token=token or self.tokens.refresh, **extra
        )

    def sign_out(self) -> Answer:
        """End the sign-in as the page does: by a form, so that the ID token stands in no address."""
        fields = {
            "id_token_hint": self.tokens.id,
            "client_id": CLIENT_ID,
            "post_logout_redirect_uri": f"{self.plan.page}/relay",
            "state": secrets.token_urlsafe(8),
        }
        return self.browser.visit(f"{self.plan.issuer}/end-session", form=fields, until=self.plan.page)

    def _ask_for_tokens(self, *, keep: bool = True, **form: str) -> Answer:
        answer = self.browser.send(
            "POST",
            f"{self.plan.issuer}/token",
            form={"client_id": CLIENT_ID, **form},
            headers={"Origin": self.plan.page},
        )
        if keep and answer.status == 200:
            self._tokens = Tokens.of(answer.json)
        return answer


class World:
    """The stage: the running demo, Alice, and what the steps hand on to each other."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.plan = stack.plan
        self.alice = Alice(stack.plan)
        self.web = Browser()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.alice.browser.close()
        self.web.close()

    def call(self, service: str, path: str, token: str | None = None, method: str = "GET") -> Answer:
        """Call a service with a bearer token."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return self.web.send(method, f"{self.plan.url(service)}{path}", headers=headers)

    def orders(self, token: str | None = None) -> Answer:
        return self.call("orders", "/orders", token)

    def billing(self, token: str | None = None) -> Answer:
        return self.call("billing", "/invoices/1001", token)

    def issuer_requests(self) -> int:
        """How many requests the issuer has answered, by its log."""
        return self.stack.log_file("issuer").read_text().count('"event": "request"')

    def feed_connections(self, service: str) -> int:
        """How often the service has begun to follow the issuer's revocations."""
        health = self.web.send("GET", f"{self.plan.url(service)}/health").json
        return int(health["revocation_feed"]["connections"])

    def exchange(self, token: str) -> Answer:
        """What orders does to call billing, with its own credentials (RFC 8693)."""
        secret = self.plan.client_secrets["orders"]
        basic = base64.b64encode(f"orders:{secret}".encode()).decode()
        return self.web.send(
            "POST",
            f"{self.plan.issuer}/token",
            form={
                "grant_type": TOKEN_EXCHANGE,
                "subject_token": token,
                "subject_token_type": ACCESS_TOKEN_TYPE,
                "audience": "billing",
                "scope": "billing:read",
            },
            headers={"Authorization": f"Basic {basic}"},
        )

    def until(self, seconds: float, ask: Callable[[], Answer], status: int) -> tuple[Answer, float]:
        """Ask until the status is ``status``, at most for ``seconds``; say how long it took."""
        began = time.monotonic()
        while True:
            answer = ask()
            took = time.monotonic() - began
            if answer.status == status or took > seconds:
                return answer, took
            time.sleep(0.02)


def claims_in(token: str) -> Mapping[str, Any]:
    """What anybody can read in a token. Nothing is verified by this."""
    return inspect(token).claims or {}


def key_of(token: str) -> str:
    """The key that a token says it was signed with."""
    return str(inspect(token).header.get("kid"))
