"""The market model: `bot.sim.vocabulary.Market`, and what the UW face asks of the same day.

Everything that is random is drawn when the model is built; a question about any second is arithmetic on those arrays.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

import numpy as np

from bot.sim.market import bars as tapes
from bot.sim.market.books import (
    StockTape,
    build_tape,
    dollars,
    flicker_of,
    flickers_of,
    option_quote,
    option_quotes,
    option_sizes,
    stock_depth,
)
from bot.sim.market.chain import IdBook, OptionUniverse, build_universe, open_interest, years_left
from bot.sim.market.exposure import ChainSnapshot, SpotGexRow, StrikeExposures, exposure_by_strike, spot_row
from bot.sim.market.flow import (
    ContractDay,
    ModelAlert,
    NetPremiumMinute,
    OptionTape,
    build_alerts,
    build_option_tape,
    net_premium_minutes,
)
from bot.sim.market.paths import DayPath, Timeline, build_paths, timeline
from bot.sim.market.surface import (
    YEAR_SECONDS,
    Floats,
    GreekArrays,
    SurfaceGreeks,
    black_scholes,
    black_scholes_array,
    implied_volatility,
    implied_volatility_array,
    moneyness,
    moneyness_array,
)
from bot.sim.scenario import MARKET_HALF_DAYS, Scenario, SymbolScript
from bot.sim.vocabulary import Bar, BookLevel, ModelGreeks, Print, TopOfBook, VenueDepth, VenueInstrument

_DAYS_KEPT: Final = 24  # contracts of an underlying whose trades are at hand: as many as are watched at a time
_PIN_MARGIN: Final = 1.6  # how far the pin's gamma stands above any other strike's
_PIN_CHECK_S: Final = 600
_PIN_CHECK_STOPS_S: Final = 1500  # before the close: in the last minutes all gamma is at the money
_UNDERLYING_PLACES: Final = frozenset({"", "SMART", "ARCA", "NASDAQ", "NYSE", "BATS", "ISLAND", "CBOE"})
_OPTION_PLACES: Final = frozenset(
    {"", "SMART", "CBOE", "AMEX", "BOX", "ISE", "PHLX", "PSE", "CBOE2", "BATS", "NASDAQOM", "MIAX", "GEMINI", "EDGX",
     "PEARL", "EMERALD", "MERCURY", "NASDAQBX"}
)  # fmt: skip


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


class MarketModel:
    """See the module. `seed` and the scenario decide everything; instances share nothing."""

    def __init__(self, scenario: Scenario, seed: int, session_date: date | None = None) -> None:
        self.scenario = scenario
        self.seed = seed
        self.line: Timeline = timeline(scenario, session_date or scenario.date)
        ids = IdBook()
        self._books: dict[str, Book] = {}
        for symbol, path in build_paths(scenario, seed, self.line).items():
            self._books[symbol] = self._build_book(symbol, path, ids)
        self._books = {symbol: self._books[symbol] for symbol in scenario.symbols}
        universes = [book.universe for book in self._books.values()]
        self._all = [each for universe in universes for each in (universe.underlying, *universe.instruments)]
        self._by_id = {each.con_id: each for each in self._all}
        self._by_local = {each.local_symbol: each for each in self._all}
        # Everybody asks about the second that it is, so what is kept is of one second.
        self._greeks: dict[int, SurfaceGreeks] = {}
        self._greeks_of = -1
        self._tops: dict[int, TopOfBook] = {}
        self._tops_of = -1
        self._asked_at = self.line.origin
        self._asked_index = self.line.index(self.line.origin)

    def _index(self, at: datetime) -> int:
        """Return the second of a time, worked out once for all who ask about the same one."""
        if at is not self._asked_at:
            self._asked_at, self._asked_index = at, self.line.index(at)
        return self._asked_index

    def _build_book(self, symbol: str, path: DayPath, ids: IdBook) -> Book:
        script, line, seed = self.scenario.symbols[symbol], self.line, self.seed
        universe = build_universe(self.scenario, symbol, line, ids)
        tape = build_tape(universe.spec, symbol, path, line, script.book_noise, seed)
        interest = open_interest(universe, script.open, script.pin, seed)
        options = build_option_tape(universe, path, line, script.iv, script.open, seed)
        book = Book(symbol, script, path, tape, universe, interest, options)
        if script.pin is not None:
            self._raise_pin(book, script.pin)
        book.alerts = build_alerts(options, universe, path, line, script.iv, book.interest, seed)
        return book

    def _raise_pin(self, book: Book, pin: float) -> None:
        """Add calls at the pin until its gamma outweighs every other strike's at any time before the close."""
        universe = book.universe
        at_pin = universe.strike == pin
        calls = at_pin & (universe.right > 0)
        days = universe.ends / 86_400.0
        weights = np.where(calls, 0.05 + np.minimum(days, 30.0) / 30.0, 0.0)
        book.interest = np.where(at_pin & ~calls, 1.0, book.interest)
        needed = 0.0
        for index in range(self.line.open_index, self.line.close_index - _PIN_CHECK_STOPS_S, _PIN_CHECK_S):
            gamma = self._evaluate(book, index)[0].gamma
            strikes, place = np.unique(universe.strike, return_inverse=True)
            net = np.bincount(place, weights=gamma * book.interest * universe.right)
            rival = float(np.max(np.abs(np.where(strikes == pin, 0.0, net))))
            needed = max(needed, (_PIN_MARGIN * rival - float(net[strikes == pin][0])) / float(np.dot(gamma, weights)))
        book.interest = np.round(book.interest + weights * needed)

    def _evaluate(self, book: Book, index: int) -> tuple[GreekArrays, Floats, Floats]:
        """Return greeks, volatilities and years left of the whole chain."""
        universe, spot = book.universe, float(book.path.price[index])
        years = np.maximum(universe.ends - index, 1.0) / YEAR_SECONDS
        iv = implied_volatility_array(book.script.iv, spot, universe.strike, years, book.script.open)
        return black_scholes_array(spot, universe.strike, years, iv, universe.right), iv, years

    # -- instruments ---------------------------------------------------------------------------------------------

    def symbols(self) -> list[str]:
        return list(self._books)

    def underlying(self, symbol: str) -> VenueInstrument:
        """Return the underlying; KeyError for a symbol that the scenario does not list."""
        return self._books[symbol].universe.underlying

    def instruments(self) -> Sequence[VenueInstrument]:
        return self._all

    def by_con_id(self, con_id: int) -> VenueInstrument | None:
        return self._by_id.get(con_id)

    def find(
        self,
        *,
        symbol: str = "",
        sec_type: str = "",
        expiry: str = "",
        strike: Decimal | None = None,
        right: str = "",
        trading_class: str = "",
        local_symbol: str = "",
        exchange: str = "",
        multiplier: str = "",
    ) -> list[VenueInstrument]:
        """See `Market.find`. A right may also be spelled CALL or PUT; local symbols with or without padding."""
        wanted = (
            ("symbol", symbol), ("sec_type", sec_type), ("trading_class", trading_class), ("right", right[:1].upper()),
        )  # fmt: skip
        found = self._candidates(symbol, local_symbol)
        for name, value in wanted:
            if value:
                found = [each for each in found if getattr(each, name) == value]
        if expiry:
            found = [each for each in found if each.expiry and _digits(each.expiry).startswith(expiry)]
        if strike:
            found = [each for each in found if each.strike == strike]
        if multiplier:
            found = [each for each in found if str(each.multiplier) == multiplier]
        return [each for each in found if exchange.upper() in _places(each)]

    def _candidates(self, symbol: str, local_symbol: str) -> list[VenueInstrument]:
        if local_symbol:
            known = self._by_local.get(local_symbol) or self._by_local.get(_padded(local_symbol))
            return [known] if known else []
        if symbol:
            book = self._books.get(symbol)
            return [book.universe.underlying, *book.universe.instruments] if book else []
        return self._all

    # -- quotes --------------------------------------------------------------------------------------------------

    def price(self, symbol: str, at: datetime) -> float:
        """Return the underlying's unrounded price."""
        return float(self._books[symbol].path.price[self._index(at)])

    def imbalance(self, symbol: str, at: datetime) -> float:
        """Return the lean of the book, in [-1, 1]."""
        return float(self._books[symbol].tape.imbalance[self._index(at)])

    def top(self, instrument: VenueInstrument, at: datetime) -> TopOfBook:
        index = self._index(at)
        if index != self._tops_of:
            self._tops_of, self._tops = index, {}
        known = self._tops.get(instrument.con_id)
        if known is None:
            known = self._option_top(instrument, index) if instrument.right else self._stock_top(instrument, index)
            self._tops[instrument.con_id] = known
        return known

    def _stock_top(self, instrument: VenueInstrument, index: int) -> TopOfBook:
        book, line = self._books[instrument.symbol], self.line
        tape, started, halted = book.tape, index >= line.open_index, bool(book.path.halted[index])
        index_like = instrument.sec_type == "IND"
        depth = VenueDepth((), ()) if index_like or halted else self._depth(book, index, 1)
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

    def _option_top(self, instrument: VenueInstrument, index: int) -> TopOfBook:
        book = self._books[instrument.symbol]
        row = book.universe.row_of[instrument.con_id]
        bid, ask, bid_size, ask_size = self._option_quote(book, row, instrument.con_id, index)
        day, close = self._contract_day(book, row)
        n = bisect_right(day.second, index) - 1
        traded = n >= 0
        return TopOfBook(
            bid=bid,
            ask=ask,
            bid_size=bid_size,
            ask_size=ask_size,
            last=dollars(day.cents[n]) if traded else None,
            last_size=day.size[n] if traded else 0,
            volume=day.volume[n] if traded else 0,
            open=dollars(day.cents[0]) if traded else None,
            high=dollars(day.high[n]) if traded else None,
            low=dollars(day.low[n]) if traded else None,
            close=close,
            halted=bool(book.path.halted[index]),
        )

    def _contract_day(self, book: Book, row: int) -> tuple[ContractDay, Decimal]:
        known = book.days.get(row)
        if known is None:
            if len(book.days) >= _DAYS_KEPT:
                del book.days[next(iter(book.days))]
            known = book.days[row] = (book.options.history(row), self._option_close(book, row))
        return known

    def _option_quote(
        self, book: Book, row: int, con_id: int, index: int
    ) -> tuple[Decimal | None, Decimal | None, int, int]:
        universe, path, line = book.universe, book.path, self.line
        if not line.open_index <= index < min(line.close_index, universe.ends[row]) or path.halted[index]:
            return None, None, 0, 0
        spot, strike = float(path.price[index]), float(universe.strike[row])
        x = moneyness(book.script.iv, spot, strike, years_left(float(universe.ends[row]), index))
        theo = self._scalar_greeks(book, row, con_id, index).price
        flicker = flicker_of(self.seed, con_id, index)
        quote = option_quote(universe.spec, theo, x, float(path.spread_factor[index]), flicker)
        sizes = option_sizes(universe.spec, x, float(path.size_factor[index]), self.seed, con_id, index)
        return dollars(quote.bid) if quote.bid else None, dollars(quote.ask), sizes[0] if quote.bid else 0, sizes[1]

    def _option_close(self, book: Book, row: int) -> Decimal:
        universe, spot = book.universe, book.path.previous_close
        years = years_left(float(universe.ends[row]) + 86_400.0, self.line.close_index)
        strike = float(universe.strike[row])
        iv = implied_volatility(book.script.iv, spot, strike, years, book.script.open)
        value = black_scholes(spot, strike, years, iv, call=bool(universe.right[row] > 0)).price
        return dollars(round(value * 100.0))

    def greeks(self, instrument: VenueInstrument, at: datetime) -> ModelGreeks | None:
        if not instrument.right:
            return None
        book, index = self._books[instrument.symbol], self._index(at)
        row = book.universe.row_of[instrument.con_id]
        if (at - self.line.origin).total_seconds() >= book.universe.ends[row]:
            return None
        spot, strike = float(book.path.price[index]), float(book.universe.strike[row])
        years = years_left(float(book.universe.ends[row]), index)
        iv = implied_volatility(book.script.iv, spot, strike, years, book.script.open)
        value = self._scalar_greeks(book, row, instrument.con_id, index)
        return ModelGreeks(iv, value.price, value.delta, value.gamma, value.vega, value.theta, spot)

    def _scalar_greeks(self, book: Book, row: int, con_id: int, index: int) -> SurfaceGreeks:
        if index != self._greeks_of:
            self._greeks_of, self._greeks = index, {}
        known = self._greeks.get(con_id)
        if known is None:
            spot, strike = float(book.path.price[index]), float(book.universe.strike[row])
            years = years_left(float(book.universe.ends[row]), index)
            iv = implied_volatility(book.script.iv, spot, strike, years, book.script.open)
            known = black_scholes(spot, strike, years, iv, call=bool(book.universe.right[row] > 0))
            self._greeks[con_id] = known
        return known

    def depth(self, instrument: VenueInstrument, at: datetime, levels: int = 10) -> VenueDepth:
        """Return a stock's book; an option shows its best level only, an index nothing."""
        if instrument.sec_type == "STK":
            return self._depth(self._books[instrument.symbol], self._index(at), levels)
        if instrument.sec_type == "IND":
            return VenueDepth((), ())
        return top_as_depth(self.top(instrument, at))

    def _depth(self, book: Book, index: int, levels: int) -> VenueDepth:
        if book.path.halted[index]:
            return VenueDepth((), ())
        con_id = book.universe.underlying.con_id
        return stock_depth(book.universe.spec, book.tape, index, levels, self.seed, con_id, 1.0)

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
            found = [bar for bar in self._history(book) if start <= bar.at < end]
        for first, last in tapes.windows(self.line, start, end, seconds):
            bar = (
                tapes.stock_bar(book.tape, self.line, first, last)
                if row is None
                else tapes.option_bar(book.options, row, self.line, first, last)
            )
            found += [bar] if bar else []
        return found

    def _history(self, book: Book) -> list[Bar]:
        return tapes.daily_history(
            book.symbol, book.path.previous_close, book.script.iv, self.line, self.seed,
            book.universe.spec.share_volume, frozenset(self.scenario.holidays),
        )  # fmt: skip

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

    # -- what the UW face serves ---------------------------------------------------------------------------------

    def chain(self, symbol: str, at: datetime) -> ChainSnapshot:
        """Return every option of an underlying at a second."""
        return self._chain(self._books[symbol], self._index(at))

    def _chain(self, book: Book, index: int) -> ChainSnapshot:
        if book.latest is not None and book.latest_index == index:
            return book.latest
        universe, path, line = book.universe, book.path, self.line
        spot = float(path.price[index])
        greeks, iv, years = self._evaluate(book, index)
        x = moneyness_array(book.script.iv, spot, universe.strike, years)
        flickers = flickers_of(self.seed, universe.con_id, index)
        bid, ask = option_quotes(universe.spec, greeks.price, x, float(path.spread_factor[index]), flickers)
        quoted = (universe.ends > index) & (line.open_index <= index < line.close_index) & ~path.halted[index]
        volume, ask_volume, bid_volume = book.options.volumes(index, len(universe.instruments))
        book.latest = ChainSnapshot(
            symbol=book.symbol,
            at=line.instant(index),
            price=spot,
            instruments=universe.instruments,
            expiry=universe.expiry,
            strike=universe.strike,
            right=universe.right,
            iv=iv,
            theo=greeks.price,
            bid=np.where(quoted & (bid > 0), bid / 100.0, np.nan),
            ask=np.where(quoted, ask / 100.0, np.nan),
            delta=greeks.delta,
            gamma=greeks.gamma,
            vega=greeks.vega,
            theta=greeks.theta,
            vanna=greeks.vanna,
            charm=greeks.charm,
            open_interest=book.interest,
            volume=volume,
            ask_volume=ask_volume,
            bid_volume=bid_volume,
            alive=(universe.ends > index).astype(np.float64),
        )
        book.latest_index = index
        return book.latest

    def shown_price(self, symbol: str, price: float) -> float:
        """Return the price that the vendor's rows carry: for an index that is the at-the-money strike."""
        spec = self._books[symbol].universe.spec
        return round(price / spec.strike_step) * spec.strike_step if spec.sec_type == "IND" else round(price, 2)

    def gex_by_strike(self, symbol: str, at: datetime) -> StrikeExposures:
        """Return dealer exposure by strike, all expiries summed."""
        chain = self.chain(symbol, at)
        return exposure_by_strike(chain, self.shown_price(symbol, chain.price))

    def spot_gex_minutes(self, symbol: str, until: datetime) -> list[SpotGexRow]:
        """Return one row per minute of the session from its open to `until`, oldest first."""
        book, line = self._books[symbol], self.line
        last = min(line.index(until), line.close_index)
        count = (last - line.open_index) // 60 + 1 if last >= line.open_index else 0
        while len(book.minutes) < count:
            chain = self._chain(book, line.open_index + 60 * len(book.minutes))
            book.minutes.append(spot_row(chain, self.shown_price(symbol, chain.price)))
        return book.minutes[:count]

    def net_premium_minutes(self, symbol: str, until: datetime) -> list[NetPremiumMinute]:
        """Return the option flow of every minute that has ended."""
        book, line = self._books[symbol], self.line
        ended = max((min(line.index(until), line.close_index) - line.open_index) // 60, 0)
        if ended > len(book.flows):
            book.flows += net_premium_minutes(book.options, book.universe, line, len(book.flows), ended)
        return book.flows[:ended]

    def flow_alerts(self, since: datetime, until: datetime, symbols: Iterable[str] = ()) -> list[ModelAlert]:
        """Return the alerts with since < at <= until of the given symbols (all when none is given), oldest first."""
        chosen = list(symbols) or self.symbols()
        found = [each for name in chosen if name in self._books for each in self._books[name].alerts]
        return sorted((each for each in found if since < each.at <= until), key=lambda each: (each.at, each.id))


def top_as_depth(top: TopOfBook) -> VenueDepth:
    """Return a quote as a book of one level a side."""
    bids = (BookLevel(top.bid, top.bid_size, "CBOE"),) if top.bid is not None else ()
    asks = (BookLevel(top.ask, top.ask_size, "CBOE"),) if top.ask is not None else ()
    return VenueDepth(bids, asks)


@lru_cache(maxsize=1024)  # a search goes through thousands of contracts of a dozen expiries
def _digits(expiry: date) -> str:
    return expiry.strftime("%Y%m%d")


def _places(instrument: VenueInstrument) -> frozenset[str]:
    return _OPTION_PLACES if instrument.right else _UNDERLYING_PLACES


def _padded(local_symbol: str) -> str:
    compact = local_symbol.replace(" ", "")
    return f"{compact[:-15]:<6}{compact[-15:]}" if len(compact) > 15 else compact


def build_market(scenario: Scenario, seed: int, session_date: date | None = None) -> MarketModel:
    """Build the day. `session_date` replaces the scenario's date; ValueError when it is not a session."""
    day = session_date or scenario.date
    if day.weekday() >= 5 or day in scenario.holidays:
        raise ValueError(f"{day} is not a session")
    return MarketModel(scenario, seed, day)
