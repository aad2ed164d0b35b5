"""Tick-by-tick lines, real-time bars and bars that keep up to date: streams in which nothing may be skipped."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.sim.tws import messages
from bot.sim.tws.bars import BarRequest, bars_of, historical_update
from bot.sim.tws.moment import VenueMoment
from bot.sim.tws.wire import WireMessage
from bot.sim.vocabulary import Bar, VenueInstrument

TRADE_KINDS: Final = {"Last": 1, "AllLast": 2}
BAR_S: Final = 5
UPDATE_S: Final = 1.0
PRINTS_S: Final = 0.1
"""Wall seconds between two looks at the trades."""
NEWEST: Final = timedelta(seconds=1)
"""A clock of many times real time passes over what is older: nobody could tell it all."""


class TradeTape:
    """Every trade since the last pace (Last, AllLast), at most the newest `most` of them."""

    def __init__(self, req_id: int, instrument: VenueInstrument, kind: int, since: datetime, most: int) -> None:
        self.req_id = req_id
        self.instrument = instrument
        self._kind = kind
        self._since = since
        self._most = most
        self._due = float("-inf")

    def pace(self, moment: VenueMoment) -> list[WireMessage]:
        if moment.at <= self._since or moment.monotonic < self._due:
            return []
        self._due = moment.monotonic + PRINTS_S
        prints = moment.market.prints(self.instrument, max(self._since, moment.at - NEWEST), moment.at)
        self._since = moment.at
        return [
            messages.tick_by_tick_trade(
                self.req_id, self._kind, each.at, each.price, each.size, each.exchange, each.conditions
            )
            for each in prints[-self._most :]
        ]


class QuoteTape:
    """Every change of the best bid and offer (BidAsk); `ignore_size` leaves out changes of size alone."""

    def __init__(self, req_id: int, instrument: VenueInstrument, *, ignore_size: bool) -> None:
        self.req_id = req_id
        self.instrument = instrument
        self._ignore_size = ignore_size
        self._sent: tuple[Decimal | int | None, ...] = ()

    def pace(self, moment: VenueMoment) -> list[WireMessage]:
        top = moment.top(self.instrument)
        sizes = () if self._ignore_size else (top.bid_size, top.ask_size)
        quote = (top.bid, top.ask, *sizes)
        if quote == self._sent:
            return []
        self._sent = quote
        return [
            messages.tick_by_tick_quote(
                self.req_id, moment.at, _shown(top.bid), _shown(top.ask), top.bid_size, top.ask_size
            )
        ]


class MidpointTape:
    """Every change of the midpoint."""

    def __init__(self, req_id: int, instrument: VenueInstrument) -> None:
        self.req_id = req_id
        self.instrument = instrument
        self._sent: Decimal | None = None

    def pace(self, moment: VenueMoment) -> list[WireMessage]:
        top = moment.top(self.instrument)
        if top.bid is None or top.ask is None:
            return []
        midpoint = (top.bid + top.ask) / 2
        if midpoint == self._sent:
            return []
        self._sent = midpoint
        return [messages.tick_by_tick_midpoint(self.req_id, moment.at, midpoint)]


class RealTimeBars:
    """Five-second bars, each said once when it is complete."""

    def __init__(self, req_id: int, request: BarRequest, since: datetime) -> None:
        self.req_id = req_id
        self._request = request
        self._from = floor_time(since, BAR_S)

    def pace(self, moment: VenueMoment) -> list[WireMessage]:
        until = floor_time(moment.at, BAR_S)
        if until <= self._from:
            return []
        bars = bars_of(moment.market, self._request, self._from, until)
        self._from = until
        return [messages.real_time_bar(self.req_id, bar) for bar in bars]


class BarUpdates:
    """The bar in progress of a historical request that keeps up to date, and each bar's final state before it."""

    def __init__(self, req_id: int, request: BarRequest, since: datetime, date_format: int) -> None:
        self.req_id = req_id
        self._request = request
        self._date_format = date_format
        self._from = floor_time(since, request.seconds)
        self._due = float("-inf")
        self._sent: Bar | None = None

    def pace(self, moment: VenueMoment) -> list[WireMessage]:
        if moment.monotonic < self._due or moment.at <= self._from:
            return []
        self._due = moment.monotonic + UPDATE_S
        bars = bars_of(moment.market, self._request, self._from, moment.at)
        fresh = [bar for bar in bars if bar != self._sent]
        if fresh:
            self._sent = fresh[-1]
            self._from = max(self._from, fresh[-1].at)
        return [historical_update(self.req_id, bar, self._request, self._date_format) for bar in fresh]


def floor_time(at: datetime, seconds: int) -> datetime:
    """Return the start of the bar of `seconds` in which `at` lies, counted from the epoch."""
    return at - timedelta(seconds=at.timestamp() % seconds)


def _shown(price: Decimal | None) -> Decimal | int:
    return -1 if price is None else price
