"""How an option leaves the account without an order: paid out or exercised at its end, or by its holder before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.sim.account import CENT, ZERO, Account
from bot.sim.valuation import intrinsic
from bot.sim.vocabulary import Market, PositionChanged, VenueEvent, VenuePosition


def settle(market: Market, account: Account, position: VenuePosition, close: datetime) -> list[VenueEvent]:
    """Pay an expired option out, or exercise it into its shares; a short one is always paid."""
    option, con_id = position.instrument, position.instrument.con_id
    value, stock = intrinsic(market, option, close), market.by_con_id(option.under_con_id)
    if stock is None or stock.sec_type != "STK" or position.quantity < 0 or option.strike is None:
        return [PositionChanged(account.settle(con_id, value).as_position())]
    if value < CENT:
        return [PositionChanged(account.settle(con_id, ZERO).as_position())]
    shares = account.exercise(con_id, stock, option.strike)
    gone = replace(position, quantity=0, average_cost=ZERO)
    return [PositionChanged(gone), PositionChanged(shares.as_position())]


def exercise_early(market: Market, account: Account, con_id: int) -> list[VenueEvent]:
    """The holder exercises an option before its end: it leaves the account and its shares come. No execution tells
    of it."""
    held = account.holdings.get(con_id)
    stock = market.by_con_id(held.instrument.under_con_id) if held is not None else None
    if held is None or held.quantity <= 0 or stock is None or held.instrument.strike is None:
        return []
    if stock.sec_type != "STK":
        return []
    option = held.as_position()
    shares = account.exercise(con_id, stock, held.instrument.strike)
    return [PositionChanged(replace(option, quantity=0, average_cost=ZERO)), PositionChanged(shares.as_position())]
