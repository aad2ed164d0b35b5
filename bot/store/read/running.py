"""How the bot itself is doing: its pulse, session, connection, breakers, account, feeds, alerts, counters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, func, select

from bot.domain.adoption import OPEN_QUESTIONS, AdoptionState
from bot.domain.breaker import BreakerState
from bot.domain.events.account import CurrencyTold, PositionPnlTold
from bot.domain.events.feeds import FeedReported
from bot.domain.events.market_data import LineReported
from bot.domain.lines import LineState, Rank
from bot.domain.symbol_halt import SymbolState
from bot.domain.wording import new_york
from bot.engine.state.records import EngineStatus, StrategyStatRow
from bot.store.bounded import whole_rows
from bot.store.read.reading import columns_of, first, pairs, read
from bot.store.tables import MACHINES
from bot.store.tables.account_currency import ACCOUNT_CURRENCY
from bot.store.tables.account_snapshot import ACCOUNT_SNAPSHOT
from bot.store.tables.adoption import ADOPTION
from bot.store.tables.alert import ALERT
from bot.store.tables.breaker import BREAKER
from bot.store.tables.broker_pnl import BROKER_PNL
from bot.store.tables.connection_state import CONNECTION_STATE
from bot.store.tables.engine_status import ENGINE_STATUS
from bot.store.tables.feed_status import FEED_STATUS
from bot.store.tables.market_line import MARKET_LINE
from bot.store.tables.session_state import SESSION_STATE
from bot.store.tables.slowdown import SLOWDOWN, SLOWDOWNS
from bot.store.tables.strategy_stat import STRATEGY_STAT
from bot.store.tables.strategy_switch import STRATEGY_SWITCH
from bot.store.tables.symbol_halt import SYMBOL_HALT
from bot.store.values import time_text


@dataclass(frozen=True, slots=True)
class BreakerRow:
    id: str
    state: str
    value: str
    limit_words: str
    share: float | None
    detail: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class SymbolHaltRow:
    id: str
    state: str
    reason: str
    causes: Sequence[str]
    halted_by: str | None
    halted_at: datetime | None


@dataclass(frozen=True, slots=True)
class AdoptionRow:
    """A holding at the broker that nothing proved ours; `why`: it is adopted only by its key, and why."""

    id: str
    state: str
    symbol: str
    quantity: int
    why: str
    asked_at: datetime | None
    answered_by: str | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionRow:
    state: str
    hold: str
    held_by: str | None
    held_at: datetime | None
    hold_reason: str


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    state: str
    since: datetime | None
    detail: str


@dataclass(frozen=True, slots=True)
class AccountRow:
    account: str
    day: date
    at: datetime
    net_liquidation: Decimal | None
    available_funds: Decimal | None
    day_pnl: Decimal
    buying_power: Decimal | None
    cash: Decimal | None


@dataclass(frozen=True, slots=True)
class AlertRow:
    id: str
    code: str
    severity: str
    text: str
    at: datetime
    facts: str
    state: str
    entity: str
    count: int
    first_at: datetime | None
    escalation: int
    told_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None


def pulse(connection: Connection) -> EngineStatus | None:
    """Return the engine's pulse, None before its first tick."""
    return first(read(connection, EngineStatus, columns_of(EngineStatus, ENGINE_STATUS)))


def session(connection: Connection) -> SessionRow | None:
    return first(read(connection, SessionRow, columns_of(SessionRow, SESSION_STATE)))


def breakers(connection: Connection) -> list[BreakerRow]:
    """Return every circuit breaker, the one nearest to its limit first."""
    table = BREAKER.c
    return read(connection, BreakerRow, columns_of(BreakerRow, BREAKER).order_by(table.share.desc(), table.id))


def halted_symbols(connection: Connection) -> list[SymbolHaltRow]:
    """Return the symbols on which entries stop because of other people's trades."""
    table = SYMBOL_HALT.c
    halted = columns_of(SymbolHaltRow, SYMBOL_HALT).where(table.state == SymbolState.HALTED.value)
    return read(connection, SymbolHaltRow, halted.order_by(table.id))


def adoptions_asked(connection: Connection) -> list[AdoptionRow]:
    """Return the holdings that wait for a person, are on their way to be taken over, or were declined by a person."""
    table = ADOPTION.c
    said_no = (table.state == AdoptionState.DECLINED.value) & table.answered_by.is_not(None)
    shown = table.state.in_([s.value for s in OPEN_QUESTIONS]) | said_no
    return read(connection, AdoptionRow, columns_of(AdoptionRow, ADOPTION).where(shown).order_by(table.id))


def broker_link(connection: Connection) -> ConnectionRow | None:
    return first(read(connection, ConnectionRow, columns_of(ConnectionRow, CONNECTION_STATE)))


def account(connection: Connection) -> AccountRow | None:
    """Return the latest account reading."""
    table = ACCOUNT_SNAPSHOT
    return first(
        read(
            connection,
            AccountRow,
            columns_of(AccountRow, table).order_by(table.c.day.desc(), table.c.at.desc()).limit(1),
        )
    )


def account_day(connection: Connection, day: date) -> list[AccountRow]:
    """Return a New York day's account readings, oldest first."""
    table = ACCOUNT_SNAPSHOT
    query = columns_of(AccountRow, table).where(table.c.day == day.isoformat()).order_by(table.c.at)
    return read(connection, AccountRow, query)


def feeds(connection: Connection) -> list[FeedReported]:
    table = FEED_STATUS
    return read(
        connection, FeedReported, columns_of(FeedReported, table).order_by(table.c.feed, table.c.dataset, table.c.key)
    )


def market_lines(connection: Connection, *, closed: bool = False) -> list[LineReported]:
    """Return who holds which market data line and who waits for one, positions first; `closed`: also those that nobody
    wants any more."""
    table = MARKET_LINE
    chosen = columns_of(LineReported, table)
    if not closed:
        chosen = chosen.where(table.c.state != LineState.CLOSED.value)
    order = {rank.word: rank for rank in Rank}
    rows = read(connection, LineReported, chosen)
    return sorted(rows, key=lambda each: (order[each.rank], each.group_name, each.key))


def broker_pnl(connection: Connection) -> list[PositionPnlTold]:
    """Return what the broker reckons that each option brought that it holds for us."""
    table = BROKER_PNL
    return read(
        connection,
        PositionPnlTold,
        columns_of(PositionPnlTold, table).where(table.c.quantity != 0).order_by(table.c.key),
    )


def currencies(connection: Connection) -> list[CurrencyTold]:
    """Return what the account holds in each currency."""
    table = ACCOUNT_CURRENCY
    return read(connection, CurrencyTold, columns_of(CurrencyTold, table).order_by(table.c.account, table.c.currency))


def alerts(connection: Connection, limit: int, since: datetime | None = None) -> list[AlertRow]:
    """Return alerts, newest first; `since`: only those of then and later."""
    table = ALERT
    chosen = columns_of(AlertRow, table).order_by(table.c.at.desc(), table.c.id.desc()).limit(limit)
    if since is not None:
        chosen = chosen.where(table.c.at >= time_text(since))
    return read(connection, AlertRow, chosen)


def strategy_stats(connection: Connection, day: date) -> list[StrategyStatRow]:
    table = STRATEGY_STAT
    query = (
        columns_of(StrategyStatRow, table)
        .where(table.c.day == day.isoformat())
        .order_by(table.c.strategy, table.c.symbol)
    )
    return read(connection, StrategyStatRow, query)


def strategy_switches(connection: Connection) -> dict[str, str]:
    """Return how persons switched strategies, by name; one that is not here is on."""
    return pairs(connection, select(STRATEGY_SWITCH.c.id, STRATEGY_SWITCH.c.state))


def state_counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Return how many of each machine are in each state now."""
    found: dict[str, dict[str, int]] = {}
    for machine, table in MACHINES.items():
        query = select(table.c.state, func.count()).group_by(table.c.state)
        found[machine] = pairs(connection, query)
    return found


def effective_state(connection: Connection, pulse: EngineStatus) -> str:
    """Return what the bot may do as of its pulse, in one phrase: the session's state, and what keeps entries out."""
    row, link = session(connection), broker_link(connection)
    state = row.state if row is not None else "starting"
    if state != "active":
        return state
    blocks = [each.id for each in breakers(connection) if each.state == BreakerState.TRIPPED.value]
    blocks += ["wrong clock"] if pulse.clock_fault else []
    blocks += [f"broker {link.state if link else 'never reached'}"] if link is None or link.state != "synced" else []
    if blocks:
        return f"active, entries blocked: {', '.join(blocks)}"
    symbols = [each.id for each in halted_symbols(connection)]
    if symbols:
        return f"active, entries halted on {', '.join(symbols)}"
    opens, closes = pulse.session_open_at, pulse.session_close_at
    if opens is not None and closes is not None and not opens <= pulse.at < closes:
        return "active, the market is closed"
    slowed = slowdown(connection, pulse.at)
    return f"active, {slowed}" if slowed else "active"


def slowdown(connection: Connection, now: datetime) -> str:
    """Return in words how entries are slowed now, and until when; empty: they are not."""
    found = connection.execute(whole_rows(SLOWDOWN)).first()
    slowed = SLOWDOWNS.read(found._mapping) if found is not None else None
    if slowed is None or not slowed.lasts(now) or slowed.until is None:
        return ""
    until = new_york(slowed.until, now)
    return f"entries slowed to {slowed.scale} of their size, {slowed.spacing_s:g} s apart, until {until}"
