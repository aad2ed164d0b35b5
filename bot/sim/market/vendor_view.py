"""What the data vendor knows of the day: whole chains, the dealers' exposure, the flow of premium, alerts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import numpy as np

from bot.sim.market.books import flickers_of, option_quotes
from bot.sim.market.exposure import ChainSnapshot, SpotGexRow, StrikeExposures, exposure_by_strike, spot_row
from bot.sim.market.flow import ModelAlert, NetPremiumMinute, net_premium_minutes
from bot.sim.market.paths import Timeline
from bot.sim.market.surface import moneyness_array
from bot.sim.market.underlying_day import Book, evaluate


class VendorView:
    """Of each underlying, by its symbol."""

    def __init__(self, books: Mapping[str, Book], line: Timeline, seed: int) -> None:
        self._books, self._line, self._seed = books, line, seed

    def chain(self, symbol: str, at: datetime) -> ChainSnapshot:
        """Return every option of an underlying at a second."""
        return self._chain(self._books[symbol], self._line.index(at))

    def _chain(self, book: Book, index: int) -> ChainSnapshot:
        if book.latest is not None and book.latest_index == index:
            return book.latest
        universe, path, line = book.universe, book.path, self._line
        spot = float(path.price[index])
        greeks, iv, years = evaluate(book, index)
        x = moneyness_array(book.script.iv, spot, universe.strike, years)
        flickers = flickers_of(self._seed, universe.con_id, index)
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
        book, line = self._books[symbol], self._line
        last = min(line.index(until), line.close_index)
        count = (last - line.open_index) // 60 + 1 if last >= line.open_index else 0
        while len(book.minutes) < count:
            chain = self._chain(book, line.open_index + 60 * len(book.minutes))
            book.minutes.append(spot_row(chain, self.shown_price(symbol, chain.price)))
        return book.minutes[:count]

    def net_premium_minutes(self, symbol: str, until: datetime) -> list[NetPremiumMinute]:
        """Return the option flow of every minute that has ended."""
        book, line = self._books[symbol], self._line
        ended = max((min(line.index(until), line.close_index) - line.open_index) // 60, 0)
        if ended > len(book.flows):
            book.flows += net_premium_minutes(book.options, book.universe, line, len(book.flows), ended)
        return book.flows[:ended]

    def flow_alerts(self, since: datetime, until: datetime, symbols: Iterable[str] = ()) -> list[ModelAlert]:
        """Return the alerts with since < at <= until of the given symbols (all when none is given), oldest first."""
        chosen = list(symbols) or list(self._books)
        found = [each for name in chosen if name in self._books for each in self._books[name].alerts]
        return sorted((each for each in found if since < each.at <= until), key=lambda each: (each.at, each.id))
