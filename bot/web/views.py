"""The rows of the page's lists: a position, a signal, a step, a breaker, a halted symbol, a command, put in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection

from bot.domain.calendar import new_york_day
from bot.domain.requests import REQUESTS
from bot.domain.wording import key_words
from bot.store import read as ask
from bot.store.read.alerting import silent_markets
from bot.store.read.money import OpenPosition, open_of
from bot.store.read.protections import ProtectionRow, protections
from bot.store.read.reasons import NO_REASONS, Reasons, reasons_of
from bot.web import formats, words

BREAKER_WORDS: Final = {
    "daily_loss": "Loss of the day",
    "drawdown": "Drawdown",
    "losses": "Losses in a row",
    "correlation": "Mean correlation",
    "uw_silent": "Unusual Whales silent",
    "tws_gone": "Broker gone",
    "gap": "Gap",
    "order_rate": "Order rate",
    "rejections": "Rejections",
}


@dataclass(frozen=True, slots=True)
class PositionView:
    id: str
    title: str
    strategy: str
    origin: str
    state: str
    quantity: int
    entry_quantity: int
    entry_price: Decimal
    bid: Decimal | None
    ask: Decimal | None
    stop_price: Decimal | None
    high: Decimal
    rungs_done: int
    rungs_total: int
    open: Decimal | None
    pnl: Decimal | None
    gain: Decimal | None
    protection: str
    unprotected: int
    unprotected_for: float | None
    contract_seconds: float
    closed_at: datetime | None
    close_reason: str | None
    realized: Decimal
    elsewhere: int
    valuation: str | None
    multiplier: int = 100
    silence: str = ""
    """Why a sale would not go through now: its market is halted, or nobody bids."""

    @property
    def is_bare(self) -> bool:
        """Something is held that no sale at the broker covers, and it is not on its way out."""
        return bool(self.unprotected) and self.state != "closing"


@dataclass(frozen=True, slots=True)
class UnsettledView:
    """A position of which it is not certain what it brought: it went through its expiry, or somebody else sold it."""

    id: str
    title: str
    words: str
    is_pending: bool
    realized: Decimal
    button: str


@dataclass(frozen=True, slots=True)
class SignalView:
    id: str
    title: str
    strategy: str
    state: str
    quantity: int
    limit_price: Decimal
    notional: Decimal
    created_at: datetime
    expires_in: float
    asked: bool
    reason: str
    reasons: Reasons = NO_REASONS


@dataclass(frozen=True, slots=True)
class StepView(ask.TransitionRow):
    """A transition with the contract that it is about and where that leads; `parts`: the steps that this one is shown
    for, in their order."""

    label: str = ""
    signal_id: str | None = None
    position_id: str | None = None
    parts: tuple[StepView, ...] = ()


@dataclass(frozen=True, slots=True)
class BreakerView:
    """One circuit breaker; `filled` is how full its bar is, 0 to 100."""

    name: str
    words: str
    state: str
    value: str
    limit: str
    share: float | None
    filled: float
    tone: str
    detail: str


@dataclass(frozen=True, slots=True)
class SymbolHaltView:
    """A symbol on which entries stop; `more` counts the causes beyond the first."""

    symbol: str
    reason: str
    by: str
    at: datetime | None
    more: int


@dataclass(frozen=True, slots=True)
class RequestView:
    id: str
    words: str
    state: str
    answer: str
    actor: str
    created_at: datetime | None

    @property
    def waiting(self) -> bool:
        return self.state == "queued"


def position_views(
    connection: Connection, rows: Sequence[ask.PositionRow], now: datetime, parts: Sequence[OpenPosition] = ()
) -> tuple[PositionView, ...]:
    """Return the rows; `parts` of the day's money are what each open one brought today, so that they add up to it."""
    cover = protections(connection, [row.id for row in rows])
    brought = {part.id: part.day for part in parts}
    views = [position_view(row, cover[row.id], now, brought.get(row.id)) for row in rows]
    silent = silent_markets(connection, [row.id for row in rows if row.closed_at is None])
    return tuple(replace(view, silence=_silence(silent.get(view.id))) for view in views)


def _silence(alert: ask.AlertRow | None) -> str:
    """Return in a few words what the market of a position does not do, and since when."""
    if alert is None:
        return ""
    what = "halted" if alert.code.endswith("IN_HALT") else "no bid"
    return f"{what} since {formats.clock_time(alert.at)}"


def position_view(
    row: ask.PositionRow, cover: ProtectionRow, now: datetime, brought: Decimal | None = None
) -> PositionView:
    cost = row.entry_value * row.multiplier
    pnl = brought if row.closed_at is None else row.realized_pnl
    since = cover.unprotected_since
    return PositionView(
        row.id, key_words(row.contract_key, new_york_day(now)), row.strategy, row.origin, row.state, row.quantity,
        row.entry_quantity,
        row.entry_price, row.bid, row.ask, row.stop_price, row.high, row.rungs_done, len(ask.plan_rungs(row.plan)),
        None if row.closed_at else open_of(row), pnl, pnl / cost if pnl is not None and cost else None,
        cover.protection, cover.unprotected_contracts, (now - since).total_seconds() if since else None,
        cover.contract_seconds, row.closed_at, row.close_reason, row.realized_pnl, row.elsewhere_quantity,
        row.valuation, row.multiplier,
    )  # fmt: skip


def unsettled_view(row: ask.PositionRow, today: date) -> UnsettledView:
    title = key_words(row.contract_key, today)
    if row.settlement is None:
        said = f"{row.elsewhere_quantity} sold by somebody else: {words.valuation_words(row.valuation)}"
        return UnsettledView(row.id, title, said, row.valuation == "unknown", row.realized_pnl, "Tell sale price")
    pending = row.settlement == "pending"
    said = "no price is known: it counts as nothing" if pending else "by the price that was seen at its expiry"
    return UnsettledView(row.id, title, said, pending, row.realized_pnl, "Tell settlement price")


def signal_views(connection: Connection, rows: Sequence[ask.SignalRow], now: datetime) -> tuple[SignalView, ...]:
    asked = ask.signals_that_wait_for_a_person(connection)
    said = ask.last_words(connection, "signal", [row.id for row in rows])
    told = signal_reasons(connection, rows, asked)
    return tuple(signal_view(row, now, row.id in asked, said.get(row.id, ""), told[row.id]) for row in rows)


def signal_reasons(
    connection: Connection, rows: Sequence[ask.SignalRow], asked: AbstractSet[str]
) -> Mapping[str, Reasons]:
    """Return why each signal is what it is, by its id; `asked`: those that wait for a person."""
    steps_of: dict[str, list[ask.TransitionRow]] = {row.id: [] for row in rows}
    for step in ask.transitions_of(connection, list(steps_of)):
        steps_of[step.entity_id].append(step)
    waiting = {row.id for row in rows if row.state == "pending"} & asked
    return {known: reasons_of(found, waits=known in waiting) for known, found in steps_of.items()}


def signal_view(row: ask.SignalRow, now: datetime, asked: bool, reason: str, reasons: Reasons) -> SignalView:
    return SignalView(
        row.id, key_words(row.contract_key, new_york_day(now)), row.strategy, row.state, row.quantity, row.limit_price,
        row.notional,
        row.created_at, (row.expires_at - now).total_seconds(), asked and row.state == "pending", reason, reasons,
    )  # fmt: skip


def steps(connection: Connection, rows: Sequence[ask.TransitionRow], today: date) -> tuple[StepView, ...]:
    """Return transitions with the contract each is about and the page that tells its story."""
    orders = ask.orders(connection, [row.entity_id for row in rows if row.machine == "order"])
    asked = ask.signal_of_approval(connection, [row.entity_id for row in rows if row.machine == "approval"])
    traded = [row.entity_id for row in rows if row.machine in {"signal", "position"}]
    names = ask.titles(connection, [*traded, *asked.values()])
    return tuple(_step(row, orders.get(row.entity_id), asked.get(row.entity_id), names, today) for row in rows)


def _step(
    row: ask.TransitionRow, order: ask.OrderRow | None, signal_id: str | None, names: dict[str, str], today: date
) -> StepView:
    base = {name: getattr(row, name) for name in ask.TransitionRow.__slots__}
    if order is not None:
        label = f"{order.purpose} {key_words(order.contract_key, today)}"
        return StepView(**base, label=label, signal_id=order.signal_id, position_id=order.position_id)
    key = names.get(signal_id or row.entity_id)
    return StepView(**base, label=key_words(key, today) if key else "", signal_id=signal_id)


def breaker_view(row: ask.BreakerRow) -> BreakerView:
    """Return a breaker's row; its bar is full at the limit and its colour is the breaker's state."""
    tone = {"ok": "ok", "warning": "warn"}.get(row.state, "bad")
    filled = round(min(100.0, max(0.0, (row.share or 0.0) * 100)), 1)
    words = BREAKER_WORDS.get(row.id, row.id.replace("_", " "))
    return BreakerView(
        row.id, words, row.state, row.value, row.limit_words, row.share, filled, tone, row.detail
    )  # fmt: skip


def symbol_halt_view(row: ask.SymbolHaltRow) -> SymbolHaltView:
    more = max(0, len(row.causes) - 1)
    return SymbolHaltView(row.id, row.reason, words.actor_words(row.halted_by or ""), row.halted_at, more)


def command_view(row: ask.RequestRow) -> RequestView:
    return RequestView(row.id, _label(row.kind), row.state, row.answer, row.actor, row.created_at)


def _label(kind: str) -> str:
    """Return the label of a request's kind; a kind that an outsider made up stands as it is."""
    known = {asked.kind.value: asked.label for asked in REQUESTS.values()}
    return known.get(kind, kind)
