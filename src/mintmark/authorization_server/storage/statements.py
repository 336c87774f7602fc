"""Statements that SQLAlchemy writes once for each kind of database, and the driver runs.

For a look-up by key, SQLAlchemy's way through an execution costs five to ten times what SQLite needs for the
look-up. What a statement says, how its values are bound and how its columns are read is the same each time:
it is worked out at the first use. Statements that are built on the spot go through ``connection.execute``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

__all__ = ["Statement"]

T = TypeVar("T")

Clause: TypeAlias = "sa.Select[Any] | sa.Insert | sa.Update | sa.Delete | sa.TextClause"
Values: TypeAlias = Mapping[str, Any]
_Process: TypeAlias = Callable[[Any], Any]


class Statement:
    """One constant statement with named values (``sa.bindparam``). Safe to share among threads.

    Each call needs a connection within a transaction, and raises what ``connection.execute`` would raise.
    """

    def __init__(self, clause: Clause) -> None:
        self._clause = clause.inline() if isinstance(clause, sa.Insert) else clause
        self._written: dict[str, _Written] = {}  # by the name of the dialect

    def first(self, connection: sa.Connection, values: Values) -> tuple[Any, ...] | None:
        """Return the first row, None if there is none."""
        return self._through(connection, values, _first)

    def every(self, connection: sa.Connection, values: Values) -> list[tuple[Any, ...]]:
        """Return all rows."""
        return self._through(connection, values, _every)

    def run(self, connection: sa.Connection, values: Values) -> int:
        """Run it and return how many rows it concerned."""
        return self._through(connection, values, _row_count)

    def run_each(self, connection: sa.Connection, rows: Iterable[Values]) -> None:
        """Run it once for each mapping."""
        written = self._for(connection)
        bound = [written.bound(values) for values in rows]
        if not bound:
            return
        try:
            connection.connection.cursor().executemany(written.sql, bound)
        except connection.dialect.loaded_dbapi.Error as error:
            raise _as_sqlalchemy(connection, written.sql, error) from error

    def _through(self, connection: sa.Connection, values: Values, take: Callable[[_Written, Any], T]) -> T:
        """Run it by the driver's own connection; its errors become those that SQLAlchemy would raise."""
        written = self._for(connection)
        bound = written.bound(values)
        driver: Any = connection.connection.driver_connection
        try:
            return take(written, driver.execute(written.sql, bound))
        except connection.dialect.loaded_dbapi.Error as error:
            raise _as_sqlalchemy(connection, written.sql, error) from error

    def _for(self, connection: sa.Connection) -> _Written:
        name = connection.dialect.name
        written = self._written.get(name)
        if written is None:
            written = self._written[name] = _Written(self._clause, connection.dialect)
        return written


class _Bind(NamedTuple):
    """One value of a statement: given with each call, or a constant of the statement's own."""

    name: str
    process: _Process | None
    constant: Any
    required: bool


def _as_bytearray(value: bytes | None) -> bytearray | None:
    """What sqlite3 takes as it is; for other bytes it first looks, at length, for somebody to adapt them."""
    return None if value is None else bytearray(value)


class _Written:
    """A statement in the words of one dialect."""

    def __init__(self, clause: Clause, dialect: Dialect) -> None:
        compiled = clause.compile(dialect=dialect)
        self.sql = str(compiled)
        self._dialect = dialect
        self._positional = compiled.positional
        names = compiled.positiontup if compiled.positional else compiled.binds
        self._binds = [self._bind(name, compiled.binds[name]) for name in names or ()]
        columns = clause.selected_columns if isinstance(clause, sa.Select) else ()
        self._types = [column.type for column in columns]
        self._readers: list[tuple[int, _Process]] | None = None

    def _bind(self, name: str, bind: sa.BindParameter[Any]) -> _Bind:
        process = bind.type.dialect_impl(self._dialect).bind_processor(self._dialect)
        if self._dialect.name == "sqlite" and isinstance(bind.type, sa.LargeBinary):
            process = _as_bytearray
        if bind.required:
            return _Bind(name, process, None, required=True)
        constant = bind.effective_value
        return _Bind(name, None, constant if process is None else process(constant), required=False)

    def bound(self, values: Values) -> Any:
        """Return the values as the driver takes them.

        :raises KeyError: one is missing.
        """
        found = []
        for name, process, constant, required in self._binds:
            value = values[name] if required else constant
            found.append(value if process is None else process(value))
        if self._positional:
            return found
        return {bind.name: value for bind, value in zip(self._binds, found, strict=True)}

    def read(self, row: tuple[Any, ...], description: Any) -> tuple[Any, ...]:
        """Return the row with its values as the columns' types say."""
        readers = self._readers
        if readers is None:  # how some types are read depends on what the driver says about the column
            readers = self._readers = self._make_readers(description)
        if not readers:
            return row
        values = list(row)
        for index, process in readers:
            values[index] = process(values[index])
        return tuple(values)

    def _make_readers(self, description: Any) -> list[tuple[int, _Process]]:
        found: list[tuple[int, _Process]] = []
        for index, kind in enumerate(self._types):
            implementation = kind.dialect_impl(self._dialect)
            process = implementation.result_processor(self._dialect, description[index][1])
            if process is not None:
                found.append((index, process))
        return found


def _first(written: _Written, cursor: Any) -> tuple[Any, ...] | None:
    row = cursor.fetchone()
    return None if row is None else written.read(row, cursor.description)


def _every(written: _Written, cursor: Any) -> list[tuple[Any, ...]]:
    return [written.read(row, cursor.description) for row in cursor]


def _row_count(_written: _Written, cursor: Any) -> int:
    return int(cursor.rowcount)


def _as_sqlalchemy(connection: sa.Connection, sql: str, error: Any) -> BaseException:
    """Return the error as ``connection.execute`` would raise it, without parameters: they may be personal."""
    dialect = connection.dialect
    gone = not connection.invalidated and dialect.is_disconnect(error, connection.connection, None)
    if gone:
        connection.invalidate(error)
        connection.engine.dispose()  # its neighbours in the pool have lost the same server
    raised: BaseException = DBAPIError.instance(
        sql, None, error, dialect.loaded_dbapi.Error, True, gone, dialect
    )
    return raised
