"""What a single option is worth, how it is quoted and what was traded of it, at a second of the day."""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal
from typing import Final

from bot.sim.market.books import dollars, flicker_of, option_quote, option_sizes
from bot.sim.market.chain import years_left
from bot.sim.market.flow import ContractDay
from bot.sim.market.paths import Timeline
from bot.sim.market.surface import SurfaceGreeks, black_scholes, implied_volatility, level, moneyness
from bot.sim.market.underlying_day import Book
from bot.sim.vocabulary import TopOfBook, VenueInstrument

_DAYS_KEPT: Final = 24  # contracts of an underlying whose trades are at hand: as many as are watched at a time


class OptionValues:
    """Values, quotes and trades of single contracts at a second of the day. Everybody asks about the second that it is,
    so what is kept is of one second."""

    def __init__(self, line: Timeline, seed: int) -> None:
        self._line, self._seed = line, seed
        self._greeks: dict[int, SurfaceGreeks] = {}
        self._greeks_of = -1

    def top(self, book: Book, instrument: VenueInstrument, index: int) -> TopOfBook:
        """Return the quote of a contract at a second, with its trades up to then."""
        row = book.universe.row_of[instrument.con_id]
        bid, ask, bid_size, ask_size = self._quote(book, row, instrument.con_id, index)
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

    def greeks(self, book: Book, row: int, con_id: int, index: int) -> SurfaceGreeks:
        """Return the value of a contract with its greeks at a second."""
        if index != self._greeks_of:
            self._greeks_of, self._greeks = index, {}
        known = self._greeks.get(con_id)
        if known is None:
            spot, strike = float(book.path.price[index]), float(book.universe.strike[row])
            years = years_left(float(book.universe.ends[row]), index)
            iv = implied_volatility(
                float(level(book.script.iv, book.script.term, years)), spot, strike, years, book.script.open
            )
            known = black_scholes(spot, strike, years, iv, call=bool(book.universe.right[row] > 0))
            self._greeks[con_id] = known
        return known

    def _quote(self, book: Book, row: int, con_id: int, index: int) -> tuple[Decimal | None, Decimal | None, int, int]:
        universe, path, line = book.universe, book.path, self._line
        if not line.open_index <= index < min(line.close_index, universe.ends[row]) or path.halted[index]:
            return None, None, 0, 0
        spot, strike = float(path.price[index]), float(universe.strike[row])
        x = moneyness(book.script.iv, spot, strike, years_left(float(universe.ends[row]), index))
        theo = self.greeks(book, row, con_id, index).price
        flicker = flicker_of(self._seed, con_id, index)
        quote = option_quote(universe.spec, theo, x, float(path.spread_factor[index]), flicker)
        sizes = option_sizes(universe.spec, x, float(path.size_factor[index]), self._seed, con_id, index)
        return dollars(quote.bid) if quote.bid else None, dollars(quote.ask), sizes[0] if quote.bid else 0, sizes[1]

    def _contract_day(self, book: Book, row: int) -> tuple[ContractDay, Decimal]:
        known = book.days.get(row)
        if known is None:
            if len(book.days) >= _DAYS_KEPT:
                del book.days[next(iter(book.days))]
            known = book.days[row] = (book.options.history(row), self._close(book, row))
        return known

    def _close(self, book: Book, row: int) -> Decimal:
        universe, spot = book.universe, book.path.previous_close
        years = years_left(float(universe.ends[row]) + 86_400.0, self._line.close_index)
        strike = float(universe.strike[row])
        iv = implied_volatility(
            float(level(book.script.iv, book.script.term, years)), spot, strike, years, book.script.open
        )
        value = black_scholes(spot, strike, years, iv, call=bool(universe.right[row] > 0)).price
        return dollars(round(value * 100.0))
