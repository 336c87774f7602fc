"""What may be fetched from where: pure rules over URLs and addresses, without a socket."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from mintmark.errors import FetchFailed

__all__ = ["Target", "check_url", "is_loopback", "public_addresses"]

_MAX_URL = 2048
_URL_TEXT = re.compile(r"[!-~]+")  # printable ASCII: urlsplit() would quietly drop tabs and line ends
_HOST_TEXT = re.compile(r"[a-z0-9._\-]+|[0-9a-f:]*:[0-9a-f:.]*")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291 2.4: nothing else is routed in the open
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052 2.1: the last 32 bits are an IPv4 address


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that passed :func:`check_url`, taken apart.

    ``host`` is lower case and without brackets; ``path`` holds path and query as they go on the request line.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as the Host header writes them (RFC 9110 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme and authority: all of the URL that a message may show, for a query may hold secrets."""
        return f"{self.scheme}://{self.authority}"


def is_loopback(host: str) -> bool:
    """Tell whether a host text names this machine: ``localhost`` or a loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_url(url: str, *, allow_http: Collection[str] = ()) -> Target:
    """Take a URL apart, or refuse it.

    :param allow_http: hosts for which plain http is accepted beside loopback : the operator vouches
        for the network to them.
    :raises FetchFailed: not https, credentials or a fragment in it, or not a plain absolute URL.
    """
    if len(url) > _MAX_URL or not _URL_TEXT.fullmatch(url) or "\\" in url:
        raise FetchFailed("The address is not a plain absolute URL.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise FetchFailed("The address is not a plain absolute URL.") from None
    if parts.scheme not in _DEFAULT_PORTS or not host or not _HOST_TEXT.fullmatch(host) or port == 0:
        raise FetchFailed("The address is not an https URL.", expected="https://…")
    if ("[" in parts.netloc) != (":" in host):
        raise FetchFailed("The address is not a plain absolute URL.")
    if "@" in parts.netloc:
        raise FetchFailed("The address holds credentials: an URL is no place for them.", actual=host)
    if "#" in url:
        raise FetchFailed("The address holds a fragment.", actual=host)
    if parts.scheme == "http" and not is_loopback(host) and host not in allow_http:
        raise FetchFailed(
            f"http://{host} is refused: only https is fetched, and http on loopback.",
            expected="https",
            actual="http",
            hint="Serve it over https, or name the host in allow_http if the network between is trusted.",
        )
    return Target(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme], _request_target(parts))


def _request_target(parts: SplitResult) -> str:
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path


def public_addresses(host: str, addresses: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses if all of them are public; one private address refuses the name.

    For URLs that came from somebody else (``jwks_uri`` of a registered client, request object): the caller
    then connects to one of the returned addresses and resolves no second time, so that a name cannot turn.

    :raises FetchFailed: there is none, or one is private, loopback, link-local, shared or multicast.
    """
    found = tuple(addresses)
    if not found:
        raise FetchFailed(f"{host} has no address.", actual=host)
    for text in found:
        if not _is_public(text):
            raise FetchFailed(
                f"{host} is refused: it resolves to an address inside a private network.",
                expected="a public address",
                actual=host,
            )
    return found


def _is_public(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded_ipv4(address)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
        if address not in _GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast


def _embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Find the IPv4 address that an IPv6 address leads to: ``::ffff:127.0.0.1`` is loopback."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
