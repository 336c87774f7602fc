"""The thin driver of one exchange over urllib3. Imported only when something is fetched."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from mintmark._version import __version__
from mintmark.errors import ConfigurationError, FetchFailed
from mintmark.net.fetching import Limits
from mintmark.net.targets import Target, public_addresses

__all__ = ["Exchange", "environment_proxy", "public_address_of", "tls_context"]

_TRANSPORT_ERRORS = (HTTPError, OSError, ValueError, AttributeError)
# ValueError and AttributeError: what http.client gives when its socket is shut down under a reader


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return a context that verifies name and chain, TLS 1.2 or later.

    :raises ConfigurationError: the CA file cannot be read or holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError):
        raise ConfigurationError(f"The CA file {ca_file} cannot be read as PEM certificates.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def environment_proxy(target: Target) -> str | None:
    """Return the proxy that ``HTTPS_PROXY``/``HTTP_PROXY``/``NO_PROXY`` ask for, as curl reads them."""
    proxies = getproxies_environment()
    if proxy_bypass_environment(target.authority, proxies):
        return None
    return proxies.get(target.scheme) or proxies.get("all")


def public_address_of(target: Target) -> str:
    """Resolve a host once and return the address to pin.

    :raises FetchFailed: the name does not resolve, or to a private address (see :func:`public_addresses`).
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchFailed(f"{target.host} does not resolve.", actual=target.host) from None
    return public_addresses(target.host, [str(entry[4][0]) for entry in found])[0]


class Exchange:
    """One request and its answer on one connection of its own, under a watchdog for the total time."""

    def __init__(
        self,
        target: Target,
        *,
        context: ssl.SSLContext | None,
        proxy: str | None,
        address: str | None,
        limits: Limits,
        read_timeout: float,
    ) -> None:
        self.origin = target.origin
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._target = target
        self._proxied = proxy is not None
        self._limits = limits
        self._late = False
        self._sockets: list[socket.socket] = []
        self._response: BaseHTTPResponse | None = None
        self._timeout = urllib3.Timeout(connect=limits.connect, read=read_timeout)
        self._pool = self._make_pool(target, context, proxy, address)
        self._watchdog = threading.Timer(limits.total, self._expire)
        self._watchdog.daemon = True

    def _make_pool(
        self, target: Target, context: ssl.SSLContext | None, proxy: str | None, address: str | None
    ) -> urllib3.HTTPConnectionPool:
        options: dict[str, Any] = {"timeout": self._timeout, "maxsize": 1, "retries": False}
        if target.scheme == "https":
            options |= {"ssl_context": context, "server_hostname": target.host}
        manager = _proxy_manager(proxy, options) if proxy is not None else urllib3.PoolManager(**options)
        pool = manager.connection_from_host(address or target.host, target.port, target.scheme)
        pool.ConnectionCls = _noting(pool.ConnectionCls, self._sockets)
        return pool

    def send(self, method: str, headers: Mapping[str, str], body: bytes | None) -> None:
        """Send the request and read the answer's head.

        :raises FetchFailed: no connection, bad certificate, time limit or an answer that is not HTTP.
        """
        own = {"host": self._target.authority, "user-agent": f"mintmark/{__version__}"}
        own["accept-encoding"] = "gzip, deflate"
        own |= {name.lower(): value for name, value in headers.items()}
        path = self._target.path
        if self._proxied and self._target.scheme == "http":
            path = self._target.origin + path  # RFC 9112 3.2.2: a proxy wants the whole URL
        self._watchdog.start()
        try:
            self._response = self._pool.urlopen(
                method,
                path,
                body=body,
                headers=own,
                redirect=False,
                retries=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=True,
            )
        except _TRANSPORT_ERRORS as error:
            self.close()
            raise self._failure(error) from None
        self.status = self._response.status
        self.headers = {name.lower(): value for name, value in self._response.headers.itermerged()}

    def read(self, size: int) -> bytes:
        """Return what has arrived, at most ``size`` bytes, decompressed; empty at the end.

        :raises FetchFailed: silence beyond the read time-out, a cut or undecodable answer, the total time.
        """
        if self._response is None:
            return b""
        try:
            return self._response.read1(size, decode_content=True)
        except _TRANSPORT_ERRORS as error:
            raise self._failure(error) from None

    def finish(self) -> None:
        """Say that all has been read: an answer that the watchdog ended is cut, not complete."""
        self.disarm()
        if self._late:
            raise self._failure(TimeoutError())

    def disarm(self) -> None:
        """Stop the watchdog of the total time."""
        self._watchdog.cancel()

    def interrupt(self) -> None:
        """Wake whoever waits for this exchange: its socket is shut down, to be closed by the reader."""
        for found in self._sockets:
            try:
                # Not SSLSocket's own method: it would pull the TLS object from under the reader.
                socket.socket.shutdown(found, socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self) -> None:
        """Close the connection; harmless when repeated."""
        self.disarm()
        if self._response is not None:
            self._response.close()
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _expire(self) -> None:
        self._late = True
        self.interrupt()

    def _failure(self, error: BaseException) -> FetchFailed:
        if self._late:
            return FetchFailed(
                f"{self.origin} took longer than {self._limits.total:g} s in all.",
                expected=self._limits.total,
            )
        return FetchFailed(f"{self.origin} could not be fetched: {_reason(error)}.")


def _noting(kind: type[Any], sockets: list[socket.socket]) -> type[Any]:
    """Make a connection class that notes its socket, for a watchdog or another thread to shut down."""

    class Noting(kind):  # type: ignore[misc]
        def connect(self) -> None:
            super().connect()
            sockets.append(self.sock)

    return Noting


def _proxy_manager(proxy: str, options: dict[str, Any]) -> urllib3.ProxyManager:
    """Read a proxy's URL; its credentials become a header and appear in no message."""
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError("The proxy that the environment names is not an http or https URL.")
    headers = None
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = urllib3.make_headers(proxy_basic_auth=credentials)
    address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return urllib3.ProxyManager(address, proxy_headers=headers, **options)


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (
        ssl.SSLCertVerificationError,
        "its certificate is not valid for this name or not from a trusted authority",
    ),
    (ssl.SSLError, "TLS failed"),
    (urllib3.exceptions.NameResolutionError, "its name does not resolve"),
    (urllib3.exceptions.NewConnectionError, "nothing answers there"),  # a kind of ConnectTimeoutError
    (urllib3.exceptions.ConnectTimeoutError, "no connection in time"),
    (urllib3.exceptions.ReadTimeoutError, "no answer in time"),
    (TimeoutError, "no answer in time"),
    (urllib3.exceptions.DecodeError, "the answer cannot be decompressed"),
    (urllib3.exceptions.IncompleteRead, "the answer was cut"),
    (urllib3.exceptions.ProxyError, "the proxy refused or failed"),
    (ConnectionError, "the connection broke"),
    (urllib3.exceptions.ProtocolError, "the connection broke or the answer is not HTTP"),
)


def _reason(error: BaseException) -> str:
    """Say in fixed words what failed; the library's own text may hold an URL and its secrets."""
    chain: list[BaseException] = [error]
    while len(chain) < 5:
        last = chain[-1]
        inner = last.__cause__ or next((arg for arg in last.args if isinstance(arg, BaseException)), None)
        if inner is None:
            break
        chain.append(inner)
    for kind, words in _REASONS:
        if any(isinstance(link, kind) for link in chain):
            return words
    return "the connection failed"
