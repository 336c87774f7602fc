"""The guarded fetch: a :class:`Fetcher` holds the rules, every fetch keeps them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mintmark.errors import FetchFailed
from mintmark.net.targets import Target, check_url, is_loopback

if TYPE_CHECKING:
    import ssl

    from mintmark.net.wire import Exchange

__all__ = ["Fetcher", "Limits", "Response", "Stream", "fetch"]

_log = logging.getLogger("mintmark.net")
_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much: seconds, and bytes of body (counted again after decompression).

    ``total`` bounds everything from the connection to the last byte, however slowly a server drips; of a
    stream it bounds nothing but the time until its headers are there.
    """

    connect: float = 3.0
    read: float = 5.0
    total: float = 10.0
    body: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, read in full. Header names are lower case; repeated headers are joined by commas."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Response(status={self.status}, {len(self.body)} bytes)"


class Fetcher:
    """Fetches under one set of rules. Keeps no connection, so that threads and forks cannot mix them up.

    :param allow_http: hosts for which plain http is accepted beside loopback; said once in the log.
    :param ca_file: PEM file of the authorities to trust instead of the system's (``SSL_CERT_FILE``).
    :param allow_private: False for URLs that others chose: their names are resolved first, private addresses
        are refused and the address is pinned. A proxy, where one is set, resolves and guards by itself.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        allow_http: Collection[str] = (),
        ca_file: str | None = None,
        allow_private: bool = True,
    ) -> None:
        self.limits = limits or Limits()
        self._allow_http = frozenset(host.lower() for host in allow_http)
        self._ca_file = ca_file
        self._allow_private = allow_private
        self._context: ssl.SSLContext | None = None
        self._reported: frozenset[str] = frozenset()

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Fetch once: no redirect is followed, nothing is retried.

        Every status is returned to the caller, who knows what it means; a redirect is refused.

        :raises FetchFailed: refused address, no connection, bad certificate, time or size limit, cut answer.
        """
        with self._exchange(url, method, headers, body, self.limits.read) as exchange:
            content = bytearray()
            while chunk := exchange.read(min(_CHUNK, self.limits.body + 1 - len(content))):
                content += chunk
                if len(content) > self.limits.body:
                    raise FetchFailed(
                        f"The answer of {exchange.origin} is longer than {self.limits.body} bytes.",
                        expected=self.limits.body,
                    )
            exchange.finish()
            return Response(exchange.status, exchange.headers, bytes(content))

    def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, read_timeout: float = 45.0
    ) -> Stream:
        """Open an endless GET (server-sent events). Each read waits at most ``read_timeout`` seconds.

        :raises FetchFailed: as :meth:`fetch`.
        """
        exchange = self._exchange(url, "GET", headers, None, read_timeout)
        exchange.disarm()
        return Stream(exchange)

    def _exchange(
        self,
        url: str,
        method: str,
        headers: Mapping[str, str] | None,
        body: bytes | None,
        read_timeout: float,
    ) -> Exchange:
        from mintmark.net import wire  # urllib3 is imported when something is fetched, not before

        target = check_url(url, allow_http=self._allow_http)
        self._report(target)
        proxy = None if is_loopback(target.host) else wire.environment_proxy(target)
        guard = not self._allow_private and proxy is None
        if target.scheme == "https" and self._context is None:
            self._context = wire.tls_context(self._ca_file)
        exchange = wire.Exchange(
            target,
            context=self._context,
            proxy=proxy,
            address=wire.public_address_of(target) if guard else None,
            limits=self.limits,
            read_timeout=read_timeout,
        )
        exchange.send(method, headers or {}, body)
        if 300 <= exchange.status < 400 and exchange.status != 304:
            exchange.close()
            raise FetchFailed(
                f"{target.origin} answered with a redirect, and redirects are not followed.",
                actual=exchange.status,
                hint="Name the final address.",
            )
        return exchange

    def _report(self, target: Target) -> None:
        if target.scheme == "http" and not is_loopback(target.host) and target.host not in self._reported:
            self._reported |= {target.host}
            _log.warning("fetching over plain http from %s, as allow_http says", target.authority)


class Stream:
    """An open, endless answer: iterate over it in a with block, close it from any thread."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._closed = threading.Event()
        self.status = exchange.status
        self.headers = exchange.headers

    def __iter__(self) -> Iterator[bytes]:
        """Yield bytes as they come; end when the server or :meth:`close` ends the stream.

        :raises FetchFailed: the server was silent for longer than ``read_timeout``, or the connection broke.
        """
        try:
            while chunk := self._exchange.read(_CHUNK):
                yield chunk
        except FetchFailed:
            if not self._closed.is_set():
                raise

    def close(self) -> None:
        """End the stream; a thread that waits in it wakes at once, and leaves its with block."""
        self._closed.set()
        self._exchange.interrupt()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exchange.close()


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    limits: Limits | None = None,
    allow_http: Collection[str] = (),
    ca_file: str | None = None,
    allow_private: bool = True,
) -> Response:
    """Fetch once under the rules of a :class:`Fetcher` made for this one call."""
    fetcher = Fetcher(limits=limits, allow_http=allow_http, ca_file=ca_file, allow_private=allow_private)
    return fetcher.fetch(url, method=method, headers=headers, body=body)
