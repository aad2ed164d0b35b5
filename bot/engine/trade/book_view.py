"""What is at risk in the book beside one signal, and what its size follows from: read from ledger and board. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from bot.analytics.measure import rows_of
from bot.domain.calendar import NEW_YORK
from bot.domain.data.contracts import OptionContractRow
from bot.domain.data.merged import ECONOMIC_EVENTS, MergedEvent
from bot.domain.data.sets import MARKET_WIDE, OPTION_CONTRACTS
from bot.domain.events.people import AlertRaised
from bot.domain.instruments import OptionContract
from bot.domain.signal import SIGNAL, Signal
from bot.engine.state.context import Context
from bot.engine.trade.sight import earnings_of
from bot.risk.allowance import TradeFacts, kind_of
from bot.risk.book_limits import BookAtRisk, BookGreeks, greeks_of, told

_NOTHING: Final = BookGreeks()


def book_view(ctx: Context, contract: OptionContract, leaving_out: Signal | None = None) -> BookAtRisk:
    """Return the book without one signal, and without what it has bought already."""
    symbol, sector = contract.symbol, ctx.settings.risk.sectors.get(contract.symbol, "")
    premium, on_symbol, in_sector, greeks = Decimal(0), Decimal(0), Decimal(0), _NOTHING
    for held, dollars, quantity in _at_risk(ctx, leaving_out):
        premium += dollars
        on_symbol += dollars if held.symbol == symbol else 0
        in_sector += dollars if sector and ctx.settings.risk.sectors.get(held.symbol) == sector else 0
        greeks = greeks.plus(_greeks(ctx, held, quantity) or _NOTHING)
    return BookAtRisk(premium, on_symbol, in_sector, sector, greeks, _greeks(ctx, contract, 1))


def _at_risk(ctx: Context, leaving_out: Signal | None) -> list[tuple[OptionContract, Decimal, int]]:
    """Return (contract, dollars of premium, contracts) of what is held and of what is being bought."""
    ledger, own = ctx.ledger, leaving_out.position_id if leaving_out is not None else None
    found = []
    for position in ledger.positions.values():
        if position.id == own:
            continue
        quote = ctx.board.quote(position.key)
        price = quote.bid if quote is not None and quote.bid is not None else position.entry_price
        found.append((position.contract, price * position.quantity * position.contract.multiplier, position.quantity))
    for signal in ledger.signals.values():
        if signal is leaving_out or signal.state in SIGNAL.terminal:
            continue
        bought = ledger.positions.get(signal.position_id or "")
        left = max(signal.quantity - (bought.entry_quantity if bought is not None else 0), 0)
        found.append((signal.contract, signal.limit_price * left * signal.contract.multiplier, left))
    return found


def _greeks(ctx: Context, contract: OptionContract, contracts: int) -> BookGreeks | None:
    underlying = ctx.board.quote(contract.symbol)
    spot = underlying.reference if underlying is not None else None
    return greeks_of(ctx.board.greeks(contract.key), spot, contracts, contract.multiplier)


def trade_facts(ctx: Context, strategy: str, contract: OptionContract, rationale: Mapping[str, Any]) -> TradeFacts:
    """Return what the size of a trade follows from beside price and equity."""
    days = contract.days_to_expiry(ctx.trading.day)
    kind = kind_of(ctx.exit_plan(strategy), days, ctx.settings.sizing.method)
    if kind is None:
        return TradeFacts()
    return TradeFacts(
        kind,
        confidence=_number(rationale.get("confidence")),
        expected_move=_expected_move(ctx, contract.symbol, rationale),
        day_volume=_day_volume(ctx, contract),
        buying_power=ctx.ledger.account.buying_power,
    )


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return float(value) if known and math.isfinite(value) else None


def _expected_move(ctx: Context, symbol: str, rationale: Mapping[str, Any]) -> float | None:
    """Return the move that is expected of the underlying, as a fraction of its price: the strategy's word, else the
    measure's, which is in dollars a share."""
    said = _number(rationale.get("expected_move"))
    if said is not None:
        return said
    reading, quote = ctx.board.measure("expected_move", symbol), ctx.board.quote(symbol)
    price = quote.reference if quote is not None else None
    if reading is None or reading.fault(ctx.now) or reading.number is None or not price:
        return None
    return reading.number / float(price)


def _day_volume(ctx: Context, contract: OptionContract) -> int | None:
    rows: tuple[OptionContractRow, ...] = rows_of(ctx.board, OPTION_CONTRACTS, contract.symbol)
    return next((row.volume for row in rows if row.contract == contract), None)


def week_pnl(ctx: Context) -> Decimal:
    """Return what the trades brought that ended this week, and what is open in dollars, at its bid."""
    monday = ctx.trading.day - timedelta(days=ctx.trading.day.weekday())
    begins = datetime.combine(monday, time(0), NEW_YORK)
    total = sum((each.realized_pnl for each in ctx.ledger.tallies.ended_since(begins)), Decimal(0))
    for position in ctx.ledger.positions.values():
        quote = ctx.board.quote(position.key)
        price = quote.bid if quote is not None and quote.bid is not None else position.entry_price
        total += position.realized_pnl + position.unrealized_pnl(price)
    return total


def concentrated(ctx: Context, signal: Signal) -> tuple[AlertRaised, ...]:
    """Return what is told of an entry that makes one symbol, or one sector, much of the premium that may be at risk."""
    equity = ctx.ledger.account.equity
    if equity is None:
        return ()
    shares = told(book_view(ctx, signal.contract, signal), ctx.settings.risk, equity, signal.notional)
    facts = {"signal_id": signal.id, "symbol": signal.symbol}
    return tuple(AlertRaised("CONCENTRATED", f"{signal.symbol}: {words}", facts, ctx.now) for words in shares)


# ---- what is scheduled


def blackout(ctx: Context, contract: OptionContract) -> str:
    """Return in words the event that keeps an option of the day out now; empty: none does."""
    risk = ctx.settings.risk
    if contract.days_to_expiry(ctx.trading.day) > 0 or not risk.event_blackout_s:
        return ""
    apart = timedelta(seconds=risk.event_blackout_s)
    for event in _events(ctx):
        if event.at is not None and event.kind in risk.event_blackout and abs(event.at - ctx.now) <= apart:
            return f"{event.name or event.kind} at {event.at.isoformat()}"
    return ""


def due_before_exit(ctx: Context, signal: Signal) -> tuple[str, ...]:
    """Return what is due before a signal's position would be left: its company's report, and events of importance."""
    until = _left_by(ctx, signal)
    reports = [
        f"{each.symbol} reports {each.day.isoformat()} {each.session}".rstrip()
        for each in earnings_of(ctx, signal.symbol)
        if ctx.trading.day <= each.day <= until.date()
    ]
    events = [
        f"{each.name or each.kind} {each.day.isoformat()}"
        for each in _events(ctx)
        if each.importance == "HIGH" and each.country == "US" and each.at is not None and ctx.now <= each.at <= until
    ]
    return (*reports, *events)


def _left_by(ctx: Context, signal: Signal) -> datetime:
    if signal.contract.expiry <= ctx.trading.day:
        return ctx.trading.close_at
    return ctx.trading.close_at + (signal.contract.expiry - ctx.trading.day)


def _events(ctx: Context) -> tuple[MergedEvent, ...]:
    return rows_of(ctx.board, ECONOMIC_EVENTS, MARKET_WIDE)
