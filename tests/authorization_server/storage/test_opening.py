"""Opening a database: the first time, again, and everything that must be refused in one clear line."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.storage.migrate import migration_scripts
from mintmark.authorization_server.storage.repositories import people
from mintmark.authorization_server.storage.schema import SCHEMA_VERSION, metadata
from mintmark.errors import ConfigurationError

from .rows import add_alice


def refusal(url: str, **options: bool) -> str:
    with pytest.raises(ConfigurationError) as refused:
        Database.open(url, **options).close_now()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_the_first_start_makes_a_private_file_and_the_second_finds_it(tmp_path: Path) -> None:
    path = tmp_path / "a b %25.db"
    first = Database.open(f"sqlite:///{str(path).replace('%', '%25')}")
    first.write_now(add_alice)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in first.path.parent.iterdir()}
    assert len(modes) == 3  # with its log
    assert set(modes.values()) == {0o600}
    first.close_now()
    second = Database.open(f"sqlite:///{str(path).replace('%', '%25')}", create=False)
    assert second.read_now(people.any_exist)
    second.close_now()


def test_a_relative_path_is_relative_to_where_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Database.open("sqlite:///here.db").close_now()
    assert (tmp_path / "here.db").exists()


def test_acknowledged_means_on_disk(tmp_path: Path) -> None:
    db = Database.open(f"sqlite:///{tmp_path / 'x.db'}")
    pragmas = {
        name: db.write_now(lambda c, n=name: c.exec_driver_sql(f"PRAGMA {n}").scalar())
        for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
    }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    db.close_now()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mintmark.db",
        "mysql://x/y",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///x.db?mode=ro",
        "://",
        "é",
    ],
)
def test_a_url_that_names_no_database_is_refused(url: str) -> None:
    assert "sqlite:///" in refusal(url)


def test_a_database_from_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    db = Database.open(url)
    db.write_now(lambda c: c.execute(sa.text("UPDATE alembic_version SET version_num = '9042'")))
    db.close_now()
    before = (tmp_path / "x.db").read_bytes()
    assert "newer mintmark" in refusal(url)
    assert (tmp_path / "x.db").read_bytes() == before


def test_files_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("This is not a database at all, but it is long enough to look like one.")
    assert "not a database" in refusal(f"sqlite:///{tmp_path / 'text'}")
    (tmp_path / "cut").write_bytes(b"SQLite format 3\x00" + b"\xff" * 200)
    assert "cannot be used" in refusal(f"sqlite:///{tmp_path / 'cut'}")
    with sqlite3.connect(tmp_path / "foreign") as foreign:
        foreign.execute("CREATE TABLE recipes (name TEXT)")
    foreign.close()
    assert "another program" in refusal(f"sqlite:///{tmp_path / 'foreign'}")
    assert "is not a file" in refusal(f"sqlite:///{tmp_path}")
    assert "No such file or directory" in refusal(f"sqlite:///{tmp_path / 'nowhere' / 'x.db'}")
    assert "no database" in refusal(f"sqlite:///{tmp_path / 'x.db'}", create=False)
    assert not (tmp_path / "x.db").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_rights_is_refused(tmp_path: Path) -> None:
    Database.open(f"sqlite:///{tmp_path / 'x.db'}").close_now()
    (tmp_path / "x.db").chmod(0o400)
    assert "read and written" in refusal(f"sqlite:///{tmp_path / 'x.db'}")


def test_the_revisions_make_exactly_the_schema_of_the_code(tmp_path: Path) -> None:
    """Also what a new file gets, which is made without them."""
    config = Config()
    config.set_main_option("script_location", str(migration_scripts()).replace("%", "%%"))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA_VERSION
    Database.open(f"sqlite:///{tmp_path / 'made.db'}").close_now()
    by_revisions, made = (
        sa.create_engine(f"sqlite:///{tmp_path / name}", poolclass=sa.NullPool)
        for name in ("revised.db", "made.db")
    )
    with by_revisions.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        revised = described(connection)
    with made.begin() as connection:
        assert described(connection) == revised
        assert (
            connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == SCHEMA_VERSION
        )


def described(connection: sa.Connection) -> dict[str, object]:
    """Everything that SQLite says about its tables, but not in which order it was said."""
    look = sa.inspect(connection)
    pragmas = ("table_xinfo", "foreign_key_list", "index_list")
    found: dict[str, object] = {}
    for table in look.get_table_names():
        said = [connection.exec_driver_sql(f"PRAGMA {pragma}('{table}')").fetchall() for pragma in pragmas]
        columns, foreign_keys, indexes = said
        found[table] = (
            {tuple(row)[1:] for row in columns},
            {tuple(row)[2:] for row in foreign_keys},
            {index_of(connection, *row[1:]) for row in indexes},
        )
    return found


def index_of(
    connection: sa.Connection, name: str, unique: int, kind: str, partial: int
) -> tuple[object, ...]:
    columns = connection.exec_driver_sql(f"PRAGMA index_info('{name}')")
    named = name if kind == "c" else kind  # SQLite names those of constraints in the order of their making
    return named, unique, partial, condition_of(connection, name), *(column for _, _, column in columns)


def condition_of(connection: sa.Connection, index: str) -> str:
    query = sa.text("SELECT sql FROM sqlite_master WHERE name = :name")
    sql = connection.execute(query, {"name": index}).scalar()
    return (sql or "").rpartition(" WHERE ")[2].replace("signing_keys.", "").replace("grants.", "")


def test_the_package_carries_its_revisions(tmp_path: Path) -> None:
    """As in a wheel: the package alone, in another place, opened by a process that sees no checkout."""
    import mintmark

    package = Path(mintmark.__file__ or "").parent
    archive = tmp_path / "wheel.zip"
    with zipfile.ZipFile(archive, "w") as wheel:
        for path in package.rglob("*"):
            if path.suffix in {".py", ".mako", ".typed"}:
                wheel.write(path, Path("mintmark") / path.relative_to(package))
    site = tmp_path / "site packages"
    shutil.unpack_archive(archive, site)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from mintmark.authorization_server.storage import Database, database\n"
        "assert database.__file__.startswith(sys.argv[1]), database.__file__\n"
        "Database.open('sqlite:///x.db').close_now()\n"
    )
    command = [sys.executable, "-W", "error", "-c", program, str(site)]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)


def test_processes_that_start_together_make_one_schema(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom mintmark.authorization_server.storage import Database\n"
        "Database.open(sys.argv[1]).close_now()\n"
    )
    command = [sys.executable, "-c", program, f"sqlite:///{tmp_path / 'x.db'}"]
    started = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(60) for process in started] == [0, 0, 0, 0]


def test_a_start_waits_for_another_that_is_about_to_write(tmp_path: Path) -> None:
    """SQLite refuses at once to change the journal's mode while somebody holds the write lock: we wait."""
    path = tmp_path / "mintmark.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, other.rollback)
    release.start()
    try:
        Database.open(f"sqlite:///{path}").close_now()
    finally:
        release.join()
        other.close()
