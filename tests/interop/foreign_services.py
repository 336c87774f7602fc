"""Services that others wrote, as child processes on loopback; each is stopped by its own handle."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ports import free_ports

_PATIENCE: Final = 30.0

_NGINX: Final = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  scgi_temp_path {folder}/scgi;
  uwsgi_temp_path {folder}/uwsgi;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/www;
    location / {{
      auth_request /check;
      auth_request_set $person $upstream_http_x_person;
      add_header X-Person $person;
    }}
    location = /check {{
      internal;
      proxy_pass {endpoint};
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header X-Original-URI $request_uri;
    }}
  }}
}}
"""


class NginxUnavailable(Exception):
    """There is no nginx with ``auth_request``."""


@contextmanager
def node_services(folder: Path, issuer: str, audience: str) -> Iterator[str]:
    """Run ``services.mjs`` and give its address."""
    process = subprocess.Popen(
        ["node", "services.mjs", issuer, audience],
        cwd=folder,
        env={**os.environ, "NODE_ENV": "test"},  # in production the package asks for https
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        _stop(process)


@contextmanager
def nginx(folder: Path, endpoint: str) -> Iterator[str]:
    """Run nginx before a static page, with ``auth_request`` to an endpoint, and give its address.

    One process without a master: it runs as whoever runs the tests, root included, and is ended by its id.

    :raises NginxUnavailable: it is not installed, or built without the module.
    """
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        raise NginxUnavailable("nginx is not installed (Debian: apt-get install nginx-light)")
    built = subprocess.run([program, "-V"], capture_output=True, text=True, timeout=30, check=True).stderr
    if "http_auth_request_module" not in built:
        raise NginxUnavailable("this nginx is built without its module auth_request")
    (folder / "www").mkdir()
    (folder / "www" / "orders.txt").write_text("three orders")
    process, address = _started(program, folder, endpoint)
    try:
        yield address
    finally:
        _stop(process)


def _started(program: str, folder: Path, endpoint: str) -> tuple[subprocess.Popen[str], str]:
    for _ in range(5):  # somebody may take the port between the look and the start
        port = free_ports(1)
        settings = folder / "nginx.conf"
        settings.write_text(_NGINX.format(folder=folder, port=port, endpoint=endpoint))
        process = subprocess.Popen(
            [program, "-p", str(folder), "-c", str(settings), "-e", str(folder / "error.log")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if _answers(process, port):
            return process, f"http://127.0.0.1:{port}"
        _stop(process)
    raise AssertionError((folder / "error.log").read_text())


def _answers(process: subprocess.Popen[str], port: int) -> bool:
    until = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return process.poll() is None
    return False


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
