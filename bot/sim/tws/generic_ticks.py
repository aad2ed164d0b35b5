"""Generic ticks: what a client asks for by number beside the quotes of a line.

Each kind knows how to look its value up and what it last said. Aggregates over a chain are refreshed slowly, for they
look at every option of an underlying.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from statistics import stdev
from typing import Final, Protocol

from bot.sim.tws import messages
from bot.sim.tws.moment import VenueMoment
from bot.sim.tws.wire import WireMessage
from bot.sim.vocabulary import Bar, VenueInstrument

CHAIN_S: Final = 30.0
_FIVE_MINUTES_A_YEAR: Final = 252 * 78


class GenericTick(Protocol):
    def changes(self, req_id: int, instrument: VenueInstrument, moment: VenueMoment) -> list[WireMessage]: ...


class _Chain:
    """A sum over calls and a sum over puts: of the option itself, or of every option of an underlying."""

    def __init__(self, call_tick: int, put_tick: int, count: Callable[[VenueInstrument, VenueMoment], int]) -> None:
        self._ticks = {"C": call_tick, "P": put_tick}
        self._count = count
        self._due = float("-inf")
        self._sent: dict[str, int] = {}

    def changes(self, req_id: int, instrument: VenueInstrument, moment: VenueMoment) -> list[WireMessage]:
        if instrument.sec_type != "OPT":
            if moment.monotonic < self._due:
                return []
            self._due = moment.monotonic + CHAIN_S
        said = []
        for right, total in self._totals(instrument, moment).items():
            if self._sent.get(right) != total:
                self._sent[right] = total
                said.append(messages.tick_size(req_id, self._ticks[right], total))
        return said

    def _totals(self, instrument: VenueInstrument, moment: VenueMoment) -> dict[str, int]:
        if instrument.sec_type == "OPT":
            return {instrument.right: self._count(instrument, moment)}
        totals = {"C": 0, "P": 0}
        for each in moment.market.find(symbol=instrument.symbol, sec_type="OPT"):
            totals[each.right] += self._count(each, moment)
        return totals


class _Number:
    """One number, looked up every `every_s` wall seconds and said when it changes."""

    def __init__(
        self, tick: int, every_s: float, value_of: Callable[[VenueInstrument, VenueMoment], float | None]
    ) -> None:
        self._tick = tick
        self._every_s = every_s
        self._value_of = value_of
        self._due = float("-inf")
        self._sent: float | None = None

    def changes(self, req_id: int, instrument: VenueInstrument, moment: VenueMoment) -> list[WireMessage]:
        if moment.monotonic < self._due:
            return []
        self._due = moment.monotonic + self._every_s
        value = self._value_of(instrument, moment)
        if value is None or value == self._sent:
            return []
        self._sent = value
        return [messages.tick_generic(req_id, self._tick, value)]


class _Mark:
    """The mark price (221, 232)."""

    def __init__(self) -> None:
        self._sent: Decimal | None = None

    def changes(self, req_id: int, instrument: VenueInstrument, moment: VenueMoment) -> list[WireMessage]:
        mark = moment.mark(instrument)
        if mark == self._sent:
            return []
        self._sent = mark
        return [messages.tick_price(req_id, messages.MARK, mark, 0)]


class _RealTimeVolume:
    """The last trade with the day's volume and volume-weighted price (233): price;size;ms;total;vwap;single."""

    def __init__(self) -> None:
        self._notional = Decimal(0)
        self._volume: int | None = None

    def changes(self, req_id: int, instrument: VenueInstrument, moment: VenueMoment) -> list[WireMessage]:
        top = moment.top(instrument)
        if top.last is None or top.volume == self._volume:
            return []
        self._add(instrument, moment, top.last, top.volume)
        average = self._notional / top.volume if top.volume else top.last
        milliseconds = int(moment.at.timestamp() * 1000)
        text = f"{top.last};{top.last_size};{milliseconds};{top.volume};{average:.8f};true"
        return [messages.tick_string(req_id, 48, text)]

    def _add(self, instrument: VenueInstrument, moment: VenueMoment, last: Decimal, volume: int) -> None:
        if self._volume is None:
            bars = _day(instrument, moment, 300)
            traded = sum(bar.volume for bar in bars)
            notional = sum((bar.wap * bar.volume for bar in bars), Decimal(0))
            self._notional = notional / traded * volume if traded else last * volume
        else:
            self._notional += last * max(0, volume - self._volume)
        self._volume = volume


def _day(instrument: VenueInstrument, moment: VenueMoment, seconds: int) -> list[Bar]:
    start: datetime = moment.market.session_open()
    return moment.market.bars(instrument, start, moment.at, seconds) if moment.at > start else []


def realized_volatility(instrument: VenueInstrument, moment: VenueMoment) -> float | None:
    """Return the annualized volatility of the day's five-minute returns, None before there are six of them."""
    closes = [float(bar.close) for bar in _day(instrument, moment, 300) if bar.close > 0]
    returns = [math.log(after / before) for before, after in pairwise(closes)]
    return stdev(returns) * math.sqrt(_FIVE_MINUTES_A_YEAR) if len(returns) >= 6 else None


def implied_volatility(instrument: VenueInstrument, moment: VenueMoment) -> float | None:
    """Return an option's own volatility, or that of an underlying's nearest expiry at the money."""
    if instrument.sec_type == "OPT":
        greeks = moment.greeks(instrument)
        return greeks.iv if greeks else None
    spot = moment.mark(instrument)
    chain = [
        each
        for each in moment.market.find(symbol=instrument.symbol, sec_type="OPT", right="C")
        if each.expiry is not None and each.strike is not None and each.expiry >= moment.at.date()
    ]
    if not chain:
        return None
    nearest = min(chain, key=lambda each: (each.expiry, abs((each.strike or Decimal(0)) - spot)))
    greeks = moment.greeks(nearest)
    return greeks.iv if greeks else None


def _open_interest(instrument: VenueInstrument, moment: VenueMoment) -> int:
    return moment.market.open_interest(instrument)


def _volume(instrument: VenueInstrument, moment: VenueMoment) -> int:
    return moment.top(instrument).volume


# What each number of a generic tick list makes the line say.
GENERIC_TICKS: Final[dict[int, Callable[[], GenericTick]]] = {
    100: lambda: _Chain(29, 30, _volume),
    101: lambda: _Chain(27, 28, _open_interest),
    104: lambda: _Number(23, CHAIN_S, realized_volatility),
    106: lambda: _Number(24, 5.0, implied_volatility),
    221: _Mark,
    232: _Mark,
    233: _RealTimeVolume,
}
# Numbers that TWS accepts; those above without a source in the model are accepted and stay silent, as on a quiet day.
KNOWN: Final = frozenset(
    {100, 101, 104, 105, 106, 162, 165, 221, 225, 232, 233, 236, 256, 258, 292, 293, 294, 295, 318, 375, 411, 456}
    | {460, 499, 506, 577, 588, 595, 614, 623, 645, 646, 10, 47, 125, 291, 322, 377, 381, 384, 387, 388, 391, 407, 428}
)


def parse(text: str) -> tuple[list[int], str]:
    """Return the numbers of a generic tick list, and the first word in it that is not one ("" when all are)."""
    numbers = []
    for word in filter(None, (part.strip() for part in text.replace("mdoff", "").split(","))):
        base = word.split(":", 1)[0]
        if not base.isdigit() or int(base) not in KNOWN:
            return [], word
        numbers.append(int(base))
    return numbers, ""
