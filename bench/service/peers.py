"""The peers: node-oidc-provider with its in-memory store, and Authlib's Flask server under gunicorn."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from load import basic, get, post
from ours import SECRET
from processes import Server, free_port, serving

__all__ = ["Peer", "authlib", "node"]

_HERE = Path(__file__).parent
_NODE = _HERE / "node"


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer that runs, and how it is asked."""

    server: Server
    refresh_tokens: list[str]
    resource: str | None

    def client_credentials(self, *, opaque: bool = False) -> bytes:
        """The request for a token of client credentials."""
        form = {"grant_type": "client_credentials", "scope": "orders:read"}
        if self.resource is not None and not opaque:
            form["resource"] = self.resource
        elif opaque:
            form.pop("scope")
        return post(self.server.port, "/token", form, Authorization=basic("job", SECRET))

    def introspection(self, path: str, token: str) -> bytes:
        """The request that asks what a token is worth."""
        return post(self.server.port, path, {"token": token}, Authorization=basic("job", SECRET))

    def document(self, path: str) -> bytes:
        """The request for a document."""
        return get(self.server.port, path)


@contextmanager
def node(folder: Path, refresh_tokens: int) -> Iterator[Peer | str]:
    """Run node-oidc-provider, or say why it is not there."""
    if shutil.which("node") is None:
        yield "Node is not installed"
        return
    if not (_NODE / "node_modules").is_dir():
        yield "npm ci --prefix bench/service/node has not been run"
        return
    port = free_port()
    command = ["node", str(_NODE / "server.mjs"), str(port), SECRET, str(refresh_tokens)]
    with serving("node-oidc-provider", command, folder, port=port) as server:
        lines = server.output.read_text("utf-8").splitlines()
        told = json.loads(next(line for line in lines if line.startswith("{")))
        yield Peer(server, told["refresh_tokens"], told["resource"])


@contextmanager
def authlib(folder: Path, refresh_tokens: int) -> Iterator[Peer | str]:
    """Run Authlib's server, or say why it is not there."""
    for module in ("authlib", "flask", "gunicorn"):
        if importlib.util.find_spec(module) is None:
            yield f"{module} is not installed"
            return
    port = free_port()
    options = ["--worker-class=gthread", "--threads=8", "--workers=1", "--keep-alive=30"]
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        *options,
        "--bind",
        f"127.0.0.1:{port}",
        "authlib_server:app",
    ]
    environment = {
        "BENCH_SECRET": SECRET,
        "BENCH_ISSUER": f"http://127.0.0.1:{port}",
        "BENCH_TOKENS": str(refresh_tokens),
        "PYTHONPATH": str(_HERE),
        "PYTHONWARNINGS": "ignore",
        "AUTHLIB_INSECURE_TRANSPORT": "1",  # it is on loopback
    }
    with serving("authlib", command, folder, port=port, environment=environment) as server:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/seeds") as answer:
            seeds = json.load(answer)
        yield Peer(server, seeds, None)
