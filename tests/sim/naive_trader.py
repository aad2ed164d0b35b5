"""The trading rule written down once more, plainly and with no code of the bot, to see what a scenario offers.

It looks every few seconds, buys at the ask, and manages each position on the bid: a quarter is sold at +50 %, half at
+100 %, the rest trails 25 % below the highest bid; the stop is at −50 %; all is sold ten minutes before the close.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from bot.sim.market import MarketModel
from bot.sim.vocabulary import VenueInstrument

LOOK_S = 10
PIN_EVERY_S = 300
COOL_DOWN = timedelta(minutes=20)
STEP = {"SPX": 5}


@dataclass
class Trade:
    """One position and what happened to it."""

    symbol: str
    instrument: VenueInstrument
    opened_at: datetime
    entry: Decimal
    high: Decimal
    happened: list[str] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    exit: Decimal | None = None

    def note(self, what: str, at: datetime, bid: Decimal | None = None) -> None:
        self.happened.append(what)
        self.times.append(at)
        if what in {"stop", "trail", "time"}:
            self.exit = bid or Decimal(0)

    def watch(self, bid: Decimal | None, at: datetime, flat: datetime) -> None:
        value = bid or Decimal(0)
        self.high = max(self.high, value)
        if at >= flat:
            self.note("time", at, bid)
        elif "rung2" in self.happened and value <= self.high * Decimal("0.75"):
            self.note("trail", at, bid)
        elif value <= self.entry * Decimal("0.5"):
            self.note("stop", at, bid)
        elif "rung1" not in self.happened and value >= self.entry * Decimal("1.5"):
            self.note("rung1", at)
        elif "rung2" not in self.happened and value >= self.entry * 2:
            self.note("rung2", at)


@dataclass
class Day:
    """What a whole day gave: the trades, and how often each symbol failed for which reason inside the window."""

    trades: list[Trade]
    reasons: dict[str, Counter[str]]


def trade_day(market: MarketModel, look_s: int = LOOK_S) -> Day:
    """Run the rule over a session."""
    opened, closed = market.session_open(), market.session_close()
    first, last, flat = opened + timedelta(minutes=15), closed - timedelta(minutes=30), closed - timedelta(minutes=10)
    day = Day([], {symbol: Counter() for symbol in market.symbols()})
    signals: dict[str, datetime] = {}
    pins: dict[str, float] = {}
    at = pinned_at = first
    while at < closed:
        for trade in day.trades:
            if trade.exit is None:
                trade.watch(market.top(trade.instrument, at).bid, at, flat)
        if at >= pinned_at:
            pinned_at = at + timedelta(seconds=PIN_EVERY_S)
            pins = {symbol: market.vendor.gex_by_strike(symbol, at).max_gamma_strike() for symbol in market.symbols()}
        for symbol in market.symbols() if at < last else ():
            verdict = candidate(market, symbol, pins[symbol], at)
            if isinstance(verdict, str):
                day.reasons[symbol][verdict] += 1
            elif _room(day, symbol, verdict.right) and at >= signals.get(symbol, at):
                signals[symbol] = at + COOL_DOWN
                ask = market.top(verdict, at).ask
                assert ask is not None
                day.trades.append(Trade(symbol, verdict, at, ask, ask))
        at += timedelta(seconds=look_s)
    return day


def _room(day: Day, symbol: str, right: str) -> bool:
    live = [trade for trade in day.trades if trade.exit is None]
    same = [trade for trade in live if trade.instrument.right == right]
    return len(live) < 5 and len(same) < 3 and sum(trade.symbol == symbol for trade in live) < 2


def candidate(market: MarketModel, symbol: str, pin: float, at: datetime) -> VenueInstrument | str:
    """Return the option that the rule would buy, or why it would not."""
    price = float(market.top(market.underlying(symbol), at).last or 0)
    if abs(price - pin) / price > 0.001:
        return "not near"
    depth = market.depth(market.underlying("SPY" if symbol == "SPX" else symbol), at)
    bids, asks = (sum(level.size for level in side) for side in (depth.bids, depth.asks))
    lean = (bids - asks) / (bids + asks)
    if abs(lean) < 0.2:
        return "neutral book"
    right = "C" if lean > 0 else "P"
    step = STEP.get(symbol, 1)
    strike = -(-price // step) * step if right == "C" else price // step * step
    expiry = market.line.day.strftime("%Y%m%d")
    option = market.find(symbol=symbol, expiry=expiry, strike=Decimal(int(strike)), right=right)[0]
    top = market.top(option, at)
    if top.bid is None or top.ask is None:
        return "no quote"
    if (top.ask - top.bid) / ((top.ask + top.bid) / 2) > Decimal("0.05"):
        return "wide spread"
    return option if min(top.bid_size, top.ask_size) >= 10 else "thin"
