"""The guarded fetch against a real server that misbehaves (research rows K9, K10, K14)."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
import time
from pathlib import Path

import pytest

from mintmark.errors import ConfigurationError, FetchFailed
from mintmark.net import Fetcher, Limits, fetch
from net.authorities import Authority
from net.scripted_server import Seen, reply, serving

QUICK = Limits(connect=1.0, read=0.2, total=0.4, body=1000)


def test_answers_come_whole_whatever_their_status() -> None:
    def handler(seen: Seen, _: socket.socket) -> bytes:
        return reply(b'{"path":"%s"}' % seen.path.encode(), status="404 Not Found", headers={"ETag": '"1"'})

    with serving(handler) as server:
        answer = fetch(f"{server.url}/a?b=c", headers={"X-One": "1"})
    assert (answer.status, answer.body, answer.headers["etag"]) == (404, b'{"path":"/a?b=c"}', '"1"')
    assert server.seen[0].headers["host"] == f"127.0.0.1:{server.port}"
    assert server.seen[0].headers["x-one"] == "1"
    assert b"path" not in repr(answer).encode()


def test_repeated_headers_are_joined() -> None:
    wire = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\ncache-control: public\r\n\r\n"
    with serving(lambda seen, _: wire) as server:
        assert fetch(server.url).headers["cache-control"] == "max-age=60, public"


def test_posts_carry_their_body() -> None:
    with serving(lambda seen, _: reply(seen.body)) as server:
        assert fetch(f"{server.url}/t", method="POST", body=b"a=b").body == b"a=b"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 T", "308 P", "300 M"])
def test_K9_redirects_are_refused(status: str) -> None:
    answer = reply(status=status, headers={"Location": "/other"})
    with serving(lambda seen, _: answer) as server, pytest.raises(FetchFailed, match="redirect"):
        fetch(f"{server.url}/jwks")
    assert [seen.path for seen in server.seen] == ["/jwks"]


def test_not_modified_is_an_answer() -> None:
    with serving(lambda seen, _: reply(status="304 Not Modified")) as server:
        assert fetch(server.url).status == 304


def test_K14_oversized_by_length_and_by_dripping_chunks() -> None:
    def chunked(_: Seen, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"64\r\n" + b"x" * 100 + b"\r\n")

    for handler in (lambda seen, _: reply(b"x" * 1001), chunked):
        with serving(handler) as server, pytest.raises(FetchFailed, match="longer than 1000 bytes"):
            fetch(server.url, limits=Limits(body=1000))
    with serving(lambda seen, _: reply(b"x" * 1000)) as server:
        assert len(fetch(server.url, limits=Limits(body=1000)).body) == 1000


def test_K14_a_compression_bomb_is_counted_unpacked() -> None:
    bomb = reply(gzip.compress(b"\0" * 50_000_000), headers={"Content-Encoding": "gzip"})
    with serving(lambda seen, _: bomb) as server, pytest.raises(FetchFailed, match="longer than"):
        fetch(server.url, limits=Limits(body=100_000))
    small = reply(gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})
    with serving(lambda seen, _: small) as server:
        assert fetch(server.url).body == b"{}"


def _drip_head(_: Seen, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(100):
        connection.sendall(b"X-%d: a\r\n" % number)
        time.sleep(0.05)


def _drip_body(_: Seen, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _number in range(100):
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("handler", [_drip_head, _drip_body])
def test_K14_a_dripping_server_meets_the_total_limit(handler: object) -> None:
    with serving(handler) as server:  # type: ignore[arg-type]
        began = time.monotonic()
        with pytest.raises(FetchFailed, match=r"longer than 0\.4 s"):
            fetch(server.url, limits=QUICK)
        assert time.monotonic() - began < 2.0


def test_silence_meets_the_read_limit() -> None:
    def silent(_: Seen, connection: socket.socket) -> None:
        connection.recv(1)

    with serving(silent) as server, pytest.raises(FetchFailed, match="no answer in time"):
        fetch(server.url, limits=QUICK)


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"hello, this is not HTTP\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Encoding: gzip\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n",
    ],
)
def test_broken_answers_are_refused_as_fetch_failures(wire: bytes) -> None:
    with serving(lambda seen, _: wire) as server, pytest.raises(FetchFailed) as caught:
        fetch(f"{server.url}/jwks?secret=s3cret", limits=QUICK)
    assert "s3cret" not in str(caught.value.details())
    assert caught.value.__cause__ is None


def test_a_server_that_is_down_is_a_fetch_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(FetchFailed, match="nothing answers there"):
        fetch(f"http://127.0.0.1:{port}/", limits=QUICK)


def test_tls_is_verified_and_a_ca_file_makes_it_pass(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(lambda seen, _: reply(b"ok"), tls=authority.server_context("127.0.0.1")) as server:
        with pytest.raises(FetchFailed, match="certificate"):
            fetch(server.url)
        assert fetch(server.url, ca_file=str(authority.ca_file)).body == b"ok"
    wrong_name = authority.server_context("other.example")
    with (
        serving(lambda seen, _: reply(b"ok"), tls=wrong_name) as server,
        pytest.raises(FetchFailed, match="certificate"),
    ):
        fetch(server.url, ca_file=str(authority.ca_file))
    with pytest.raises(ConfigurationError, match="CA file"):
        fetch("https://127.0.0.1:1/", ca_file=str(tmp_path / "absent.pem"))


def test_K10_a_url_from_others_may_not_lead_inside() -> None:
    with serving(lambda seen, _: reply(b"inside")) as server:
        with pytest.raises(FetchFailed, match="private network"):
            fetch(server.url, allow_private=False)
        with pytest.raises(FetchFailed, match="private network"):
            fetch(f"http://localhost:{server.port}", allow_private=False)
    assert server.seen == []


def test_K10_the_checked_address_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that turns after the check finds nobody asking again."""
    asked: list[str] = []
    resolve = socket.getaddrinfo

    def turning(host: str, *rest: object, **more: object) -> object:
        asked.append(host)
        return resolve("93.184.215.14" if host == "turning.example" else host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", turning)
    with pytest.raises(FetchFailed):
        fetch("https://turning.example/", allow_private=False, limits=Limits(connect=0.05, total=0.2))
    assert asked.count("turning.example") == 1


def test_the_environment_names_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda seen, _: reply(b"through the proxy")) as proxy:
        address = f"http://someone:hunter2@127.0.0.1:{proxy.port}"
        monkeypatch.setenv("http_proxy", address)
        monkeypatch.setenv("no_proxy", "direct.example")
        assert fetch("http://keys.example/jwks", allow_http=["keys.example"]).body == b"through the proxy"
        with serving(lambda seen, _: reply(b"direct")) as direct:
            assert fetch(direct.url).body == b"direct"  # loopback never goes through a proxy
    assert proxy.seen[0].path == "http://keys.example/jwks"
    assert proxy.seen[0].headers["host"] == "keys.example"
    assert proxy.seen[0].headers["proxy-authorization"].startswith("Basic ")


def test_https_through_a_proxy_is_tunnelled(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
    with serving(lambda seen, _: refuse) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://someone:hunter2@127.0.0.1:{proxy.port}")
        with pytest.raises(FetchFailed, match="proxy") as caught:
            fetch("https://keys.example/jwks")
    assert (proxy.seen[0].method, proxy.seen[0].path) == ("CONNECT", "keys.example:443")
    assert "hunter2" not in str(caught.value.details())


def test_allow_http_is_said_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda seen, _: reply(b"")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        fetcher = Fetcher(allow_http=["keys.example"])
        with caplog.at_level(logging.WARNING, logger="mintmark.net"):
            fetcher.fetch("http://keys.example/")
            fetcher.fetch("http://keys.example/")
    assert [record.getMessage() for record in caplog.records] == [
        "fetching over plain http from keys.example, as allow_http says"
    ]


def test_a_stream_yields_as_bytes_come_and_closes_from_another_thread() -> None:
    def events(_: Seen, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n")
        connection.recv(1)

    with serving(events) as server:
        stream = Fetcher().stream(server.url)
        received: list[bytes] = []
        arrived = threading.Event()

        def reader() -> None:
            with stream:
                for chunk in stream:
                    received.append(chunk)
                    arrived.set()

        thread = threading.Thread(target=reader)
        thread.start()
        assert arrived.wait(5)
        stream.close()
        thread.join(5)
        assert not thread.is_alive()
    assert received == [b": hello\n\n"]
    assert stream.headers["content-type"] == "text/event-stream"


def test_a_stream_over_tls_closes_from_another_thread(tmp_path: Path) -> None:
    def events(_: Seen, connection: socket.socket) -> None:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n: hello\n\n\r\n",
        )
        connection.recv(1)

    authority = Authority(tmp_path)
    tls, fetcher = authority.server_context("127.0.0.1"), Fetcher(ca_file=str(authority.ca_file))
    with serving(events, tls=tls) as server, fetcher.stream(server.url) as stream:
        chunks = iter(stream)
        assert next(chunks) == b": hello\n\n"
        closer = threading.Timer(0.05, stream.close)
        closer.start()
        assert list(chunks) == []
        closer.join()


def test_a_silent_stream_ends_at_its_read_limit_and_outlives_the_total_limit() -> None:
    def events(_: Seen, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _number in range(5):
            connection.sendall(b":\n")
            time.sleep(0.05)
        connection.recv(1)

    with serving(events) as server:
        fetcher = Fetcher(limits=Limits(total=0.2))
        received: list[bytes] = []
        with (
            fetcher.stream(server.url, read_timeout=0.5) as stream,
            pytest.raises(FetchFailed, match="no answer in time"),
        ):
            received.extend(stream)
    assert b"".join(received) == b":\n" * 5
