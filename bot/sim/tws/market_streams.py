"""Streaming quotes and depth: what a line has been told, and what has changed since.

Nothing is repeated: a price that stands still says nothing for as long as it stands, as at TWS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

from bot.sim.tws import messages
from bot.sim.tws.contracts import closing_time
from bot.sim.tws.generic_ticks import GENERIC_TICKS, GenericTick
from bot.sim.tws.moment import VenueMoment
from bot.sim.tws.option_math import YEAR_S, at_price
from bot.sim.tws.wire import WireMessage
from bot.sim.vocabulary import BookLevel, ModelGreeks, TopOfBook, VenueInstrument

GREEKS_S: Final = 0.25
GENERIC_S: Final = 1.0
DEPTH_S: Final = 0.1


class MarketStream(Protocol):
    """One subscription: asked at every pace what there is to say."""

    def pace(self, moment: VenueMoment) -> list[WireMessage]: ...


_STATISTICS: Final[tuple[tuple[int, Callable[[TopOfBook], Decimal | None]], ...]] = (
    (messages.HIGH, lambda top: top.high),
    (messages.LOW, lambda top: top.low),
    (messages.CLOSE, lambda top: top.close),
    (messages.OPEN, lambda top: top.open),
)


@dataclass(slots=True)
class _Side:
    """One price with its size, as last sent."""

    price_tick: int
    size_tick: int
    mask: int
    price: Decimal | None = None
    size: int | None = None

    def changes(self, req_id: int, price: Decimal | None, size: int) -> list[WireMessage]:
        """Say a new price with its size, and the size again by itself, as TWS does; a side that vanished is -1."""
        if price == self.price and size == self.size:
            return []
        if price is None and self.price is None and self.size is not None:
            return []
        moved = price != self.price or self.size is None
        self.price, self.size = price, size
        repeated = messages.tick_size(req_id, self.size_tick, size)
        if not moved:
            return [repeated]
        return [messages.tick_price(req_id, self.price_tick, -1 if price is None else price, size, self.mask), repeated]


class MarketLine:
    """A market data line; `round_lots` says that share sizes go out in lots of 100, as servers before 159 did;
    `every_s` is the least time between two looks, in wall seconds."""

    def __init__(
        self, req_id: int, instrument: VenueInstrument, generic_ticks: Sequence[int], *, round_lots: bool,
        every_s: float = 0.0,
    ) -> None:  # fmt: skip
        self.req_id = req_id
        self.instrument = instrument
        self._every_s = every_s
        self._due = float("-inf")
        self._lot = 100 if round_lots and instrument.sec_type == "STK" else 1
        self._sides = [_Side(messages.LAST, messages.LAST_SIZE, 0)]
        if instrument.sec_type != "IND":
            self._sides = [
                _Side(messages.BID, messages.BID_SIZE, 1),
                _Side(messages.ASK, messages.ASK_SIZE, 1),
                *self._sides,
            ]
        self._statistics: dict[int, Decimal | None] = {}
        self._volume: int | None = None
        self._halted: bool | None = None
        self._top: TopOfBook | None = None
        self._greeks: ModelGreeks | None = None
        self._greeks_due = self._generic_due = float("-inf")
        self._generic: list[GenericTick] = [GENERIC_TICKS[each]() for each in generic_ticks if each in GENERIC_TICKS]

    def renew(self) -> None:
        """Say everything again with the next pace."""
        for side in self._sides:
            side.price = side.size = None
        self._statistics.clear()
        self._volume = self._halted = self._top = self._greeks = None

    def opening(self, kind: int) -> list[WireMessage]:
        """Return what a line starts with, before its first tick."""
        return [
            messages.market_data_type(self.req_id, kind),
            messages.tick_request_parameters(self.req_id, self.instrument),
        ]

    def pace(self, moment: VenueMoment) -> list[WireMessage]:
        said: list[WireMessage] = []
        if moment.monotonic < self._due:
            return said
        self._due = moment.monotonic + self._every_s
        top = moment.top(self.instrument)
        if top is not self._top and top != self._top:
            said += self._quotes(top, moment.at)
        if self.instrument.sec_type == "OPT" and moment.monotonic >= self._greeks_due:
            self._greeks_due = moment.monotonic + GREEKS_S
            said += self._computations(moment, top)
        if self._generic and moment.monotonic >= self._generic_due:
            self._generic_due = moment.monotonic + GENERIC_S
            for tick in self._generic:
                said += tick.changes(self.req_id, self.instrument, moment)
        return said

    def _quotes(self, top: TopOfBook, at: datetime) -> list[WireMessage]:
        self._top = top
        said: list[WireMessage] = []
        for side in self._sides:
            said += side.changes(self.req_id, *self._values(side.price_tick, top))
        traded = bool(said) and said[-1].fields[2] == messages.LAST_SIZE
        if traded and top.last is not None:
            said.append(messages.tick_string(self.req_id, 45, str(int(at.timestamp()))))
        if top.volume != self._volume:
            self._volume = top.volume
            said.append(messages.tick_size(self.req_id, messages.VOLUME, top.volume // self._lot))
        for tick, value_of in _STATISTICS:
            value = value_of(top)
            if value is not None and value != self._statistics.get(tick):
                self._statistics[tick] = value
                said.append(messages.tick_price(self.req_id, tick, value, 0))
        if top.halted is not self._halted:
            self._halted = top.halted
            said.append(messages.tick_generic(self.req_id, 49, int(top.halted)))
        return said

    def _values(self, tick: int, top: TopOfBook) -> tuple[Decimal | None, int]:
        if tick == messages.BID:
            return top.bid, 0 if top.bid is None else top.bid_size // self._lot
        if tick == messages.ASK:
            return top.ask, 0 if top.ask is None else top.ask_size // self._lot
        return top.last, top.last_size // self._lot

    def _computations(self, moment: VenueMoment, top: TopOfBook) -> list[WireMessage]:
        model = moment.greeks(self.instrument)
        if model is None or model == self._greeks or self.instrument.expiry is None:
            return []
        self._greeks = model
        years = (closing_time(self.instrument.expiry, moment.market) - moment.at).total_seconds() / YEAR_S
        priced = (
            (messages.BID_GREEKS, top.bid),
            (messages.ASK_GREEKS, top.ask),
            (messages.LAST_GREEKS, top.last),
        )
        said = [
            messages.option_computation(self.req_id, tick, at_price(model, self.instrument, years, price))
            for tick, price in priced
            if price is not None
        ]
        return [*said, messages.option_computation(self.req_id, messages.MODEL_GREEKS, model)]


class DepthLine:
    """A depth subscription: rows are addressed by position, bids and asks apart."""

    def __init__(self, req_id: int, instrument: VenueInstrument, rows: int, *, smart: bool) -> None:
        self.req_id = req_id
        self.instrument = instrument
        self._rows = rows
        self._smart = smart
        self._books: dict[int, list[BookLevel]] = {0: [], 1: []}
        self._due = float("-inf")

    def renew(self) -> None:
        """Say every row again, of a book that is empty at the client."""
        self._books = {0: [], 1: []}

    def pace(self, moment: VenueMoment) -> list[WireMessage]:
        if moment.monotonic < self._due:
            return []
        self._due = moment.monotonic + DEPTH_S
        depth = moment.depth(self.instrument, self._rows)
        return self._changes(1, depth.bids[: self._rows]) + self._changes(0, depth.asks[: self._rows])

    def _changes(self, side: int, levels: Sequence[BookLevel]) -> list[WireMessage]:
        known = self._books[side]
        said = []
        for position, level in enumerate(levels):
            if position >= len(known):
                said.append(self._row(position, messages.INSERT, side, level))
            elif known[position] != level:
                said.append(self._row(position, messages.UPDATE, side, level))
        vanished = reversed(range(len(levels), len(known)))
        said += [self._row(position, messages.DELETE, side, known[position]) for position in vanished]
        self._books[side] = list(levels)
        return said

    def _row(self, position: int, operation: int, side: int, level: BookLevel) -> WireMessage:
        gone = operation == messages.DELETE
        price, size = (0, 0) if gone else (level.price, level.size)
        if not self._smart and not level.market_maker:
            return messages.depth_row(self.req_id, position, operation, side, price, size)
        maker = level.market_maker or "SMART"
        return messages.smart_depth_row(self.req_id, position, maker, operation, side, price, size, self._smart)
