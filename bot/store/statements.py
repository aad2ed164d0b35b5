"""Every statement that the writer uses, compiled once a dialect.

Inserts are upserts in the form that SQLite and PostgreSQL share (`INSERT ... ON CONFLICT DO UPDATE`). Rows are dicts
of stored forms keyed by column name; columns that a statement does not name are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement

from bot.store import schema as s

Rows = Sequence[Mapping[str, Any]]

_MARK_COLUMNS: Final = frozenset({"bid", "ask", "underlying", "unrealized_pnl", "marked_at", "quoted_at"})


def _upsert(table: Table, dialect: str, leave_out: frozenset[str] = frozenset(), **computed: Any) -> ClauseElement:
    """Return an insert that replaces the row of the same primary key; `leave_out` columns are not touched."""
    start = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    names = [c.name for c in table.columns if c.name not in leave_out]
    keys = [c.name for c in table.primary_key.columns]
    values = {name: computed.get(name, bindparam(name)) for name in names}
    statement = start.values(values)
    kept = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=kept)


def _upsert_execution(dialect: str) -> ClauseElement:
    """An execution that is told again may learn whose it is, and never forgets its commission."""
    start = postgresql.insert(s.EXECUTION) if dialect == "postgresql" else sqlite.insert(s.EXECUTION)
    statement = start.values({c.name: bindparam(c.name) for c in s.EXECUTION.columns})
    new, old = statement.excluded, s.EXECUTION.c
    kept = {
        "order_id": func.coalesce(new.order_id, old.order_id),
        "position_id": func.coalesce(new.position_id, old.position_id),
        "commission": func.coalesce(new.commission, old.commission),
    }
    return statement.on_conflict_do_update(index_elements=["exec_id"], set_=kept)


def _keep_replaced(_: str) -> ClauseElement:
    columns = [c.name for c in s.EXECUTION.columns]
    source = select(*s.EXECUTION.columns, bindparam("exec_id", type_=s.EXECUTION.c.exec_id.type)).where(
        s.EXECUTION.c.exec_id == bindparam("replaces")
    )
    return insert(s.EXECUTION_REPLACED).from_select([*columns, "replaced_by"], source)


def _carry_commission(_: str) -> ClauseElement:
    """Until the corrected fill's own commission comes, what was charged for the replaced one stands."""
    charged = select(s.EXECUTION_REPLACED.c.commission).where(s.EXECUTION_REPLACED.c.exec_id == bindparam("replaces"))
    return (
        update(s.EXECUTION)
        .values(commission=charged.scalar_subquery())
        .where(s.EXECUTION.c.exec_id == bindparam("exec_id_"), s.EXECUTION.c.commission.is_(None))
    )


def _path_point(dialect: str) -> ClauseElement:
    stop = select(s.POSITION.c.stop_price).where(s.POSITION.c.id == bindparam("position_id")).scalar_subquery()
    return _upsert(s.POSITION_MARK, dialect, stop_price=stop)


def _latest_mark(_: str) -> ClauseElement:
    values: dict[str, Any] = {name: bindparam(name) for name in sorted(_MARK_COLUMNS - {"marked_at"})}
    return (
        update(s.POSITION)
        .values(**values, marked_at=bindparam("at"))
        .where(s.POSITION.c.id == bindparam("position_id"))
    )


def _handle_command(_: str) -> ClauseElement:
    values: dict[str, Any] = {name: bindparam(name) for name in ("state", "answer", "handled_at")}
    return update(s.COMMAND).values(values).where(s.COMMAND.c.id == bindparam("command_id"))


def _handle_inbound(_: str) -> ClauseElement:
    values: dict[str, Any] = {name: bindparam(name) for name in ("state", "answer", "handled_at")}
    return update(s.INBOUND).values(values).where(s.INBOUND.c.id == bindparam("command_id"))


def _hear_command(dialect: str) -> ClauseElement:
    """A command that came by its row is there already and stays as it is."""
    start = postgresql.insert(s.COMMAND) if dialect == "postgresql" else sqlite.insert(s.COMMAND)
    return start.values({c.name: bindparam(c.name) for c in s.COMMAND.columns}).on_conflict_do_nothing()


def _charge(_: str) -> ClauseElement:
    return (
        update(s.EXECUTION)
        .values(commission=bindparam("commission"))
        .where(s.EXECUTION.c.exec_id == bindparam("exec_id_"))
    )


def _append_transition(_: str) -> ClauseElement:
    return insert(s.TRANSITION).values({c.name: bindparam(c.name) for c in s.TRANSITION.columns})


STATEMENTS: Final[Mapping[str, Callable[[str], ClauseElement]]] = {
    "signal": lambda d: _upsert(s.SIGNAL, d),
    "approval": lambda d: _upsert(s.APPROVAL, d),
    "position": lambda d: _upsert(s.POSITION, d, leave_out=_MARK_COLUMNS),
    "broker_order": lambda d: _upsert(s.BROKER_ORDER, d),
    "execution_replaced": _keep_replaced,
    "execution_removed": lambda _: delete(s.EXECUTION).where(s.EXECUTION.c.exec_id == bindparam("replaces")),
    "execution": _upsert_execution,
    "execution_carried": _carry_commission,
    "commission": _charge,
    "session_state": lambda d: _upsert(s.SESSION_STATE, d),
    "connection_state": lambda d: _upsert(s.CONNECTION_STATE, d),
    "command_heard": _hear_command,
    "command": _handle_command,
    "inbound": _handle_inbound,
    "alert": lambda d: _upsert(s.ALERT, d),
    "feed_status": lambda d: _upsert(s.FEED_STATUS, d),
    "latest_mark": _latest_mark,
    "position_mark": _path_point,
    "account_snapshot": lambda d: _upsert(s.ACCOUNT_SNAPSHOT, d),
    "reconciliation": lambda d: _upsert(s.RECONCILIATION, d),
    "reconciliation_line": lambda d: _upsert(s.RECONCILIATION_LINE, d),
    "job_run": lambda d: _upsert(s.JOB_RUN, d),
    "instrument": lambda d: _upsert(s.INSTRUMENT, d),
    "strategy_stat": lambda d: _upsert(s.STRATEGY_STAT, d),
    "breaker": lambda d: _upsert(s.BREAKER, d),
    "symbol_halt": lambda d: _upsert(s.SYMBOL_HALT, d),
    "adoption": lambda d: _upsert(s.ADOPTION, d),
    "engine_status": lambda d: _upsert(s.ENGINE_STATUS, d),
    "transition": _append_transition,
}
"""What the writer can do, by name; a batch runs them in the order in which it names them."""


class Prepared:
    """The statements of one dialect, compiled when first used: SQL text and the order of its parameters."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._ready: dict[str, tuple[str, Callable[[Mapping[str, Any]], Any]]] = {}

    def run(self, connection: Connection, name: str, rows: Rows) -> None:
        """Execute a statement for each row, in one call of the driver."""
        sql, parameters_of = self._ready.get(name) or self._compile(name)
        connection.exec_driver_sql(sql, [parameters_of(row) for row in rows])

    def _compile(self, name: str) -> tuple[str, Callable[[Mapping[str, Any]], Any]]:
        compiled = STATEMENTS[name](self._dialect.name).compile(dialect=self._dialect)
        order = getattr(compiled, "positiontup", None)
        ready = (str(compiled), _by_position(order) if order else dict)
        self._ready[name] = ready
        return ready


def _by_position(order: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(order) == 1:
        return lambda row: (row[order[0]],)
    return itemgetter(*order)


HEAD_OF_CHAIN: Final = select(s.TRANSITION.c.seq, s.TRANSITION.c.hash).order_by(s.TRANSITION.c.seq.desc()).limit(1)
