"""What a contract is carried at while it trades, and exchanged for when it has expired. Dollars per share."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bot.sim.account import CENT, ZERO
from bot.sim.vocabulary import Market, VenueInstrument


def mark(market: Market, instrument: VenueInstrument, now: datetime) -> Decimal:
    """Return the mid, or half the ask of what nobody bids for; the model's value where there is no quote."""
    top = market.top(instrument, now)
    if top.ask is not None:
        return ((top.bid or ZERO) + top.ask) / 2
    greeks = market.greeks(instrument, now)
    if greeks is not None:
        return Decimal(repr(greeks.price)).quantize(CENT)
    return intrinsic(market, instrument, now) if instrument.right else (top.last or ZERO)


def intrinsic(market: Market, option: VenueInstrument, at: datetime) -> Decimal:
    """Return what exercise would bring, never less than nothing. ValueError for what has no underlying."""
    underlying = market.by_con_id(option.under_con_id)
    if underlying is None or option.strike is None:
        raise ValueError(f"{option.local_symbol} has no underlying to settle against")
    price = market.top(underlying, at).last or ZERO
    gain = price - option.strike if option.right == "C" else option.strike - price
    return max(gain, ZERO)


def expires(instrument: VenueInstrument, close: datetime) -> bool:
    """Say whether a contract is over at a session's close."""
    return instrument.expiry is not None and instrument.expiry <= close.date()
