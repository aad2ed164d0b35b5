"""What a start finds in the tests' store, worked out from what was committed: in plain Python what
`bot.store.loading` asks in SQL, without its code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Final

from bot.config.degradation import MOST_OUTCOMES
from bot.domain.adoption import Adoption
from bot.domain.breaker import Breaker
from bot.domain.calendar import new_york_day
from bot.domain.connection import Connection
from bot.domain.events.account import AccountReported
from bot.domain.forecast import Forecast
from bot.domain.instruments import Instrument, PriceGrid, option_of_key
from bot.domain.kinds import Entities, Entity, kind_of
from bot.domain.message import Message
from bot.domain.order import ORDER, Order
from bot.domain.position import OPEN, Position, Settlement, Valuation
from bot.domain.session import Session
from bot.domain.signal import Signal
from bot.domain.symbol_halt import SymbolHalt
from bot.engine.state.records import (
    ENDED_DAYS,
    EXECUTION_DAYS,
    LEFT_ALONE,
    SET_ASIDE,
    AccountSnapshotRow,
    EngineStatus,
    LoadedState,
    NewExecution,
    NewMark,
    ReconcileLine,
    TickBatch,
)
from bot.risk.degradation import TradeOutcome, outcome_of
from bot.store.tables import LIVING

_HISTORY_DAYS: Final = 45


@dataclass(frozen=True, slots=True)
class Kept:
    """Everything that was committed."""

    batches: Sequence[TickBatch]
    entities: Entities
    executions: Mapping[str, NewExecution]  # that count
    replaced: Mapping[str, NewExecution]
    commissions: Mapping[str, Decimal]
    instruments: Mapping[str, tuple[Instrument, PriceGrid]]
    accounts: Sequence[AccountSnapshotRow]
    status: EngineStatus | None

    def lasting(self) -> datetime:
        """Return when it was written to last."""
        return self.batches[-1].recorded_at


def load(kept: Kept, now: datetime | None) -> LoadedState:
    """Return what is alive at `now`; without a time, at the last commit."""
    if not kept.batches:
        return LoadedState(Entities(), {}, {}, {}, 0, 0, {}, {})
    now = now or kept.lasting()
    known = min(now, kept.status.at) if kept.status is not None else now
    alive = _alive(kept, new_york_day(known))
    loaded = {each.id for each in alive}
    open_ids = {p.id for p in kept.entities.of(Position).values() if p.state in OPEN}
    since = known - timedelta(days=EXECUTION_DAYS)
    executions = [
        row for row in kept.executions.values() if row.execution.executed_at >= since or row.position_id in open_ids
    ]
    account = _Account(kept, now)
    return LoadedState(
        entities=Entities(_through_a_row(each) for each in alive),
        executions={row.execution.base_id: row.execution for row in executions},
        commissions={
            row.execution.exec_id: kept.commissions[row.execution.exec_id]
            for row in executions
            if row.execution.exec_id in kept.commissions
        },
        instruments={key: each for key, each in sorted(kept.instruments.items()) if not _expired(key, known)},
        highest_order_id=max((o.order_id or 0 for o in kept.entities.of(Order).values()), default=0),
        tick=max([kept.status.tick if kept.status else 0, *(each.tick for each in kept.batches if _counts(each))]),
        last_signal_at=_last_signals(kept, now),
        opening_equity=account.opening(),
        earliest=_earliest([row for row in kept.replaced.values() if row.order_id in loaded]),
        high_water=account.high_water(),
        account_seen_at=account.seen_at(),
        last_close=account.last_close(),
        last_account=account.last(),
        not_ours={line.key: Decimal(line.ours) for line in _lines(kept) if _is_left_alone(line)},
        opaque_told=frozenset((line.subject, line.key) for line in _lines(kept) if line.ours == SET_ASIDE),
        underlying_seen=_marked(kept, open_ids, attrgetter("underlying")),
        bid_seen=_marked(kept, open_ids, attrgetter("bid")),
        strangers=frozenset(row.execution.base_id for row in executions if row.order_id is None),
        outcomes=_outcomes(kept),
        forecasts=_unsettled(kept),
    )


def _outcomes(kept: Kept) -> tuple[TradeOutcome, ...]:
    found = [outcome for each in kept.entities.of(Position).values() if (outcome := outcome_of(each)) is not None]
    of: dict[str, list[TradeOutcome]] = {}
    for outcome in sorted(found):
        of.setdefault(outcome.strategy, []).append(outcome)
    return tuple(sorted(each for own in of.values() for each in own[-MOST_OUTCOMES:]))


def _unsettled(kept: Kept) -> tuple[Forecast, ...]:
    last = {each.id: each for batch in kept.batches for each in batch.forecasts.values()}
    return tuple(sorted((x for x in last.values() if x.settled_at is None), key=lambda each: (each.at, each.id)))


# ---- entities


def _through_a_row(entity: Entity) -> Entity:
    """Return an entity as it is read back."""
    table = LIVING[type(entity)]
    found: Entity = table.read(table.row(entity))
    return found


def _alive(kept: Kept, today: date) -> list[Entity]:
    """Return by kind, in the order of birth, what is alive and what is over and may still be told of."""
    since, entities = today - timedelta(days=ENDED_DAYS), kept.entities
    positions, orders = entities.of(Position), entities.of(Order)
    near = {p.id for p in positions.values() if p.state in OPEN or (p.closed_at and new_york_day(p.closed_at) >= since)}
    kept_orders = {o.id: o for o in orders.values() if _is_near(o, since) or o.position_id in near}
    signal_ids = {o.signal_id for o in kept_orders.values() if o.signal_id is not None}
    tied = {o.position_id for o in kept_orders.values() if o.position_id is not None}
    over: dict[type, set[str]] = {
        Order: set(kept_orders),
        Signal: {s.id for s in entities.of(Signal).values() if new_york_day(s.created_at) >= since} | signal_ids,
        Position: {p.id for p in positions.values() if p.id in near | tied or _is_uncertain(p)},
        Message: {m.id for m in entities.of(Message).values() if new_york_day(m.created_at) >= since},
    }
    always = {Breaker, SymbolHalt, Adoption, Session, Connection}
    found = [
        each
        for each in entities
        if kind_of(each).is_alive(each) or type(each) in always or each.id in over.get(type(each), ())
    ]
    history = [(row.machine, row.entity_id) for batch in kept.batches for row in batch.transitions]
    born = {each: number for number, each in reversed([*enumerate(history, 1)])}
    return sorted(found, key=lambda each: (born.get((kind_of(each).life.name, each.id), 0), each.id))


def _is_near(order: Order, since: date) -> bool:
    dates = [order.created_at, *([order.done_at] if order.done_at is not None else [])]
    return order.state not in ORDER.terminal or any(new_york_day(at) >= since for at in dates)


def _is_uncertain(position: Position) -> bool:
    unsettled = position.settlement in {Settlement.PENDING, Settlement.SEEN}
    return unsettled or position.valuation is Valuation.UNKNOWN or position.shares_before is not None


def _last_signals(kept: Kept, now: datetime) -> dict[tuple[str, str], datetime]:
    found: dict[tuple[str, str], datetime] = {}
    for signal in kept.entities.of(Signal).values():
        name = (signal.strategy, signal.symbol)
        if signal.created_at <= now:
            found[name] = max(signal.created_at, found.get(name, signal.created_at))
    return found


def _expired(key: str, now: datetime) -> bool:
    option = option_of_key(key)
    return option is not None and option.expiry < new_york_day(now)


def _earliest(replaced: Sequence[NewExecution]) -> dict[str, tuple[int, int]]:
    """Return by base of an execId that was corrected: revision and contracts of its earliest revision."""
    found: dict[str, tuple[int, int]] = {}
    for execution in (row.execution for row in replaced):
        this = (execution.revision, execution.quantity)
        found[execution.base_id] = min(found.get(execution.base_id, this), this)
    return found


def _marked(
    kept: Kept, open_ids: set[str], price: Callable[[NewMark], Decimal | None]
) -> dict[str, tuple[datetime, Decimal]]:
    """Return a price of each open position's latest mark, where that has one."""
    latest = {mark.position_id: mark for batch in kept.batches for mark in batch.marks if mark.position_id in open_ids}
    return {id_: (mark.at, value) for id_, mark in latest.items() if (value := price(mark)) is not None}


def _lines(kept: Kept) -> Sequence[ReconcileLine]:
    """Return the lines of the last whole comparison."""
    books = [book for batch in kept.batches for book in batch.reconciliations if book.complete]
    return max(books, key=lambda book: (book.at, book.id)).lines if books else ()


def _is_left_alone(line: ReconcileLine) -> bool:
    return (line.subject, line.action) == ("position", LEFT_ALONE) and line.ours != SET_ASIDE


# ---- the account


def _counts(batch: TickBatch) -> bool:
    """Say whether one of the batch's rows names its tick."""
    return bool(batch.transitions or batch.account)


class _Account:
    """What is known of the account's worth, within the days kept."""

    def __init__(self, kept: Kept, now: datetime) -> None:
        self._kept, self._now, self._today = kept, now, new_york_day(now)
        self._as_written: list[tuple[AccountReported, date, Decimal]] = [
            (row.report, row.day, row.report.net_liquidation)
            for row in kept.accounts
            if row.report.net_liquidation is not None
        ]
        self._told = sorted(self._as_written, key=lambda each: each[0].at)
        self._breakers = kept.entities.of(Breaker)

    def opening(self) -> dict[date, Decimal]:
        """Return the first value of each day; of the last measured one, what deposits moved it to."""
        found: dict[date, Decimal] = {}
        for _, day, value in self._told:
            if day >= self._today - timedelta(days=_HISTORY_DAYS):
                found.setdefault(day, value)
        facts = self._breakers["daily_loss"].facts if "daily_loss" in self._breakers else {}
        measured, first = facts.get("day"), facts.get("first_equity")
        if measured and first:
            found[date.fromisoformat(str(measured))] = Decimal(str(first))
        return found

    def high_water(self) -> Decimal | None:
        breaker = self._breakers.get("drawdown")
        since = self._now - timedelta(days=_HISTORY_DAYS)
        after = datetime.min.replace(tzinfo=self._now.tzinfo)
        if breaker is not None and breaker.acknowledged_at is not None:
            since = max(since, breaker.acknowledged_at)
        told = None
        if breaker is not None and self._kept.status is not None:
            told = breaker.facts.get("high_water")
            if told is not None:
                seen_at = breaker.facts.get("seen_at")
                seen = datetime.fromisoformat(str(seen_at)) if seen_at else after
                after = max(self._kept.status.at, seen)
        seen_since = [value for report, _, value in self._told if since <= report.at <= self._now and report.at > after]
        return max([*seen_since, *([Decimal(str(told))] if told is not None else [])], default=None)

    def seen_at(self) -> datetime | None:
        breaker = self._breakers.get("drawdown")
        seen = breaker.facts.get("seen_at") if breaker is not None else None
        return datetime.fromisoformat(str(seen)) if seen else None

    def last_close(self) -> Decimal | None:
        first = self._today - timedelta(days=_HISTORY_DAYS)
        before = [v for report, day, v in self._told if first <= day < self._today and report.at <= self._now]
        return before[-1] if before else None

    def last(self) -> AccountReported | None:
        """Return the account as it was last kept today, without what no row holds."""
        kept = [report for report, day, value in self._as_written if day >= self._today and value > 0]
        if not kept:
            return None
        last = kept[-1]
        return AccountReported(
            last.account, last.net_liquidation, last.available_funds, last.buying_power, last.cash,
            last.realized_pnl, last.unrealized_pnl, last.at,
        )  # fmt: skip
