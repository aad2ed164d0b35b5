"""What trades beside the underlyings of the day: world indices, futures, currencies, coins, breadth, funds.

Each is a small function of the day's own market: a future or an index of the same shares moves with the underlying that
it is written on, breadth with what the market did in the last seconds and since the open, the rest (the VIX far and
against it) by a beta to the market and a slow wave of its own. So a day that falls falls everywhere, and one seed gives
one day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

from bot.sim.market.listed import listed_beside
from bot.sim.market.listed_prices import ListedPrices
from bot.sim.market.model import MarketModel
from bot.sim.vocabulary import Bar, ModelGreeks, Print, TopOfBook, VenueDepth, VenueInstrument


class WiderMarket:
    """The day's market with everything that is listed beside it: `bot.sim.vocabulary.Market`.

    A symbol of the day is the model's own; what is listed here stands beside it and never instead of it.
    """

    def __init__(self, model: MarketModel) -> None:
        self.model = model
        self._things = listed_beside(model)
        self._prices = ListedPrices(model)
        self._all = (*model.instruments(), *(each.instrument for each in self._things.values()))
        self.group_of: Mapping[int, str] = MappingProxyType(
            {con_id: thing.spec.group for con_id, thing in self._things.items()}
        )

    # ---- instruments

    def instruments(self) -> Sequence[VenueInstrument]:
        return self._all

    def by_con_id(self, con_id: int) -> VenueInstrument | None:
        thing = self._things.get(con_id)
        return thing.instrument if thing else self.model.by_con_id(con_id)

    def find(
        self, *, symbol: str = "", sec_type: str = "", expiry: str = "", strike: Decimal | None = None,
        right: str = "", trading_class: str = "", local_symbol: str = "", exchange: str = "", multiplier: str = "",
    ) -> list[VenueInstrument]:  # fmt: skip
        """See `Market.find`."""
        named = {"symbol": symbol, "sec_type": sec_type, "trading_class": trading_class, "local_symbol": local_symbol}
        wanted = {name: value for name, value in named.items() if value}
        beside = [
            each.instrument
            for each in self._things.values()
            if strike is None and not right
            and all(getattr(each.instrument, name) == value for name, value in wanted.items())
            and (not expiry or f"{each.instrument.expiry or '':%Y%m%d}".startswith(expiry))
            and (not multiplier or multiplier == str(each.instrument.multiplier))
        ]  # fmt: skip
        return [
            *self.model.find(
                symbol=symbol, sec_type=sec_type, expiry=expiry, strike=strike, right=right,
                trading_class=trading_class, local_symbol=local_symbol, exchange=exchange, multiplier=multiplier,
            ),
            *beside,
        ]  # fmt: skip

    def is_beside(self, instrument: VenueInstrument) -> bool:
        """Say whether an instrument is one of those that are listed beside the day's underlyings."""
        return instrument.con_id in self._things

    # ---- quotes

    def top(self, instrument: VenueInstrument, at: datetime) -> TopOfBook:
        thing = self._things.get(instrument.con_id)
        return self.model.top(instrument, at) if thing is None else self._prices.top(thing, at)

    def greeks(self, instrument: VenueInstrument, at: datetime) -> ModelGreeks | None:
        return None if self.is_beside(instrument) else self.model.greeks(instrument, at)

    def depth(self, instrument: VenueInstrument, at: datetime, levels: int = 10) -> VenueDepth:
        thing = self._things.get(instrument.con_id)
        return self.model.depth(instrument, at, levels) if thing is None else self._prices.depth(thing, at, levels)

    # ---- tape

    def prints(self, instrument: VenueInstrument, since: datetime, until: datetime) -> list[Print]:
        """Return the trades; of what is beside one a second, at its last price."""
        thing = self._things.get(instrument.con_id)
        return (
            self.model.prints(instrument, since, until) if thing is None else self._prices.prints(thing, since, until)
        )

    def bars(self, instrument: VenueInstrument, start: datetime, end: datetime, seconds: int) -> list[Bar]:
        thing = self._things.get(instrument.con_id)
        if thing is None:
            return self.model.bars(instrument, start, end, seconds)
        return self._prices.bars(thing, start, end, seconds)

    # ---- the day

    def open_interest(self, instrument: VenueInstrument) -> int:
        return 0 if self.is_beside(instrument) else self.model.open_interest(instrument)

    def session_open(self) -> datetime:
        return self.model.session_open()

    def session_close(self) -> datetime:
        return self.model.session_close()

    def trades_on(self, day: date) -> bool:
        return self.model.trades_on(day)

    def closes_early_on(self, day: date) -> bool:
        return self.model.closes_early_on(day)
