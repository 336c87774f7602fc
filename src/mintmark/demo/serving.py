"""How every server of the demo is started: one address on loopback, and a log without query strings."""

from __future__ import annotations

import argparse
from typing import Final

import uvicorn
from starlette.types import ASGIApp

__all__ = ["HOST", "add_serving_arguments", "serve"]

HOST: Final = "127.0.0.1"


def add_serving_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log-level", default="info", choices=("debug", "info", "warning"))


def serve(app: ASGIApp, options: argparse.Namespace) -> None:
    """Serve until SIGTERM. The access log stays off: a callback's address holds an authorization code."""
    uvicorn.run(
        app,
        host=HOST,
        port=options.port,
        log_level=options.log_level,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
