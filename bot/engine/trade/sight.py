"""What the rules of an exit plan see of a position now: its bid, its underlying, the days, reports, its idea. Pure, but
for the underlying's best move, which follows the market as the high does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.analytics.measure import rows_of
from bot.config.exits import NamedPlanSettings
from bot.domain.calendar import new_york_day
from bot.domain.data.merged import EARNINGS_DATES, MergedEarnings
from bot.domain.data.sets import MARKET_WIDE
from bot.domain.instruments import OptionContract
from bot.domain.money import to_price
from bot.domain.position import ExitPlan, Position, PositionChange
from bot.engine.settlement import expiry
from bot.engine.state.context import Context
from bot.engine.state.ports import TradingCalendar
from bot.engine.trade.prices import patience_with_quotes, second_look, seen_bid
from bot.risk.exit_rules import ExitSight, way_gone
from bot.risk.ladder import UNSEEN, AtEntry, freeze_plan
from bot.strategies.base import STANDS

_AFTER_THE_CLOSE: Final = "after the close"


def flat_from(ctx: Context, position: Position) -> datetime | None:
    """Return the moment from which a position has to be flat, None where no time stop is in force today."""
    flat_at, earlier = position.plan.flat_at, ctx.flat_session.close_at < ctx.trading.close_at
    if (flat_at is None or earlier) and expiry.is_last_day(ctx, position.contract):
        by = ctx.flat_session.cut_off(position.plan.flat_by or ctx.exit_settings(position.strategy).flat_at)
        flat_at = min(flat_at or by, by)
    return flat_at


def sight_of(ctx: Context, position: Position) -> ExitSight:
    """Return all that the plan of a position looks at. Outside the session, and until a while after its opening, what
    leaves by more than the clock is not seen: nothing is sold at an opening print."""
    plan, grid, flat_at = position.plan, ctx.board.grid(position.key), flat_from(ctx, position)
    if not plan.looks_further or not is_settled_session(ctx):
        return ExitSight(grid, flat_at=flat_at, now_is_known=ctx.hour_is_known)
    low, high = seen_underlying(ctx, position) if plan.atr is not None else (None, None)
    return ExitSight(
        grid=grid,
        bid=seen_bid(ctx, position),
        low=low,
        high=high,
        flat_at=flat_at,
        days_held=days_held(ctx, position) if plan.days is not None else None,
        earnings=reports_before_the_next_end(ctx, position) if plan.before_earnings else "",
        broken=_broken(ctx, position) if plan.thesis else "",
        now_is_known=ctx.hour_is_known,
    )


def is_settled_session(ctx: Context) -> bool:
    """Say whether the market trades and its opening is over: by then quotes are those of a market."""
    guard = timedelta(seconds=ctx.settings.execution.opening_guard_s)
    return ctx.trading.is_open(ctx.broker_now) and ctx.broker_now >= ctx.trading.open_at + guard


def is_opening(ctx: Context) -> bool:
    """Say whether the market has opened so lately that its quotes may be those of an opening print."""
    return ctx.trading.is_open(ctx.broker_now) and not is_settled_session(ctx)


def stop_is_live_from(ctx: Context) -> datetime | None:
    """Return the moment from which a stop that is placed now may fill: outside the session, and in its first seconds,
    once the opening is over, for an opening print is no price to sell at. It rests at the broker meanwhile, so that it
    comes into force whatever becomes of this program. None: at once."""
    guard, session = ctx.settings.execution.opening_guard_s, ctx.trading
    if not guard:
        return None
    if ctx.broker_now >= session.close_at:
        try:
            session = ctx.calendar.next_session(session.day)
        except ValueError:  # past the calendar that was loaded
            return None
    at = session.open_at + timedelta(seconds=guard)
    return at if ctx.broker_now < at else None


def sight_of_rungs(ctx: Context, position: Position, bid: Decimal | None) -> ExitSight:
    """Return what rungs and trail look at, at a bid that was borne out."""
    low, high = seen_underlying(ctx, position) if position.plan.atr is not None else (None, None)
    return ExitSight(ctx.board.grid(position.key), bid=bid, low=low, high=high)


def seen_underlying(ctx: Context, position: Position) -> tuple[Decimal | None, Decimal | None]:
    """Return the prices (low, high) between which the underlying stood during the last look; an index has no bid that
    could be looked at twice, and its own price counts."""
    symbol = position.contract.symbol
    quote, looks = ctx.board.quote(symbol), ctx.board.looks(symbol)
    if quote is None or quote.price_fault(ctx.now, patience_with_quotes(ctx)) is not None:
        return None, None
    if quote.bid is None or looks is None:
        return quote.reference, quote.reference
    look = second_look(ctx)
    return looks.lowest(ctx.now, look), looks.highest(ctx.now, look)


def follow_underlying(ctx: Context, position: Position) -> None:
    """Have the underlying's best move follow what is seen of it, where the plan looks at it."""
    if position.plan.atr is None or not is_settled_session(ctx):
        return
    low, high = seen_underlying(ctx, position)
    gone = way_gone(position.plan.atr, position, ExitSight(ctx.board.grid(position.key), low=low, high=high))
    if gone is not None and to_price(gone) > position.underlying_best:
        ctx.ledger.change(position, PositionChange(underlying_best=to_price(gone)))


def frozen_plan(ctx: Context, strategy: str, contract: OptionContract, *, stop_loss: Decimal | None = None) -> ExitPlan:
    """Return the plan that a position of a strategy would keep that is opened now."""
    settings, name = ctx.exit_settings(strategy), ctx.exit_plan(strategy)
    seen = at_entry(ctx, contract) if isinstance(settings, NamedPlanSettings) else UNSEEN
    return freeze_plan(settings, contract, ctx.flat_session, stop_loss=stop_loss, name=name.value, seen=seen)


def at_entry(ctx: Context, contract: OptionContract) -> AtEntry:
    """Return what a plan freezes of this moment."""
    quote = ctx.board.quote(contract.symbol)
    fit = quote is not None and quote.price_fault(ctx.now, patience_with_quotes(ctx)) is None
    try:
        opens = ctx.calendar.next_session(ctx.trading.day).open_at
    except ValueError:  # past the calendar that was loaded
        return AtEntry(None, quote.reference if quote is not None and fit else None, _true_range(ctx, contract.symbol))
    after = opens + timedelta(seconds=ctx.settings.execution.opening_guard_s)
    return AtEntry(after, quote.reference if quote is not None and fit else None, _true_range(ctx, contract.symbol))


def _true_range(ctx: Context, symbol: str) -> Decimal | None:
    """Return the underlying's average true range in dollars, where it is measured and fresh."""
    reading = ctx.board.measure("atr", symbol)
    if reading is None or reading.fault(ctx.now) or not reading.number or reading.number <= 0:
        return None
    return to_price(Decimal(str(reading.number)))


# ---- days, reports, ideas


def days_held(ctx: Context, position: Position) -> int | None:
    """Return how many sessions have begun since the one of the entry; None past the calendar that was loaded."""
    return _sessions_between(ctx.calendar, new_york_day(position.opened_at), ctx.trading.day)


def _sessions_between(calendar: TradingCalendar, first: date, last: date) -> int | None:
    count, day = 0, first
    try:
        while day < last:
            day = calendar.next_session(day).day
            count += day <= last
    except ValueError:
        return None
    return count


def reports_before_the_next_end(ctx: Context, position: Position) -> str:
    """Return in words that the company reports before the next session's end is over, once today's session is about to
    end; empty: not so, or not known. A report of unknown hour may come before the open."""
    if ctx.now < ctx.flat_session.cut_off(position.plan.flat_by or ctx.exit_settings(position.strategy).flat_at):
        return ""
    return _reports(ctx, position.contract.symbol)


def _reports(ctx: Context, symbol: str) -> str:
    today, following = ctx.trading.day, _next_day(ctx)
    for each in earnings_of(ctx, symbol):
        tonight = each.day == today and each.session == _AFTER_THE_CLOSE
        between = today < each.day < following
        tomorrow = each.day == following and each.session != _AFTER_THE_CLOSE
        if tonight or between or tomorrow:
            when = f"{each.day.isoformat()} {each.session}".rstrip()
            return f"{symbol} reports before the next session is over: {when}"
    return ""


def earnings_of(ctx: Context, symbol: str) -> Iterable[MergedEarnings]:
    """Return the reports of a company that the calendars know."""
    rows: tuple[MergedEarnings, ...] = rows_of(ctx.board, EARNINGS_DATES, MARKET_WIDE)
    return [row for row in rows if row.symbol == symbol]


def _next_day(ctx: Context) -> date:
    try:
        return ctx.calendar.next_session(ctx.trading.day).day
    except ValueError:
        return ctx.trading.day + timedelta(days=1)


def _broken(ctx: Context, position: Position) -> str:
    """Return why the idea of a position holds no more, in its strategy's words; one whose strategy is gone holds."""
    strategy = ctx.strategies.get(position.strategy)
    thesis = strategy.still_holds(position, ctx.board, ctx.now) if strategy is not None else STANDS
    return "" if thesis.holds else thesis.reason or "its strategy does not say why"
