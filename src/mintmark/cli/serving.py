"""Running the token service: settings, socket, server, signals. Whatever fails, fails in one line."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from mintmark.authorization_server.app import AuthorizationServer, create_app
from mintmark.authorization_server.logs import configure_logging, log_event
from mintmark.authorization_server.oauth.redirect_uris import is_loopback_host
from mintmark.authorization_server.people.turns import let_turns_end
from mintmark.authorization_server.settings import Settings
from mintmark.authorization_server.settings_file import load_settings
from mintmark.cli.http_protocol import BoundedProtocol
from mintmark.errors import ConfigurationError

__all__ = ["load", "run_server", "trusted_proxies"]

_DEFAULT_FILE = Path("mintmark.toml")
_DEFAULT_PORT = 8700
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_GRACE = 5  # seconds for requests under way when asked to stop


def load(file: Path | None, database: str | None, *, defaults: dict[str, Any] | None = None) -> Settings:
    """Load the settings of a command: the named file, else ``mintmark.toml`` here, else defaults.

    :raises ConfigurationError: one line.
    """
    if file is None and _DEFAULT_FILE.is_file():
        file = _DEFAULT_FILE
    overrides = {"database": _from_here(database)} if database is not None else {}
    return load_settings(file, overrides=overrides, defaults=defaults)


def _from_here(url: str) -> str:
    """On the command line a relative path is relative to where one stands, not to the settings file."""
    path = url.removeprefix("sqlite:///")
    return f"sqlite:///{Path(path).absolute()}" if path != url and path else url


def run_server(
    file: Path | None, host: str | None, port: int | None, database: str | None, log_level: str
) -> int:
    """Serve until SIGINT or SIGTERM.

    :raises ConfigurationError: one line: settings, port, database, key file.
    """
    if log_level.lower() not in _LEVELS:
        raise ConfigurationError(f"--log-level {log_level[:20]}: choose one of {', '.join(_LEVELS)}")
    settings = load(file, database, defaults={"issuer": f"http://127.0.0.1:{port or _DEFAULT_PORT}"})
    listening = _listen(settings, host, port)
    if settings.long_hash_turns:
        let_turns_end()  # before any thread is started
    configure_logging(level=_LEVELS[log_level.lower()])
    app = create_app(settings)
    with listening, asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(app, settings, listening))


def _listen(settings: Settings, host: str | None, port: int | None) -> socket.socket:
    """Bind before anything else starts, so that a taken port is our own line."""
    issuer = urlsplit(settings.issuer)
    here = not settings.is_https
    host = host or (issuer.hostname if here else None) or "127.0.0.1"
    if port is None:
        port = (issuer.port or 80) if here else _DEFAULT_PORT
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(2048)
    except (OSError, UnicodeError) as error:
        listening.close()
        raise ConfigurationError(_why_not(error, host, port)) from None
    return listening


def _why_not(error: Exception, host: str, port: int) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return f"port {port} on {host} is taken; stop what uses it, or choose another with --port"
    if number == errno.EACCES:
        return f"port {port} on {host} needs more rights; choose one above 1023 with --port"
    return f"cannot listen on {host} port {port}; check --host and --port"


def _loop_factory() -> Any:
    try:
        import uvloop
    except ModuleNotFoundError:
        return None
    return uvloop.new_event_loop


class _Server(uvicorn.Server):
    """uvicorn, stopped by our own handlers, which also end the feeds that would never end by themselves."""

    stopping: asyncio.Event

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to :func:`_serve`: uvicorn would raise them again and cut the clean-up short."""
        yield

    def stop(self) -> None:
        """Stop gracefully; asked twice, at once."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self.stopping.set()


def trusted_proxies(settings: Settings) -> tuple[str, ...]:
    """Return whose word on the caller's address is taken.

    Our http under an https issuer has a proxy in front, by default on this machine. A loopback issuer has
    none, and there a forwarded address would be anybody's invention.
    """
    if settings.trusted_proxies is not None:
        return settings.trusted_proxies
    return ("127.0.0.1", "::1") if settings.is_https else ()


async def _serve(app: AuthorizationServer, settings: Settings, listening: socket.socket) -> int:
    proxies = trusted_proxies(settings)
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_graceful_shutdown=_GRACE,
    )
    server = _Server(config)
    async with app.router.lifespan_context(app):
        server.stopping = app.service.stopping
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signal_number, server.stop)
        _announce(settings, listening)
        gc.freeze()  # and from now on none of it is looked through again
        gc.enable()
        await server.serve(sockets=[listening])
    return 0


def _announce(settings: Settings, listening: socket.socket) -> None:
    host, port = listening.getsockname()[:2]
    if not settings.is_https and not is_loopback_host(host):
        log_event("http_beyond_loopback", level=logging.WARNING, host=host)
    log_event("listening", host=host, port=port, issuer=settings.issuer)
    if sys.stdout.isatty():
        sys.stdout.write(f"mintmark serves {settings.issuer} on {host} port {port}. Ctrl-C stops it.\n")
