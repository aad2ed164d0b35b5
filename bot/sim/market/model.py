"""The market model: `bot.sim.vocabulary.Market`; `vendor` is what the UW face asks of the same day.

Everything that is random is drawn when the model is built; a question about any second is arithmetic on those arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Unpack

from bot.sim.market import bars as tapes
from bot.sim.market.chain import IdBook, years_left
from bot.sim.market.directory import Directory, InstrumentTerms
from bot.sim.market.option_values import OptionValues
from bot.sim.market.paths import Timeline, build_paths, timeline
from bot.sim.market.surface import implied_volatility, level
from bot.sim.market.underlying_day import Book, build_book, daily_bars, stock_top, underlying_depth
from bot.sim.market.vendor_view import VendorView
from bot.sim.scenario import MARKET_HALF_DAYS, Scenario
from bot.sim.vocabulary import Bar, BookLevel, ModelGreeks, Print, TopOfBook, VenueDepth, VenueInstrument


class MarketModel:
    """See the module. `seed` and the scenario decide everything; instances share nothing."""

    def __init__(self, scenario: Scenario, seed: int, session_date: date | None = None) -> None:
        self.scenario = scenario
        self.seed = seed
        self.line: Timeline = timeline(scenario, session_date or scenario.date)
        ids = IdBook()
        self._books: dict[str, Book] = {}
        for symbol, path in build_paths(scenario, seed, self.line).items():
            self._books[symbol] = build_book(scenario, seed, self.line, symbol, path, ids)
        self._books = {symbol: self._books[symbol] for symbol in scenario.symbols}
        self._directory = Directory(self._books)
        self._options = OptionValues(self.line, seed)
        self.vendor = VendorView(self._books, self.line, seed)
        # Everybody asks about the second that it is, so what is kept is of one second.
        self._tops: dict[int, TopOfBook] = {}
        self._tops_of = -1
        self._asked_at = self.line.origin
        self._asked_index = self.line.index(self.line.origin)

    def _index(self, at: datetime) -> int:
        """Return the second of a time, worked out once for all who ask about the same one."""
        if at is not self._asked_at:
            self._asked_at, self._asked_index = at, self.line.index(at)
        return self._asked_index

    # -- instruments ---------------------------------------------------------------------------------------------

    def symbols(self) -> list[str]:
        return list(self._books)

    def underlying(self, symbol: str) -> VenueInstrument:
        """Return the underlying; KeyError for a symbol that the scenario does not list."""
        return self._books[symbol].universe.underlying

    def instruments(self) -> Sequence[VenueInstrument]:
        return self._directory.all

    def by_con_id(self, con_id: int) -> VenueInstrument | None:
        return self._directory.by_id.get(con_id)

    def find(self, **wanted: Unpack[InstrumentTerms]) -> list[VenueInstrument]:
        """See `Market.find` and `Directory.find`."""
        return self._directory.find(**wanted)

    # -- quotes --------------------------------------------------------------------------------------------------

    def price(self, symbol: str, at: datetime) -> float:
        """Return the underlying's unrounded price."""
        return float(self._books[symbol].path.price[self._index(at)])

    def top(self, instrument: VenueInstrument, at: datetime) -> TopOfBook:
        index = self._index(at)
        if index != self._tops_of:
            self._tops_of, self._tops = index, {}
        known = self._tops.get(instrument.con_id)
        if known is None:
            known = self._tops[instrument.con_id] = self._top_at(instrument, index)
        return known

    def _top_at(self, instrument: VenueInstrument, index: int) -> TopOfBook:
        book = self._books[instrument.symbol]
        if instrument.right:
            return self._options.top(book, instrument, index)
        return stock_top(book, instrument, self.line, self.seed, index)

    def greeks(self, instrument: VenueInstrument, at: datetime) -> ModelGreeks | None:
        if not instrument.right:
            return None
        book, index = self._books[instrument.symbol], self._index(at)
        row = book.universe.row_of[instrument.con_id]
        if (at - self.line.origin).total_seconds() >= book.universe.ends[row]:
            return None
        spot, strike = float(book.path.price[index]), float(book.universe.strike[row])
        years = years_left(float(book.universe.ends[row]), index)
        iv = implied_volatility(
            float(level(book.script.iv, book.script.term, years)), spot, strike, years, book.script.open
        )
        value = self._options.greeks(book, row, instrument.con_id, index)
        return ModelGreeks(iv, value.price, value.delta, value.gamma, value.vega, value.theta, spot)

    def depth(self, instrument: VenueInstrument, at: datetime, levels: int = 10) -> VenueDepth:
        """Return a stock's book; an option shows its best level only, an index nothing."""
        if instrument.sec_type == "STK":
            return underlying_depth(self._books[instrument.symbol], self._index(at), levels, self.seed)
        if instrument.sec_type == "IND":
            return VenueDepth((), ())
        return top_as_depth(self.top(instrument, at))

    # -- tape ----------------------------------------------------------------------------------------------------

    def prints(self, instrument: VenueInstrument, since: datetime, until: datetime) -> list[Print]:
        book = self._books[instrument.symbol]
        if not instrument.right:
            return tapes.stock_prints(book.tape, self.line, since, until)
        return tapes.option_prints(book.options, book.universe.row_of[instrument.con_id], self.line, since, until)

    def bars(self, instrument: VenueInstrument, start: datetime, end: datetime, seconds: int) -> list[Bar]:
        """Return the session's bars; daily bars of an underlying reach back a year."""
        book = self._books[instrument.symbol]
        row = book.universe.row_of.get(instrument.con_id)
        found: list[Bar] = []
        if seconds >= tapes.DAY_S and row is None:
            found = [bar for bar in daily_bars(book, self.line, self.scenario, self.seed) if start <= bar.at < end]
        for first, last in tapes.windows(self.line, start, end, seconds):
            bar = (
                tapes.stock_bar(book.tape, self.line, first, last)
                if row is None
                else tapes.option_bar(book.options, row, self.line, first, last)
            )
            found += [bar] if bar else []
        return found

    def open_interest(self, instrument: VenueInstrument) -> int:
        if not instrument.right:
            return 0
        book = self._books[instrument.symbol]
        return int(book.interest[book.universe.row_of[instrument.con_id]])

    def session_open(self) -> datetime:
        return self.line.instant(self.line.open_index)

    def session_close(self) -> datetime:
        return self.line.instant(self.line.close_index)

    def trades_on(self, day: date) -> bool:
        return day.weekday() < 5 and day not in self.scenario.holidays

    def closes_early_on(self, day: date) -> bool:
        return day in MARKET_HALF_DAYS

    def book(self, symbol: str) -> Book:
        """Return all that is known of an underlying's day; KeyError for a symbol that the scenario does not list."""
        return self._books[symbol]


def top_as_depth(top: TopOfBook) -> VenueDepth:
    """Return a quote as a book of one level a side."""
    bids = (BookLevel(top.bid, top.bid_size, "CBOE"),) if top.bid is not None else ()
    asks = (BookLevel(top.ask, top.ask_size, "CBOE"),) if top.ask is not None else ()
    return VenueDepth(bids, asks)


def build_market(scenario: Scenario, seed: int, session_date: date | None = None) -> MarketModel:
    """Build the day. `session_date` replaces the scenario's date; ValueError when it is not a session."""
    day = session_date or scenario.date
    if day.weekday() >= 5 or day in scenario.holidays:
        raise ValueError(f"{day} is not a session")
    return MarketModel(scenario, seed, day)
