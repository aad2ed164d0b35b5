"""One underlying's day: all that was drawn of it when the market was built, and what follows from that at a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import numpy as np

from bot.sim.market import bars as tapes
from bot.sim.market.books import StockTape, build_tape, dollars, stock_depth
from bot.sim.market.chain import IdBook, OptionUniverse, build_universe, open_interest
from bot.sim.market.exposure import ChainSnapshot, SpotGexRow
from bot.sim.market.flow import ContractDay, ModelAlert, NetPremiumMinute, OptionTape, build_alerts, build_option_tape
from bot.sim.market.paths import DayPath, Timeline
from bot.sim.market.surface import (
    YEAR_SECONDS,
    Floats,
    GreekArrays,
    black_scholes_array,
    implied_volatility_array,
    level,
)
from bot.sim.scenario import Scenario, SymbolScript
from bot.sim.vocabulary import Bar, TopOfBook, VenueDepth, VenueInstrument

_PIN_MARGIN: Final = 1.6  # how far the pin's gamma stands above any other strike's
_PIN_CHECK_S: Final = 600
_PIN_CHECK_STOPS_S: Final = 1500  # before the close: in the last minutes all gamma is at the money


@dataclass(slots=True)
class Book:
    """All that is known of one underlying's day."""

    symbol: str
    script: SymbolScript
    path: DayPath
    tape: StockTape
    universe: OptionUniverse
    interest: Floats
    options: OptionTape
    alerts: list[ModelAlert] = field(default_factory=list)
    days: dict[int, tuple[ContractDay, Decimal]] = field(default_factory=dict)
    minutes: list[SpotGexRow] = field(default_factory=list)
    flows: list[NetPremiumMinute] = field(default_factory=list)
    latest: ChainSnapshot | None = None
    latest_index: int = -1


def build_book(scenario: Scenario, seed: int, line: Timeline, symbol: str, path: DayPath, ids: IdBook) -> Book:
    """Draw all that is random of one underlying's day."""
    script = scenario.symbols[symbol]
    universe = build_universe(scenario, symbol, line, ids)
    tape = build_tape(universe.spec, symbol, path, line, script.book_noise, seed)
    interest = open_interest(universe, script.open, script.pin, seed)
    options = build_option_tape(universe, path, line, script.iv, script.open, seed, script.term)
    book = Book(symbol, script, path, tape, universe, interest, options)
    if script.pin is not None:
        _raise_pin(book, line, script.pin)
    book.alerts = build_alerts(options, universe, path, line, script.iv, book.interest, seed, script.term)
    return book


def _raise_pin(book: Book, line: Timeline, pin: float) -> None:
    """Add calls at the pin until its gamma outweighs every other strike's at any time before the close."""
    universe = book.universe
    at_pin = universe.strike == pin
    calls = at_pin & (universe.right > 0)
    days = universe.ends / 86_400.0
    weights = np.where(calls, 0.05 + np.minimum(days, 30.0) / 30.0, 0.0)
    book.interest = np.where(at_pin & ~calls, 1.0, book.interest)
    needed = 0.0
    for index in range(line.open_index, line.close_index - _PIN_CHECK_STOPS_S, _PIN_CHECK_S):
        gamma = evaluate(book, index)[0].gamma
        strikes, place = np.unique(universe.strike, return_inverse=True)
        net = np.bincount(place, weights=gamma * book.interest * universe.right)
        rival = float(np.max(np.abs(np.where(strikes == pin, 0.0, net))))
        needed = max(needed, (_PIN_MARGIN * rival - float(net[strikes == pin][0])) / float(np.dot(gamma, weights)))
    book.interest = np.round(book.interest + weights * needed)


def evaluate(book: Book, index: int) -> tuple[GreekArrays, Floats, Floats]:
    """Return greeks, volatilities and years left of the whole chain."""
    universe, spot = book.universe, float(book.path.price[index])
    years = np.maximum(universe.ends - index, 1.0) / YEAR_SECONDS
    iv = implied_volatility_array(
        level(book.script.iv, book.script.term, years), spot, universe.strike, years, book.script.open
    )
    return black_scholes_array(spot, universe.strike, years, iv, universe.right), iv, years


def stock_top(book: Book, instrument: VenueInstrument, line: Timeline, seed: int, index: int) -> TopOfBook:
    """Return the quote of an underlying at a second; an index has no sides."""
    tape, started, halted = book.tape, index >= line.open_index, bool(book.path.halted[index])
    index_like = instrument.sec_type == "IND"
    depth = VenueDepth((), ()) if index_like or halted else underlying_depth(book, index, 1, seed)
    bid, ask = next(iter(depth.bids), None), next(iter(depth.asks), None)
    volume = int(tape.volume[index])
    return TopOfBook(
        bid=bid.price if bid else None,
        ask=ask.price if ask else None,
        bid_size=bid.size if bid else 0,
        ask_size=ask.size if ask else 0,
        last=dollars(int(tape.last[index])),
        last_size=0 if index_like else max(volume - int(tape.volume[max(index - 1, 0)]), 1),
        volume=volume,
        open=dollars(int(tape.last[line.open_index])) if started else None,
        high=dollars(int(tape.high[index])) if started else None,
        low=dollars(int(tape.low[index])) if started else None,
        close=Decimal(str(book.path.previous_close)),
        halted=halted,
    )


def underlying_depth(book: Book, index: int, levels: int, seed: int) -> VenueDepth:
    """Return the book of a stock at a second; nothing while it is halted."""
    if book.path.halted[index]:
        return VenueDepth((), ())
    con_id = book.universe.underlying.con_id
    return stock_depth(book.universe.spec, book.tape, index, levels, seed, con_id, 1.0)


def daily_bars(book: Book, line: Timeline, scenario: Scenario, seed: int) -> list[Bar]:
    """Return the days before this one, a year of them."""
    return tapes.daily_history(
        book.symbol, book.path.previous_close, book.script.iv, line, seed,
        book.universe.spec.share_volume, frozenset(scenario.holidays),
    )  # fmt: skip
