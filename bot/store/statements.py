"""Every statement that the writer uses, compiled once a dialect.

Inserts are upserts in the form that SQLite and PostgreSQL share (`INSERT ... ON CONFLICT DO UPDATE`). Rows are dicts
of stored forms keyed by column name; columns that a statement does not name are left alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Dialect, bindparam, case, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement

from bot.domain.errors import CommitFailed
from bot.store.columns import METADATA
from bot.store.tables import DECLARED, PATCHES
from bot.store.tables.command import COMMAND
from bot.store.tables.execution import EXECUTION
from bot.store.tables.execution_replaced import EXECUTION_REPLACED
from bot.store.tables.position import POSITION
from bot.store.tables.position_mark import LATEST_MARKS, MARKS
from bot.store.tables.transition import TRANSITION

Rows = Sequence[Mapping[str, Any]]


class RowUpdate(NamedTuple):
    """A change of some columns of rows that are there, by the name of their table; each row's key is its `row_id`."""

    table: str
    columns: tuple[str, ...]


Write = tuple[str | RowUpdate, Rows]
"""A statement, by its name or by what it changes, and the rows that it runs for."""


def _upsert_execution(dialect: str) -> ClauseElement:
    """An execution that is told again may learn whose it is, and never forgets its commission."""
    start = postgresql.insert(EXECUTION) if dialect == "postgresql" else sqlite.insert(EXECUTION)
    statement = start.values({c.name: bindparam(c.name) for c in EXECUTION.columns})
    new, old = statement.excluded, EXECUTION.c
    kept = {
        "order_id": func.coalesce(new.order_id, old.order_id),
        "position_id": func.coalesce(new.position_id, old.position_id),
        "commission": func.coalesce(new.commission, old.commission),
    }
    return statement.on_conflict_do_update(index_elements=["exec_id"], set_=kept)


def _keep_replaced(_: str) -> ClauseElement:
    columns = [c.name for c in EXECUTION.columns]
    source = select(*EXECUTION.columns, bindparam("exec_id", type_=EXECUTION.c.exec_id.type)).where(
        EXECUTION.c.exec_id == bindparam("replaces")
    )
    return insert(EXECUTION_REPLACED).from_select([*columns, "replaced_by"], source)


def _carry_commission(_: str) -> ClauseElement:
    """Until the corrected fill's own commission comes, what was charged for the replaced one stands."""
    charged = select(EXECUTION_REPLACED.c.commission).where(EXECUTION_REPLACED.c.exec_id == bindparam("replaces"))
    return (
        update(EXECUTION)
        .values(commission=charged.scalar_subquery())
        .where(EXECUTION.c.exec_id == bindparam("exec_id_"), EXECUTION.c.commission.is_(None))
    )


def _path_point(dialect: str) -> ClauseElement:
    stop = select(POSITION.c.stop_price).where(POSITION.c.id == bindparam("position_id")).scalar_subquery()
    return MARKS.upsert(dialect, stop_price=stop)


def _latest_mark(_: str) -> ClauseElement:
    """The mark stands in the position's row, and the lowest bid of all of them beside it."""
    bid, low = bindparam("seen_bid", type_=POSITION.c.low.type), POSITION.c.low
    names = [each.name for part in LATEST_MARKS.fields for each in part.columns]
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    lowest = case((bid.is_(None), low), (low.is_(None), bid), (bid < low, bid), else_=low)
    return update(POSITION).values(values | {"low": lowest}).where(POSITION.c.id == bindparam("row_id"))


def _hear_command(dialect: str) -> ClauseElement:
    """A command that came by its row is there already and stays as it is."""
    start = postgresql.insert(COMMAND) if dialect == "postgresql" else sqlite.insert(COMMAND)
    return start.values({c.name: bindparam(c.name) for c in COMMAND.columns}).on_conflict_do_nothing()


def _charge(_: str) -> ClauseElement:
    return (
        update(EXECUTION).values(commission=bindparam("commission")).where(EXECUTION.c.exec_id == bindparam("exec_id_"))
    )


def _append_transition(_: str) -> ClauseElement:
    return insert(TRANSITION).values({c.name: bindparam(c.name) for c in TRANSITION.columns})


STATEMENTS: Final[Mapping[str, Callable[[str], ClauseElement]]] = {
    **{each.table.name: each.upsert for each in DECLARED},
    **{each.name: each.update for each in PATCHES},
    "execution_replaced": _keep_replaced,
    "execution_removed": lambda _: delete(EXECUTION).where(EXECUTION.c.exec_id == bindparam("replaces")),
    "execution": _upsert_execution,
    "execution_carried": _carry_commission,
    "commission": _charge,
    "command_heard": _hear_command,
    "position_mark": _path_point,
    "latest_mark": _latest_mark,
    "transition": _append_transition,
}
"""What the writer can do, by name; a batch runs them in the order in which it names them."""


def _update(change: RowUpdate) -> ClauseElement:
    table = METADATA.tables[change.table]
    (key,) = table.primary_key.columns
    return update(table).values({name: bindparam(name) for name in change.columns}).where(key == bindparam("row_id"))


class Prepared:
    """The statements of one dialect, compiled when first used: SQL text and the order of its parameters. Where the
    driver is SQLite's own they go straight to it, in the transaction that SQLAlchemy began."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._ready: dict[str | RowUpdate, tuple[str, Callable[[Mapping[str, Any]], Any]]] = {}

    def run(self, connection: Connection, name: str | RowUpdate, rows: Rows) -> None:
        """Execute a statement for each row, in one call of the driver. Raises CommitFailed when a row that is changed
        is not there."""
        sql, parameters_of = self._ready.get(name) or self._compile(name)
        parameters, driver = [parameters_of(row) for row in rows], connection.connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            touched = self._run_at_once(driver, sql, parameters)
        else:
            touched = connection.exec_driver_sql(sql, parameters).rowcount
        if isinstance(name, RowUpdate) and touched not in {len(rows), _NOT_COUNTED}:
            raise CommitFailed(f"{len(rows) - touched} rows of {name.table} are gone that were written before")

    def _run_at_once(self, driver: sqlite3.Connection, sql: str, parameters: Sequence[Any]) -> int:
        try:
            with closing(driver.cursor()) as cursor:
                cursor.executemany(sql, parameters)
                return cursor.rowcount
        except sqlite3.Error as error:
            raise DBAPIError.instance(sql, None, error, sqlite3.Error, dialect=self._dialect) from error

    def _compile(self, name: str | RowUpdate) -> tuple[str, Callable[[Mapping[str, Any]], Any]]:
        statement = _update(name) if isinstance(name, RowUpdate) else STATEMENTS[name](self._dialect.name)
        compiled = statement.compile(dialect=self._dialect)
        order = getattr(compiled, "positiontup", None)
        ready = (str(compiled), _by_position(order) if order else dict)
        self._ready[name] = ready
        return ready


def _by_position(order: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(order) == 1:
        return lambda row: (row[order[0]],)
    return itemgetter(*order)


_NOT_COUNTED: Final = -1
HEAD_OF_CHAIN: Final = select(TRANSITION.c.seq, TRANSITION.c.hash).order_by(TRANSITION.c.seq.desc()).limit(1)
