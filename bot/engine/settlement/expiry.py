"""The end of a contract's life: when it is, what the underlying's price is then, and what is held through it.

| when | what |
|---|---|
| expiry | it awaits settlement: nothing is sent for it any more, and the underlying's price is kept |
| gone from the broker's book | expired, cash_settled or exercised, at its intrinsic value (see `settler`) |
| the same, without a price | settlement_pending, counted as nothing |
| the next session's morning | the official close confirms or corrects; shares that did not come do not come |

A person can tell a price at any time (`settle`). A price is never made up: a class that settles on the opening, whose
price no quote shows, waits for a person. A long option is never assigned; shares and short options that this bot cannot
explain are shown and left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from bot.domain.calendar import NEW_YORK, REGULAR_CLOSE, TradingSession, new_york_day
from bot.domain.instructions import AskSnapshot
from bot.domain.instruments import OptionContract
from bot.domain.money import neat, to_price
from bot.domain.position import CloseReason, Position, PositionChange, PositionState, PositionTrigger
from bot.domain.wording import new_york
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step

PRINTS_IN: Final = timedelta(seconds=10)
"""After the close: by then the closing print of a share or fund is in; what it trades at later is no close."""
_FRESH: Final = timedelta(seconds=60)
"""A price that is older than this at the expiry is not the one at the expiry."""


# ---- when


def ends_at(ctx: Context, contract: OptionContract) -> datetime:
    """Return when a contract expires: the close of its day, early on a half day; the opening where it settles on it."""
    session = ctx.trading if ctx.trading.day == contract.expiry else _session_on(ctx, contract)
    if session is None:
        return datetime.combine(contract.expiry, REGULAR_CLOSE, NEW_YORK).astimezone(UTC)
    return session.open_at if contract.settles_at_open else session.close_at


def has_expired(ctx: Context, contract: OptionContract) -> bool:
    """Say whether nothing can be sold of it any more: by the broker's clock where ours differs."""
    if contract.expiry != ctx.trading.day:
        return contract.expiry < ctx.trading.day
    return ctx.broker_now >= ends_at(ctx, contract)


def is_last_day(ctx: Context, contract: OptionContract) -> bool:
    """Say whether today's session is the last in which it trades: the one before its expiry where it settles on the
    opening."""
    if not contract.settles_at_open:
        return contract.expiry == ctx.trading.day
    following = _session_after(ctx, ctx.trading)
    return ctx.trading.day < contract.expiry and following is not None and contract.expiry <= following.day


def awaits(position: Position) -> bool:
    """Say whether a position was held through its expiry and is still in the broker's book."""
    return position.close_reason is CloseReason.AWAITING_SETTLEMENT


def is_just_over(ctx: Context, positions: Iterable[Position]) -> bool:
    """Say whether one of these expired only now, so that its price is not settled yet."""
    ended = (p.contract for p in positions if has_expired(ctx, p.contract))
    return any(ctx.now < ends_at(ctx, contract) + PRINTS_IN for contract in ended)


def _session_on(ctx: Context, contract: OptionContract) -> TradingSession | None:
    try:
        return ctx.calendar.session_on(contract.expiry)
    except ValueError:  # before or after the calendar that was loaded
        return None


def _session_after(ctx: Context, session: TradingSession) -> TradingSession | None:
    try:
        return ctx.calendar.next_session(session.day)
    except ValueError:
        return None


def session_after_expiry(ctx: Context, contract: OptionContract) -> TradingSession | None:
    """Return the session in whose morning the settlement is known; None past the calendar that was loaded."""
    try:
        return ctx.calendar.next_session(contract.expiry)
    except ValueError:
        return None


def is_last_call(ctx: Context, contract: OptionContract) -> bool:
    """Say whether the morning after has come: what the broker has not delivered by then, it does not deliver."""
    following = session_after_expiry(ctx, contract)
    return following is not None and ctx.now >= following.at(ctx.settings.engine.settlement_morning)


# ---- at what price


def price_at_end(ctx: Context, contract: OptionContract) -> Decimal | None:
    """Return the underlying's price at the expiry as a quote shows it now, None when none of that time is at hand.

    A cash index stands still after its close; a share trades on, so only what came until its closing print counts.
    """
    if contract.settles_at_open:
        return None
    quote, end = ctx.board.quote(contract.symbol), ends_at(ctx, contract)
    until = datetime.combine(contract.expiry, time.max, NEW_YORK) if contract.settles_in_cash else end + PRINTS_IN
    if quote is None or quote.delayed or quote.at > until or quote.sound_at < end - _FRESH:
        return None
    return sound_price(quote.last or quote.reference)


def official_close(ctx: Context, contract: OptionContract) -> Decimal | None:
    """Return the underlying's close of the expiry's day as the broker tells it in the morning of the next session."""
    following, quote = session_after_expiry(ctx, contract), ctx.board.quote(contract.symbol)
    if contract.settles_at_open or following is None or following.day != ctx.trading.day or quote is None:
        return None
    if not is_last_call(ctx, contract) or new_york_day(quote.at) != following.day:
        return None
    return sound_price(quote.close)


def sound_price(price: Decimal | None) -> Decimal | None:
    """Return a price as the store keeps it, None for what is no price."""
    return neat(to_price(price)) if price is not None and price > 0 else None


def _price_of_mark(ctx: Context, position: Position) -> Decimal | None:
    """Return the underlying's price of the latest mark before a restart, where that was at the expiry."""
    seen, end = ctx.ledger.underlying_seen.get(position.id), ends_at(ctx, position.contract)
    if position.contract.settles_at_open or seen is None or not end - _FRESH <= seen[0] <= end + PRINTS_IN:
        return None
    return sound_price(seen[1])


# ---- held through the expiry


def expire(
    ctx: Context, journal: Journal, rests: Callable[[Context, Position], bool] = lambda ctx, position: False
) -> None:
    """Turn every open position past its expiry to awaiting settlement, say so, and ask for the book. Which those are,
    only a clock tells that the broker's agrees with. One that `rests` has not come to its end."""
    if not ctx.hour_is_known:
        return
    for position in list(ctx.ledger.positions.values()):
        contract = position.contract
        if contract.expiry > ctx.trading.day or rests(ctx, position):
            continue
        if position.state is PositionState.CLOSED or position.quantity <= 0 or not has_expired(ctx, contract):
            continue
        if not awaits(position):
            _expire(ctx, journal, position)
        elif ctx.now <= ends_at(ctx, contract) + (timedelta(days=1) if contract.settles_in_cash else PRINTS_IN):
            _keep_price(ctx, journal, position)


def _expire(ctx: Context, journal: Journal, position: Position) -> None:
    contract = position.contract
    price = price_at_end(ctx, contract) or _price_of_mark(ctx, position)
    before = None if contract.settles_in_cash else int(ctx.ledger.foreign.holdings.get(contract.symbol, 0))
    words = f"{position.quantity} x {contract} held through its expiry, {_standing(contract, price)}"
    evidence = {"underlying": price, "left": position.quantity, "shares_before": before, "was": position.close_reason}
    sets = PositionChange(
        close_reason=CloseReason.AWAITING_SETTLEMENT, room_for=0, settlement_price=price, shares_before=before
    )
    ask = (AskSnapshot(f"{contract} expired"),)
    journal.take(Step(position, PositionTrigger.EXPIRE, words, evidence, sets, instructions=ask))
    facts = {"position_id": position.id, "underlying": price, "quantity": position.quantity}
    journal.alert("HELD_THROUGH_EXPIRY", words, facts)


def live_again(ctx: Context, journal: Journal) -> None:
    """Take back what a clock that was ahead let expire: it still trades, so it is sold.

    That clock was past its time stop too, and this is its reason to leave. What was kept for a settlement is dropped:
    shares that seem to be awaited would never let the closed position rest.
    """
    for position in ctx.ledger.position_index.awaiting_settlement:
        if has_expired(ctx, position.contract):
            continue
        words = f"{position.contract} trades until {new_york(ends_at(ctx, position.contract), ctx.now)}: it is sold"
        evidence = {"left": position.quantity, "was": position.close_reason}
        sets = PositionChange(close_reason=CloseReason.FLAT_TIME, settlement_price=None, shares_before=None)
        journal.take(Step(position, PositionTrigger.RECOVER, words, evidence, sets))
        journal.alert("EXPIRED_TOO_EARLY", words, {"position_id": position.id})


def _standing(contract: OptionContract, price: Decimal | None) -> str:
    if contract.settles_at_open:
        return "which settles on this day's opening: tell its price with `settle` once it is published"
    if price is None:
        return f"and no price of {contract.symbol} at that time was seen"
    value = contract.intrinsic(price)
    if value == 0:
        return f"worthless with {contract.symbol} at {price}"
    follows = "it is paid out" if contract.settles_in_cash else "it is exercised into shares"
    return f"in the money by {value} with {contract.symbol} at {price}: {follows}"


def _keep_price(ctx: Context, journal: Journal, position: Position) -> None:
    price = price_at_end(ctx, position.contract)
    if price is not None and price != position.settlement_price:
        journal.ledger.change(position, PositionChange(settlement_price=price))
        journal.batch.changed.add(position)
