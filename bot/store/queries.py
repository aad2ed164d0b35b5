"""The named audit queries: what an auditor asks, as data. They run on a connection that cannot write.

why_trade approvals order_executions slippage daily_pnl unprotected_time protection refused_triggers admin_actions
config_at trade_messages trades position_story session_history reconciliations
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from bot.domain.calendar import new_york_day
from bot.domain.errors import StoreError
from bot.store.bounded import MOST_LABEL, short_cell
from bot.store.database import open_reader, reason_of

_ULID_LENGTH: Final = 26
_AT_ONCE: Final = 4  # rows in memory as they are stored, however long their texts


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that a query takes; without a default it must be given."""

    name: str
    meaning: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """A question with its SQL. Parameters stand in it as `:name`; money comes out in dollars."""

    name: str
    title: str
    explanation: str
    sql: str
    parameters: tuple[Parameter, ...] = ()


_TRADE: Final = Parameter("id", "a signal's or a position's id")
_FROM: Final = Parameter("from", "first day, YYYY-MM-DD, today or yesterday", "0000-01-01")
_TO: Final = Parameter("to", "last day, YYYY-MM-DD, today or yesterday", "9999-12-31")

_ALL: Final = (
    AuditQuery(
        "why_trade",
        "Why was this trade taken?",
        "Everything that led to a trade and came of it, in order: what the strategy saw, the broker's preview, every "
        "rule with "
        "its numbers, who approved, each order and fill, each stop and rung, the end.",
        """
SELECT v.seq, v.event_at, v.machine, v.from_state, v.to_state, v."trigger", v.actor, v.reason, v.evidence,
v.config_version FROM v_signal_timeline v
WHERE v.signal_id = :id OR v.signal_id = (SELECT p.signal_id FROM position p WHERE p.id = :id)
ORDER BY v.seq""",
        (_TRADE,),
    ),
    AuditQuery(
        "approvals",
        "Who approved?",
        "Every approval with the one who decided it, how long it took and why.",
        """
SELECT approval_id, signal_id, strategy, symbol, "right", expiry, quantity, state, decided_by, requested_at, decided_at,
    seconds, reason
FROM v_approvals WHERE substr(requested_at, 1, 10) BETWEEN :from AND :to ORDER BY requested_at, approval_id""",
        (_FROM, _TO),
    ),
    AuditQuery(
        "order_executions",
        "Every order with its executions",
        "Each order that was ever written, one row an execution (or one without, where nothing was filled).",
        """
SELECT o.order_ref, o.purpose, o.side, o.order_type, o.tag, o.state, o.quantity, o.limit_price, o.stop_price,
o.created_at,
    e.exec_id, e.quantity AS executed, ROUND(e.price / 10000.0, 4) AS price, ROUND(e.commission / 10000.0, 4) AS
    commission, e.executed_at
FROM v_order_audit o LEFT JOIN execution e ON e.order_id = o.id
WHERE :id = '' OR o.position_id = :id OR o.signal_id = :id OR o.order_ref = :id
ORDER BY o.created_at, o.order_ref, e.executed_at, e.exec_id""",
        (Parameter("id", "only of this signal, position or order reference", ""),),
    ),
    AuditQuery(
        "slippage",
        "What did execution cost against the mid?",
        "Each filled order: its average price against the mid when it was decided (a stop: against its stop price). "
        "Positive is a cost, in dollars.",
        """
SELECT order_ref, purpose, side, tag, contract_key, quantity, mid_at_decision, average_price, slippage_per_share,
slippage,
    slippage_pct, created_at
FROM v_slippage WHERE substr(created_at, 1, 10) BETWEEN :from AND :to ORDER BY created_at, order_ref""",
        (_FROM, _TO),
    ),
    AuditQuery(
        "daily_pnl",
        "What did each day bring?",
        "Realized dollars by New York day of closing, commissions included, computed from the executions.",
        """
SELECT day, trades, wins, losses, win_rate, realized_pnl, commissions, best, worst
FROM v_daily_pnl WHERE day BETWEEN :from AND :to ORDER BY day""",
        (_FROM, _TO),
    ),
    AuditQuery(
        "unprotected_time",
        "When was a position without its stop?",
        "Each stretch from a fill or the stop's loss until the broker held a stop or the way out began; longest first. "
        "seconds_after_entry leaves out the time in which the entry order was still alive.",
        """
SELECT u.position_id, p.contract_key, u.since_at, u.began_with, u.until_at, u.ended_with, u.seconds,
u.seconds_after_entry FROM v_unprotected_time u JOIN position p ON p.id = u.position_id
ORDER BY u.seconds_after_entry DESC, u.since_at""",
    ),
    AuditQuery(
        "protection",
        "How is each position protected, and for how long was it not?",
        "Each position with the contracts that its stop covers and those that nothing covers now; seconds and "
        "contract_seconds add up the whole time without a working sale at the broker; the open ones first.",
        """
SELECT position_id, contract_key, state, protection, contracts, stopped_contracts, stop_price, unprotected_contracts,
unprotected_since, seconds, contract_seconds
FROM v_protection ORDER BY CASE WHEN state = 'closed' THEN 1 ELSE 0 END, contract_seconds DESC, position_id""",
    ),
    AuditQuery(
        "refused_triggers",
        "What was refused?",
        "Triggers that the table of their machine does not allow from where it stood: nothing changed, each is on "
        "record.",
        """
SELECT seq, event_at, machine, entity_id, state, refused_trigger, actor, reason, evidence
FROM v_refused_triggers ORDER BY seq""",
    ),
    AuditQuery(
        "admin_actions",
        "What did people do?",
        "Each command with its answer, and each transition that a person caused.",
        """
SELECT at, actor, source, action, subject, outcome, words, detail
FROM v_admin_actions WHERE substr(at, 1, 10) BETWEEN :from AND :to AND (:actor = '' OR actor = :actor) ORDER BY at,
subject""",
        (_FROM, _TO, Parameter("actor", "only this actor, as admin:web:ann", "")),
    ),
    AuditQuery(
        "config_at",
        "Which configuration was in force?",
        "The configuration at a time, with its whole text (UTC, YYYY-MM-DDTHH:MM:SS).",
        """
SELECT id, hash, from_at, until_at, body
FROM v_config_in_force WHERE from_at <= :at AND (until_at IS NULL OR until_at > :at) ORDER BY from_at DESC LIMIT 1""",
        (Parameter("at", "a time; without one: now", "9999-12-31T23:59:59"),),
    ),
    AuditQuery(
        "trade_messages",
        "What was said about a trade?",
        "Each message about a trade with its tier, when it was due and when it went out, beside the trade's first "
        "fill.",
        """
SELECT m.id, m.tier, m.channel, m.kind, m.state, m.created_at, m.due_at, m.sent_at, m.external_id, m.reason,
    (SELECT MIN(e.executed_at) FROM execution e WHERE e.position_id = m.position_id) AS first_fill_at, m.body
FROM message m
WHERE m.position_id = :id OR m.signal_id = :id OR m.signal_id = (SELECT p.signal_id FROM position p WHERE p.id = :id)
    OR m.position_id = (SELECT s.position_id FROM signal s WHERE s.id = :id)
ORDER BY m.due_at, m.id""",
        (_TRADE,),
    ),
    AuditQuery(
        "trades",
        "Every trade",
        "Each position with what was paid, what came back and what is realized, in dollars.",
        """
SELECT position_id, strategy, symbol, "right", strike, expiry, state, close_reason, contracts, entry_price, exit_price,
    settled_at, settlement, valuation, commissions, realized_pnl, return_on_premium, opened_at, closed_at
FROM v_trades WHERE substr(opened_at, 1, 10) BETWEEN :from AND :to ORDER BY opened_at, position_id""",
        (_FROM, _TO),
    ),
    AuditQuery(
        "position_story",
        "What happened to this position?",
        "Every transition of a position, of its orders, and of the signal and approval that it came from.",
        """
SELECT seq, event_at, machine, from_state, to_state, "trigger", actor, reason, evidence
FROM v_position_timeline WHERE position_id = :id ORDER BY seq""",
        (Parameter("id", "a position's id"),),
    ),
    AuditQuery(
        "session_history",
        "When could the bot trade?",
        "Every move of the session and of the connection to the broker.",
        """
SELECT seq, event_at, machine, from_state, to_state, "trigger", actor, reason
FROM transition WHERE machine IN ('session', 'connection') ORDER BY seq""",
    ),
    AuditQuery(
        "reconciliations",
        "Did our book and the broker's agree?",
        "Each line of each reconciliation in which something differed: what we had, what the broker had, what was "
        "done.",
        """
SELECT at, reason, complete, subject, key, ours, broker, action
FROM v_reconciliations WHERE action <> 'same' ORDER BY at, reconciliation_id, line""",
    ),
)

SHORT: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "trades": ("position_id", "contract", "contracts", "entry_price", "exit_price", "realized_pnl",
                   "close_reason"),
        "daily_pnl": ("day", "trades", "wins", "realized_pnl", "commissions", "best", "worst"),
        "slippage": ("order_ref", "purpose", "tag", "quantity", "reference_price", "average_price", "slippage",
                     "slippage_pct"),
        "order_executions": ("order_ref", "purpose", "state", "quantity", "executed", "price", "executed_at"),
        "why_trade": ("event_at", "machine", "trigger", "reason"),
        "position_story": ("event_at", "machine", "trigger", "reason"),
        "approvals": ("signal_id", "symbol", "quantity", "state", "decided_by", "decided_at"),
        "session_history": ("event_at", "machine", "to_state", "reason"),
        "protection": ("position_id", "contract", "state", "protection", "contracts", "stop_price", "seconds"),
        "refused_triggers": ("event_at", "machine", "state", "refused_trigger", "reason"),
        "admin_actions": ("at", "actor", "action", "subject", "outcome", "words"),
        "config_at": ("id", "from_at", "until_at", "hash"),
        "trade_messages": ("tier", "channel", "kind", "state", "due_at", "sent_at", "reason"),
        "reconciliations": ("at", "subject", "key", "ours", "broker", "action"),
        "unprotected_time": ("position_id", "began_with", "ended_with", "seconds", "seconds_after_entry"),
    }
)  # fmt: skip
"""The columns of each query that answer it within 80 characters."""

QUERIES: Final[Mapping[str, AuditQuery]] = MappingProxyType({query.name: query for query in _ALL})


def find_query(name: str) -> AuditQuery:
    """Return a query by name; raises StoreError with the names that there are."""
    if name not in QUERIES:
        raise StoreError(f"no audit query {name!r}; there are: {', '.join(QUERIES)}")
    return QUERIES[name]


def run_query(
    url: str, name: str, parameters: Mapping[str, str] | None = None
) -> tuple[Sequence[str], Sequence[tuple[Any, ...]]]:
    """Run a named query read-only and return its columns and rows; raises StoreError for a wrong name or parameter."""
    columns, rows = stream_query(url, name, parameters)
    return columns, list(rows)


def stream_query(
    url: str, name: str, parameters: Mapping[str, str] | None = None
) -> tuple[Sequence[str], Iterator[tuple[Any, ...]]]:
    """Run a named query as `run_query` does and return its columns and its rows one by one: what is held in memory does
    not grow with them. The connection is given back when the rows are at their end or are dropped."""
    rows = _streamed(url, name, parameters)
    columns = next(rows)
    return tuple(str(column) for column in columns), rows


def _streamed(url: str, name: str, parameters: Mapping[str, str] | None) -> Iterator[tuple[Any, ...]]:
    query = find_query(name)
    values = _values(query, parameters or {})
    with open_reader(url) as connection:
        values = _with_days(values, _today(connection))
        try:
            result = connection.execution_options(yield_per=_AT_ONCE).execute(text(query.sql), values)
        except DBAPIError as error:
            raise StoreError(f"audit query {name} failed: {reason_of(error)}") from error
        yield tuple(result.keys())
        for row in result:
            yield tuple(short_cell(value) for value in row)


def count_rows(url: str, name: str, parameters: Mapping[str, str] | None = None) -> int:
    """Return how many rows a named query has."""
    query = find_query(name)
    values = _values(query, parameters or {})
    with open_reader(url) as connection:
        values = _with_days(values, _today(connection))
        try:
            counted = text(f"SELECT COUNT(*) FROM ({query.sql}) counted")  # noqa: S608  (a constant of ours)
            return int(connection.execute(counted, values).scalar() or 0)
        except DBAPIError as error:
            raise StoreError(f"audit query {name} failed: {reason_of(error)}") from error


def _values(query: AuditQuery, given: Mapping[str, str]) -> dict[str, str]:
    known = {parameter.name: parameter for parameter in query.parameters}
    strange = sorted(set(given) - set(known))
    if strange:
        allowed = ", ".join(known) or "none"
        raise StoreError(f"audit query {query.name} has no parameter {strange[0]!r}; it takes: {allowed}")
    values: dict[str, str] = {}
    for parameter in known.values():
        value = given.get(parameter.name, parameter.default)
        if value is None:
            raise StoreError(f"audit query {query.name} needs {parameter.name}=... ({parameter.meaning})")
        values[parameter.name] = value
    return values


def whole_id(url: str, given: str) -> str:
    """Return the signal's or position's id that ends with what was given; a whole id, or none at all, as it is. Raises
    StoreError where no id, or more than one, ends so."""
    if len(given) >= _ULID_LENGTH or not given.isalnum():
        return given
    ending = {"ending": f"%{given.upper()}", "most": MOST_LABEL}
    query = (
        "SELECT id FROM signal WHERE id LIKE :ending AND length(id) <= :most "
        "UNION SELECT id FROM position WHERE id LIKE :ending AND length(id) <= :most"
    )
    with open_reader(url) as connection:
        found = list(connection.execute(text(query), ending).scalars())
    if not found:
        raise StoreError(f"id={given}: no signal and no position has an id that ends so")
    if len(found) > 1:
        raise StoreError(f"id={given}: {len(found)} ids end so: {', '.join(found)}")
    return str(found[0])


def last_day(url: str) -> date:
    """Return the New York day that the bot last lived in."""
    with open_reader(url) as connection:
        return _today(connection)


def _with_days(values: dict[str, str], today: date) -> dict[str, str]:
    """Return the values with `today` and `yesterday` as days; raises StoreError for what is no day."""
    return {name: day_of(name, value, today) if name in {"from", "to"} else value for name, value in values.items()}


def day_named(connection: Connection, name: str, given: str) -> date:
    """Return the day that a person names, by the day that the bot last lived in; raises StoreError for what is none."""
    return date.fromisoformat(day_of(name, given, _today(connection)))


def day_of(name: str, given: str, today: date) -> str:
    """Return a day as YYYY-MM-DD; raises StoreError, which names the parameter, for what is no day."""
    named = {"today": today, "yesterday": today - timedelta(days=1)}.get(given)
    if named is not None:
        return named.isoformat()
    if given in {"0000-01-01", "9999-12-31"}:
        return given
    try:
        if len(given) == len("YYYY-MM-DD"):
            return date.fromisoformat(given).isoformat()
    except ValueError:
        pass
    raise StoreError(f"{name}={given} is no day: write YYYY-MM-DD, today or yesterday")


def _today(connection: Connection) -> date:
    """Return the New York day that the bot last lived in: a simulated clock has its own."""
    at = connection.execute(text("SELECT MAX(substr(at, 1, :most)) FROM engine_status"), {"most": MOST_LABEL}).scalar()
    return new_york_day(datetime.fromisoformat(str(at)) if at else datetime.now(UTC))
