"""The market model over a kept day: what was quoted once is read, everything else worked out as ever."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from bot.sim.kept_day import KeptDay, Row
from bot.sim.market.model import MarketModel
from bot.sim.scenario import Scenario
from bot.sim.vocabulary import ModelGreeks, TopOfBook, VenueInstrument


class KeptMarket(MarketModel):
    """See the module. What was kept and what is worked out come back through the same numbers, so they are equal."""

    def __init__(self, scenario: Scenario, seed: int, kept: KeptDay) -> None:
        super().__init__(scenario, seed)
        self._kept = kept

    def greeks(self, instrument: VenueInstrument, at: datetime) -> ModelGreeks | None:
        row = self._kept.row(
            "greeks",
            instrument.con_id,
            self._index(at),
            lambda: _row_of_greeks(super(KeptMarket, self).greeks(instrument, at)),
        )
        return None if row is None else ModelGreeks(*row)

    def _top_at(self, instrument: VenueInstrument, index: int) -> TopOfBook:
        make = super()._top_at
        row = self._kept.row("top", instrument.con_id, index, lambda: _row_of_top(make(instrument, index)))
        assert row is not None, "every second has a top"
        return _top_of(row)


def _row_of_greeks(greeks: ModelGreeks | None) -> Row | None:
    if greeks is None:
        return None
    return [greeks.iv, greeks.price, greeks.delta, greeks.gamma, greeks.vega, greeks.theta, greeks.underlying]


def _row_of_top(top: TopOfBook) -> Row:
    bid, ask, last, close = map(_written, (top.bid, top.ask, top.last, top.close))
    opened, high, low = map(_written, (top.open, top.high, top.low))
    sizes = (top.bid_size, top.ask_size, top.last_size, top.volume)
    return [bid, ask, last, close, opened, high, low, *sizes, top.halted]


def _top_of(row: Row) -> TopOfBook:
    bid, ask, last, close, opened, high, low = map(_price, row[:7])
    bid_size, ask_size, last_size, volume, halted = row[7:]
    return TopOfBook(bid, ask, bid_size, ask_size, last, last_size, volume, opened, high, low, close, halted)


def _written(price: Decimal | None) -> str | None:
    return None if price is None else str(price)


@lru_cache(maxsize=65_536)
def _price(written: str | None) -> Decimal | None:
    return None if written is None else Decimal(written)
