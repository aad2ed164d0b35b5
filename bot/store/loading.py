"""What a start finds in the store: everything alive, and of the last days what limits and late facts need.

Context: the broker tells of a day's orders and executions until its nightly restart, hours after midnight. Decision: a
start reads what the running bot keeps (`bot.engine.state.forgetting`): ENDED_DAYS and today, and what a clock that was
ahead dated later. Consequence: a restart after midnight takes none of it for a stranger's; what counts by the day
filters itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, RowMapping, Select, Table, and_, func, or_, select

from bot.config.degradation import MOST_OUTCOMES
from bot.domain.calendar import NEW_YORK, new_york_day
from bot.domain.events.account import AccountReported
from bot.domain.instruments import Instrument, PriceGrid
from bot.domain.kinds import KINDS, Entities, Entity
from bot.domain.message import MESSAGE as MESSAGE_LIFE
from bot.domain.message import Message
from bot.domain.money import from_units
from bot.domain.order import ORDER, Order, revision_of
from bot.domain.position import OPEN, Origin, Position, Settlement, Valuation
from bot.domain.signal import SIGNAL as SIGNAL_LIFE
from bot.domain.signal import Signal
from bot.engine.state.records import ENDED_DAYS, EXECUTION_DAYS, LEFT_ALONE, SET_ASIDE, LoadedState
from bot.risk.degradation import TradeOutcome
from bot.store.bounded import MOST_PAYLOAD, as_written, can_be_answered
from bot.store.database import NO_TEXT
from bot.store.tables import LIVING
from bot.store.tables.account_snapshot import ACCOUNT_SNAPSHOT, ACCOUNTS
from bot.store.tables.breaker import BREAKER
from bot.store.tables.broker_order import BROKER_ORDER
from bot.store.tables.command import COMMAND
from bot.store.tables.engine_status import ENGINE_STATUS
from bot.store.tables.execution import EXECUTION, EXECUTIONS
from bot.store.tables.execution_replaced import EXECUTION_REPLACED
from bot.store.tables.forecast import FORECAST, FORECASTS
from bot.store.tables.inbound import INBOUND
from bot.store.tables.instrument import INSTRUMENT, INSTRUMENTS
from bot.store.tables.message import MESSAGE
from bot.store.tables.position import POSITION
from bot.store.tables.reconciliation import RECONCILIATION
from bot.store.tables.reconciliation_line import RECONCILIATION_LINE
from bot.store.tables.signal import SIGNAL
from bot.store.tables.transition import TRANSITION
from bot.store.values import parse_json, parse_time, time_text

MOST_AT_ONCE: Final = 200
"""Rows of people and other processes that one look takes up."""

_IS_DRAWDOWN: Final = BREAKER.c.id == "drawdown"

HISTORY_DAYS: Final = 45
"""Days of realized P&L and of opening equity that limits may look back on."""


def load_state(connection: Connection, now: datetime) -> LoadedState:
    """Return what is alive at `now`."""
    known = _last_alive(connection, now)
    today, day = new_york_day(now), new_york_day(known)
    executions = _rows(connection, _recent_executions(known))
    return LoadedState(
        entities=_entities(connection, day),
        executions={r["base_id"]: EXECUTIONS.read(r) for r in executions},
        commissions={r["exec_id"]: from_units(r["commission"]) for r in executions if r["commission"] is not None},
        instruments=_instruments(connection, day),
        highest_order_id=connection.execute(select(func.max(BROKER_ORDER.c.order_id))).scalar() or 0,
        tick=_last_tick(connection),
        last_signal_at=_last_signals(connection, now),
        opening_equity=_opening_equity(connection, today) | _opening_moved_along(connection),
        last_close=_last_close(connection, today, now),
        last_account=_last_account(connection, today),
        high_water=_high_water(connection, now),
        account_seen_at=_account_seen_at(connection),
        earliest=_earliest(connection, day),
        not_ours=_not_ours(connection),
        opaque_told=_opaque_told(connection),
        underlying_seen=_last_marked(connection, POSITION.c.underlying),
        bid_seen=_last_marked(connection, POSITION.c.bid),
        strangers=frozenset(r["base_id"] for r in executions if r["order_id"] is None),
        outcomes=_outcomes(connection),
        forecasts=tuple(FORECASTS.read(row) for row in _rows(connection, _unsettled_forecasts())),
    )


def _entities(connection: Connection, day: date) -> Entities:
    return Entities(each.read(row) for kind, each in LIVING.items() for row in _rows(connection, _born(kind, day)))


def _born(kind: type[Entity], day: date) -> Select[Any]:
    """Return what is loaded of a kind in the order of birth, which the history alone knows of what came within a
    millisecond: whoever goes through it after a start goes as before."""
    table = LIVING[kind].table
    history = TRANSITION.c.machine == KINDS[kind].life.name, TRANSITION.c.entity_id == table.c.id
    born = func.coalesce(select(func.min(TRANSITION.c.seq)).where(*history).scalar_subquery(), 0)
    query = _ALSO_OVER[kind](day) if kind in _ALSO_OVER else LIVING[kind].alive()
    return query.order_by(None).order_by(born, table.c.id)


def _last_alive(connection: Connection, now: datetime) -> datetime:
    """Return from when `yesterday` is counted: a clock that is ahead by days must not hide what the bot did today."""
    written = connection.execute(select(ENGINE_STATUS.c.at)).scalar()
    return min(now, parse_time(written)) if written is not None else now


def queued_commands(connection: Connection) -> Sequence[RowMapping]:
    """Return the command rows that nobody handled, oldest first, so many at once; a text that is too long comes one
    character longer than it may be. A row whose id is no id of anything is nobody's."""
    return _queued(connection, COMMAND, COMMAND.c.created_at)


def queued_inbound(connection: Connection) -> Sequence[RowMapping]:
    """The same for the rows of `inbound`."""
    return _queued(connection, INBOUND, INBOUND.c.received_at)


def _queued(connection: Connection, table: Table, at: Column[str]) -> Sequence[RowMapping]:
    sqlite = connection.dialect.name == "sqlite"
    chosen = select(*as_written(table.c, MOST_PAYLOAD, sqlite=sqlite)).where(
        table.c.state == "queued", can_be_answered(table.c.id, sqlite=sqlite)
    )
    chosen = chosen.order_by(at, table.c.id)
    if not sqlite:
        return _rows(connection, chosen.limit(MOST_AT_ONCE))
    with connection.execute(chosen) as rows:  # one by one: an id that is no text is not found again, and stays
        found = (row._mapping for row in rows if NO_TEXT not in row.id)
        return list(islice(found, MOST_AT_ONCE))


def _rows(connection: Connection, query: Select[Any]) -> Sequence[RowMapping]:
    return [row._mapping for row in connection.execute(query)]


def _relevant_signals(today: date) -> Select[Any]:
    """Return what is alive, what is recent, so that a person who asks is told what became of it, and every signal
    whose order was loaded: a fill may come after its signal is over."""
    alive = SIGNAL.c.state.not_in([s.value for s in SIGNAL_LIFE.terminal])
    ordered = select(_relevant_orders(today).subquery().c.signal_id)
    recent = SIGNAL.c.session_day >= _since(today).isoformat()
    return select(SIGNAL).where(or_(alive, recent, SIGNAL.c.id.in_(ordered))).order_by(SIGNAL.c.id)


def _open_ids() -> Select[Any]:
    return select(POSITION.c.id).where(POSITION.c.state.in_([s.value for s in OPEN]))


def _since(today: date) -> date:
    """Return the first New York day of which what is over is still kept."""
    return today - timedelta(days=ENDED_DAYS)


def _recent(today: date) -> str:
    day = _since(today)
    return time_text(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK))


def _relevant_orders(today: date) -> Select[Any]:
    order = BROKER_ORDER.c
    alive = order.state.not_in([s.value for s in ORDER.terminal])
    recent = or_(order.created_at >= _recent(today), order.done_at >= _recent(today))
    closed = select(POSITION.c.id).where(POSITION.c.session_day >= _since(today).isoformat())
    wanted = or_(alive, recent, order.position_id.in_(_open_ids()), order.position_id.in_(closed))
    return select(BROKER_ORDER).where(wanted).order_by(order.id)


def _relevant_positions(today: date) -> Select[Any]:
    """Return what is open or was closed lately, what a settlement or a value still has to be told of, and every
    position whose order was loaded: a fill of it may come late."""
    position = POSITION.c
    unknown = position.valuation == Valuation.UNKNOWN.value
    unsettled = position.settlement.in_([Settlement.PENDING.value, Settlement.SEEN.value])
    recent = position.session_day >= _since(today).isoformat()
    delivered = position.shares_before.is_not(None)
    tied = position.id.in_(select(_relevant_orders(today).subquery().c.position_id))
    wanted = or_(position.state.in_([s.value for s in OPEN]), recent, unsettled, unknown, delivered, tied)
    return select(POSITION).where(wanted).order_by(position.id)


def _relevant_messages(today: date) -> Select[Any]:
    """Return what is alive or was said lately: an edit of it may follow, and nothing is said twice."""
    alive = MESSAGE.c.state.not_in([s.value for s in MESSAGE_LIFE.terminal])
    return select(MESSAGE).where(or_(alive, MESSAGE.c.created_at >= _recent(today))).order_by(MESSAGE.c.id)


_ALSO_OVER: Final[Mapping[type[Entity], Callable[[date], Select[Any]]]] = {
    Signal: _relevant_signals,
    Order: _relevant_orders,
    Position: _relevant_positions,
    Message: _relevant_messages,
}
"""The kinds of which more is loaded than what is alive."""


def _recent_executions(now: datetime) -> Select[Any]:
    since = time_text(now - timedelta(days=EXECUTION_DAYS))
    wanted = or_(EXECUTION.c.executed_at >= since, EXECUTION.c.position_id.in_(_open_ids()))
    return select(EXECUTION).where(wanted).order_by(EXECUTION.c.executed_at, EXECUTION.c.exec_id)


def _earliest(connection: Connection, today: date) -> dict[str, tuple[int, int]]:
    """Return by base of an execId that was corrected: revision and contracts of its earliest revision."""
    old = EXECUTION_REPLACED.c
    wanted = old.order_id.in_(select(_relevant_orders(today).subquery().c.id))
    found: dict[str, tuple[int, int]] = {}
    for row in _rows(connection, select(old.base_id, old.exec_id, old.quantity).where(wanted)):
        revision = revision_of(row["exec_id"])
        if row["base_id"] not in found or revision < found[row["base_id"]][0]:
            found[row["base_id"]] = (revision, row["quantity"])
    return found


def _not_ours(connection: Connection) -> dict[str, Decimal]:
    """Return what the broker held beside our positions when the books were last compared: shares, short options."""
    line, head = RECONCILIATION_LINE.c, RECONCILIATION.c
    latest = select(head.id).where(head.complete).order_by(head.at.desc(), head.id.desc()).limit(1).scalar_subquery()
    query = select(line.key, line.ours).where(
        line.reconciliation_id == latest, line.subject == "position", line.action == LEFT_ALONE, line.ours != SET_ASIDE
    )
    return {r["key"]: Decimal(r["ours"]) for r in _rows(connection, query)}


def _opaque_told(connection: Connection) -> frozenset[tuple[str, str]]:
    """Return what was set aside at the last whole comparison: told already."""
    line, head = RECONCILIATION_LINE.c, RECONCILIATION.c
    latest = select(head.id).where(head.complete).order_by(head.at.desc(), head.id.desc()).limit(1).scalar_subquery()
    query = select(line.subject, line.key).where(line.reconciliation_id == latest, line.ours == SET_ASIDE)
    return frozenset((r["subject"], r["key"]) for r in _rows(connection, query))


def _last_marked(connection: Connection, column: Column[int]) -> dict[str, tuple[datetime, Decimal]]:
    """Return a price of each open position's latest mark, where it has one, and when that was."""
    position = POSITION.c
    query = select(position.id, position.marked_at, column.label("price")).where(
        position.id.in_(_open_ids()), column.is_not(None), position.marked_at.is_not(None)
    )
    return {r["id"]: (parse_time(r["marked_at"]), from_units(r["price"])) for r in _rows(connection, query)}


def _outcomes(connection: Connection) -> tuple[TradeOutcome, ...]:
    """Return of each strategy its latest closed trades that count (bot.risk.degradation: outcome_of), oldest first."""
    p = POSITION.c
    rank = func.row_number().over(partition_by=p.strategy, order_by=(p.closed_at.desc(), p.id.desc())).label("rank")
    counted = (
        select(p.id, p.strategy, p.closed_at, p.realized_pnl, rank)
        .where(p.closed_at.is_not(None), p.entry_quantity > 0, p.origin == Origin.BOT.value)
        .where(or_(p.settlement.is_(None), p.settlement == Settlement.FINAL.value))
        .where(or_(p.valuation.is_(None), p.valuation != Valuation.UNKNOWN.value))
        .subquery()
    )
    latest = select(counted).where(counted.c.rank <= MOST_OUTCOMES).order_by(counted.c.closed_at, counted.c.id)
    return tuple(
        TradeOutcome(parse_time(r["closed_at"]), r["id"], r["strategy"], from_units(r["realized_pnl"]))
        for r in _rows(connection, latest)
    )


def _unsettled_forecasts() -> Select[Any]:
    return select(FORECAST).where(FORECAST.c.settled_at.is_(None)).order_by(FORECAST.c.at, FORECAST.c.id)


def _instruments(connection: Connection, today: date) -> dict[str, tuple[Instrument, PriceGrid]]:
    """Return what can still be traded: the date in an OSI symbol stands at its seventh character."""
    instrument = INSTRUMENT.c
    alive = or_(instrument.is_option.is_(False), func.substr(instrument.key, 7, 6) >= f"{today:%y%m%d}")
    found = _rows(connection, select(INSTRUMENT).where(alive).order_by(instrument.key))
    known = [INSTRUMENTS.read(row) for row in found]
    return {each.key: (each.instrument, each.grid) for each in known}


def _last_tick(connection: Connection) -> int:
    # By seq, for the index is there: ticks only grow.
    written = connection.execute(select(TRANSITION.c.tick).order_by(TRANSITION.c.seq.desc()).limit(1)).scalar()
    told = connection.execute(select(func.max(ENGINE_STATUS.c.tick))).scalar()
    kept = connection.execute(select(func.max(ACCOUNT_SNAPSHOT.c.tick))).scalar()
    return max(written or 0, told or 0, kept or 0)


def _last_signals(connection: Connection, now: datetime) -> dict[tuple[str, str], datetime]:
    """Return the latest signals up to now; a simulated clock may have been later in an earlier run."""
    signal = SIGNAL.c
    query = (
        select(signal.strategy, signal.symbol, func.max(signal.created_at).label("at"))
        .where(signal.created_at <= time_text(now))
        .group_by(signal.strategy, signal.symbol)
    )
    return {(r["strategy"], r["symbol"]): parse_time(r["at"]) for r in _rows(connection, query)}


def _high_water(connection: Connection, now: datetime) -> Decimal | None:
    """Return the highest net liquidation since the drawdown breaker was last acknowledged, within the days kept: what
    the breaker itself had last seen, in which deposits and withdrawals are reckoned, and the account's snapshots after
    that; where it has seen nothing, all of them."""
    account = ACCOUNT_SNAPSHOT.c
    since = time_text(now - timedelta(days=HISTORY_DAYS))
    breaker = connection.execute(select(BREAKER.c.acknowledged_at, BREAKER.c.facts).where(_IS_DRAWDOWN)).first()
    counted_anew = breaker.acknowledged_at if breaker is not None else None
    within: ColumnElement[bool] = account.at.between(max(since, counted_anew or ""), time_text(now))
    written_at = _numbers_written_at(connection)
    facts = parse_json(breaker.facts) if breaker is not None and written_at else {}
    told = facts.get("high_water")
    if told is not None and written_at is not None:
        within = and_(within, account.at > max(written_at, facts.get("seen_at", "")))
    highest = connection.execute(select(func.max(account.net_liquidation)).where(within)).scalar()
    seen = [from_units(int(highest))] if highest is not None else []
    seen += [Decimal(str(told))] if told is not None else []
    return max(seen, default=None)


def _account_seen_at(connection: Connection) -> datetime | None:
    """Return up to when the drawdown breaker had reckoned the account's values in, by whatever clock ran then."""
    facts = connection.execute(select(BREAKER.c.facts).where(_IS_DRAWDOWN)).scalar()
    seen = parse_json(facts).get("seen_at") if facts is not None else None
    return parse_time(seen) if seen else None


def _numbers_written_at(connection: Connection) -> str | None:
    """Return when the breakers' numbers were last written, maybe by a clock that was set back since: they hold all the
    same, for the account goes on."""
    written_at: str | None = connection.execute(select(ENGINE_STATUS.c.at)).scalar()
    return written_at


def _last_close(connection: Connection, today: date, now: datetime) -> Decimal | None:
    """Return the last net liquidation of an earlier day, within the days kept."""
    account = ACCOUNT_SNAPSHOT.c
    since = (today - timedelta(days=HISTORY_DAYS)).isoformat()
    query = (
        select(account.net_liquidation)
        .where(account.net_liquidation.is_not(None), account.day >= since, account.day < today.isoformat())
        .where(account.at <= time_text(now))
        .order_by(account.at.desc())
        .limit(1)
    )
    found = connection.execute(query).scalar()
    return from_units(int(found)) if found is not None else None


def _last_account(connection: Connection, today: date) -> AccountReported | None:
    """Return the account as it was last kept today: what a start compares the broker's first word with. What bears a
    later day was kept by a clock that was ahead, and is of today too; the last is the one that was written last."""
    account = ACCOUNT_SNAPSHOT.c
    query = select(ACCOUNT_SNAPSHOT).where(account.day >= today.isoformat(), account.net_liquidation > 0)
    last = query.order_by(account.tick.desc(), account.at.desc(), account.id.desc()).limit(1)
    row = connection.execute(last).mappings().first()
    if row is None:
        return None
    return ACCOUNTS.read(row)


def _opening_moved_along(connection: Connection) -> dict[date, Decimal]:
    """Return the first equity of the day that the daily loss was last measured by: deposits moved it along."""
    facts = connection.execute(select(BREAKER.c.facts).where(BREAKER.c.id == "daily_loss")).scalar()
    told = parse_json(facts) if facts is not None else {}
    day, first = told.get("day"), told.get("first_equity")
    return {date.fromisoformat(str(day)): Decimal(str(first))} if day and first else {}


def _opening_equity(connection: Connection, today: date) -> dict[date, Decimal]:
    account = ACCOUNT_SNAPSHOT.c
    first = (
        select(account.day, func.min(account.at).label("at"))
        .where(account.net_liquidation.is_not(None), account.day >= (today - timedelta(days=HISTORY_DAYS)).isoformat())
        .group_by(account.day)
        .subquery()
    )
    query = select(account.day, account.net_liquidation).join(
        first, (first.c.day == account.day) & (first.c.at == account.at)
    )
    found = _rows(connection, query.where(account.net_liquidation.is_not(None)))
    return {date.fromisoformat(r["day"]): from_units(r["net_liquidation"]) for r in found}
