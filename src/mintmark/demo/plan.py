"""What is decided before a process starts: addresses, lifetimes, secrets, and the settings that say so."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mintmark.demo.serving import HOST
from mintmark.errors import ConfigurationError

__all__ = ["AUDIENCES", "CLIENT_ID", "PERSON", "PORTS", "SCOPE", "Plan", "make_plan"]

PERSON: Final = "alice"
CLIENT_ID: Final = "demo-app"
SCOPE: Final = "openid profile email orders:read billing:read"
AUDIENCES: Final = ("orders", "billing")
PORTS: Final = {"issuer": 0, "page": 1, "orders": 2, "billing": 3}
"""Who listens where: the distance from the first port."""

TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 — a name, not a secret
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another


@dataclass(frozen=True, slots=True)
class Plan:
    """One demo.

    :param port: the first of four ports in a row.
    :param access_token_lifetime: seconds; short, so that a person sees a refresh happen.
    :param leeway: seconds that the services grant to clocks; all of them are on one machine.
    :param key_lead: seconds between the publication of a signing key and its first use.
    :param log_level: of every process.
    :param password: the person's, made anew for every plan.
    :param client_secrets: of orders and billing, likewise.
    """

    port: int
    access_token_lifetime: float
    leeway: float
    key_lead: float
    log_level: str
    password: str = field(repr=False)
    client_secrets: Mapping[str, str] = field(repr=False)

    def url(self, who: str) -> str:
        return f"http://{HOST}:{self.port + PORTS[who]}"

    @property
    def issuer(self) -> str:
        return self.url("issuer")

    @property
    def page(self) -> str:
        return self.url("page")

    def settings(self) -> dict[str, Any]:
        """The authorization server's settings."""
        return {
            "issuer": self.issuer,
            "database": "sqlite:///mintmark.db",
            "demo": True,
            "tokens": {
                "access_token_lifetime": self.access_token_lifetime,
                "id_token_lifetime": max(60.0, self.access_token_lifetime),
            },
            "keys": {
                "publish_ahead": self.key_lead,
                "jwks_max_age": self.key_lead / 2,
                "clock_skew": self.key_lead / 2,
            },
            "resources": [
                {"audience": "orders", "name": "Orders", "scopes": ["orders:read", "orders:cancel"]},
                {"audience": "billing", "name": "Billing", "scopes": ["billing:read"]},
            ],
            "clients": [self._app_client(), self._orders_client(), self._billing_client()],
            "people": [
                {
                    "username": PERSON,
                    "password": self.password,
                    "name": "Alice Archer",
                    "email": "alice@example.com",
                    "roles": ["customer"],
                }
            ],
        }

    def settings_toml(self) -> str:
        return to_toml(self.settings())

    def _app_client(self) -> dict[str, Any]:
        return {
            "client_id": CLIENT_ID,
            "name": "mintmark demo",
            "kind": "public",
            "redirect_uris": [f"{self.page}/callback", f"{self.page}/relay"],
            "post_logout_redirect_uris": [f"{self.page}/relay"],
            "origins": [self.page],
            "grants": ["authorization_code", "refresh_token"],
            "scopes": SCOPE.split(),
            "resources": list(AUDIENCES),
            "first_party": True,
        }

    def _orders_client(self) -> dict[str, Any]:
        return {
            "client_id": "orders",
            "name": "Orders",
            "kind": "confidential",
            "client_secret_file": "orders.secret",
            "grants": ["client_credentials", TOKEN_EXCHANGE],
            "scopes": ["billing:read"],
            "resource_server": "orders",
            "exchange_to": ["billing"],
        }

    def _billing_client(self) -> dict[str, Any]:
        return {
            "client_id": "billing",
            "name": "Billing",
            "kind": "confidential",
            "client_secret_file": "billing.secret",
            "resource_server": "billing",
        }


def make_plan(
    port: int,
    *,
    access_token_lifetime: float = 60.0,
    leeway: float = 2.0,
    key_lead: float = 60.0,
    log_level: str = "info",
) -> Plan:
    """A plan with a password and secrets of its own.

    :raises ConfigurationError: there are no four ports from ``port`` on.
    """
    if not 1024 <= port <= 65535 - max(PORTS.values()):
        raise ConfigurationError(f"--port {port}: the demo needs four ports in a row between 1024 and 65535")
    return Plan(
        port=port,
        access_token_lifetime=access_token_lifetime,
        leeway=leeway,
        key_lead=key_lead,
        log_level=log_level,
        password="-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4)),
        client_secrets={audience: secrets.token_urlsafe(32) for audience in AUDIENCES},
    )


def to_toml(table: Mapping[str, Any]) -> str:
    """Write a table whose values are plain, lists of plain values, tables, or lists of tables."""
    return "\n".join(_toml_lines(table, ()))


def _toml_lines(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items() if not _holds_tables(value)]
    for key, value in table.items():
        name = ".".join((*path, key))
        if isinstance(value, Mapping):
            lines += ["", f"[{name}]", *_toml_lines(value, (*path, key))]
        elif _holds_tables(value):
            for item in value:
                lines += ["", f"[[{name}]]", *_toml_lines(item, (*path, key))]
    return lines


def _holds_tables(value: object) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and any(isinstance(v, Mapping) for v in value)
    )
