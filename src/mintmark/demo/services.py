"""What orders and billing have in common: what they know of the issuer, who may call."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from mintmark.demo.serving import HOST, add_serving_arguments
from mintmark.frameworks.fastapi import Protect
from mintmark.resource_server import RemoteKeys, RevocationFeed

__all__ = ["Service", "service_arguments"]


@dataclass(frozen=True, slots=True)
class Service:
    """A service as the issuer knows it.

    :param audience: its name, there and in tokens.
    :param url: where others reach it.
    :param leeway: seconds that clocks may differ.
    :param cooldown: seconds until another fetch of keys may be made for a key nobody knows.
    :param secret: its own credentials at the issuer, for the revocation feed and for token exchange.
    :param origin: the page that may call from a browser.
    """

    audience: str
    url: str
    issuer: str
    leeway: float
    cooldown: float
    secret: str = field(repr=False)
    origin: str

    @classmethod
    def from_options(cls, audience: str, options: argparse.Namespace) -> Service:
        url = f"http://{HOST}:{options.port}"
        secret = Path(options.secret_file).read_text().strip()
        return cls(audience, url, options.issuer, options.leeway, options.cooldown, secret, options.origin)

    def build(self, title: str) -> tuple[FastAPI, Protect]:
        """An app that follows the issuer's keys and revocations, and what protects its routes."""
        app = FastAPI(title=title)
        app.add_middleware(
            CORSMiddleware,
            allow_origins=[self.origin],
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization"],
            expose_headers=["WWW-Authenticate"],  # without this a page sees a refusal and never its reason
            max_age=600,
        )
        keys = RemoteKeys(self.issuer, cooldown=self.cooldown)
        feed = RevocationFeed(
            self.issuer,
            client_id=self.audience,
            client_secret=self.secret,
            when_stale="accept",
            keys=keys,
        )
        protect = Protect(
            self.issuer,
            self.audience,
            app=app,
            keys=keys,
            revocations=feed,
            leeway=self.leeway,
            external_url=self.url,
            name=title,
        )

        @app.get("/health")
        async def health() -> dict[str, Any]:
            return {"status": "ok", "revocation_feed": feed.counters}

        return app, protect


def service_arguments(module: str, doc: str | None) -> argparse.ArgumentParser:
    """The options that both services take."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=doc)
    add_serving_arguments(parser)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--leeway", type=float, default=30.0, help="seconds that clocks may differ")
    parser.add_argument(
        "--cooldown", type=float, default=30.0, help="seconds between fetches for unknown kids"
    )
    parser.add_argument("--secret-file", required=True, help="the service's own credentials at the issuer")
    parser.add_argument("--origin", required=True, help="the page that may call from a browser")
    return parser
