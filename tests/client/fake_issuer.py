"""An issuer with the device grant (RFC 8628), and with refresh tokens that rotate (RFC 9700 4.14).

It stands in for issuers that are not ours: a refresh token that comes a second time ends its whole family,
without any grace.
"""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from net.scripted_server import ScriptedServer, Seen, reply

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CLIENT = "shop-cli"


@dataclass
class Device:
    """One device code and what became of it."""

    expires_at: float
    interval: float
    last_asked: float
    verdict: str = "authorization_pending"
    busy: int = 0  # how many more times to ask for more time


@dataclass
class FakeIssuer:
    """Answers discovery, device authorization and token requests by its own clock."""

    now: float = 1_700_000_000.0
    interval: int | None = 5
    lifetime: int = 600
    rotates: bool = True
    broken: bytes | None = None
    hold: threading.Event | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    asked_at: list[float] = field(default_factory=list)
    devices: dict[str, Device] = field(default_factory=dict)
    families: dict[str, int] = field(default_factory=dict)
    server: ScriptedServer = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.now += seconds

    def decide(self, verdict: str) -> None:
        """The person says yes (``approved``) or no (``access_denied``)."""
        for device in self.devices.values():
            device.verdict = verdict

    def sign_in(self, family: str = "f") -> str:
        """Give the first refresh token of a family."""
        self.families[family] = 0
        return f"{family}.0"

    def answer(self, seen: Seen, _: socket.socket) -> bytes:
        if seen.method == "GET":
            url = self.server.url
            addresses = {"token_endpoint": "/token", "device_authorization_endpoint": "/device"}
            document = {"issuer": url} | {name: url + path for name, path in addresses.items()}
            return reply(json.dumps(document).encode())
        parameters = dict(parse_qsl(seen.body.decode()))
        if self.hold is not None and seen.path == "/token":
            self.hold.wait(10)
        with self._lock:
            if seen.path == "/device":
                return _said(200, self._authorize())
            self.asked.append(parameters)
            self.asked_at.append(self.now)
            if self.broken is not None:
                return self.broken
            if parameters.get("client_id") != CLIENT:
                return _said(401, {"error": "invalid_client"})
            if parameters["grant_type"] == DEVICE_GRANT:
                return self._poll(self.devices.get(parameters["device_code"]))
            return self._refresh(parameters["refresh_token"])

    def _authorize(self) -> dict[str, object]:
        code = f"device-code-{len(self.devices)}"
        interval = 5 if self.interval is None else self.interval  # RFC 8628 3.2: 5 where none is named
        self.devices[code] = Device(self.now + self.lifetime, interval, self.now)
        where = f"{self.server.url}/device"
        said: dict[str, object] = {"device_code": code, "user_code": "WDJB-MJHT", "verification_uri": where}
        said |= {"verification_uri_complete": f"{where}?user_code=WDJB-MJHT", "expires_in": self.lifetime}
        return said if self.interval is None else said | {"interval": self.interval}

    def _poll(self, device: Device | None) -> bytes:
        if device is None:
            return _said(400, {"error": "invalid_grant"})
        if self.now >= device.expires_at:
            return _said(400, {"error": "expired_token"})
        too_soon = device.busy > 0 or self.now < device.last_asked + device.interval
        device.busy -= 1
        device.last_asked = self.now
        if too_soon:
            device.interval += 5  # RFC 8628 3.5
            return _said(400, {"error": "slow_down"})
        if device.verdict != "approved":
            return _said(400, {"error": device.verdict})
        device.verdict = "invalid_grant"  # a device code is good for one token
        return self._grant(self.sign_in("device"))

    def _refresh(self, presented: str) -> bytes:
        family, _, generation = presented.partition(".")
        if self.families.get(family) != int(generation):
            self.families.pop(family, None)  # reuse: nobody of this family gets anything any more
            return _said(400, {"error": "invalid_grant"})
        if not self.rotates:
            return self._grant(None)
        self.families[family] += 1
        return self._grant(f"{family}.{self.families[family]}")

    def _grant(self, refresh_token: str | None) -> bytes:
        said = {"access_token": f"t{len(self.asked)}", "token_type": "Bearer", "expires_in": 600}
        return _said(200, said if refresh_token is None else said | {"refresh_token": refresh_token})


def _said(status: int, members: dict[str, object]) -> bytes:
    return reply(json.dumps(members).encode(), status=f"{status} Said")
