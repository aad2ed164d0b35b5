"""What things listed beside the day's underlyings cost, each a small function of the day's own market."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from bot.sim.market.listed import WAVES, ListedThing
from bot.sim.market.model import MarketModel
from bot.sim.market.noise import mix, uniform
from bot.sim.vocabulary import Bar, BookLevel, Print, TopOfBook, VenueDepth

_VOLUME_LEAVES: Final = 8  # days before its expiry the next month trades more than the front one
_LEVELS: Final = 5
_DAY_S: Final = 86_400


class ListedPrices:
    """Quotes, depth, trades and bars of what is listed beside a model's underlyings."""

    def __init__(self, model: MarketModel) -> None:
        self._model = model
        self._lead = next((each for each in ("SPY", "SPX") if each in model.symbols()), model.symbols()[0])

    def top(self, thing: ListedThing, at: datetime) -> TopOfBook:
        second = math.floor((at - self._model.line.origin).total_seconds())
        mid, volume = self._mid(thing, at), self._volume(thing, at)
        opened, close = self._mid(thing, self._model.session_open()), self._close(thing)
        last = _on(thing.tick, mid)
        half = thing.tick * (1 + mix(thing.instrument.con_id, second) % 2)
        sizes = tuple(1 + mix(thing.instrument.con_id, second, side) % 60 for side in (1, 2))
        quoted = thing.spec.quoted
        return TopOfBook(
            bid=last - half if quoted else None,
            ask=last + half if quoted else None,
            bid_size=sizes[0] if quoted else 0,
            ask_size=sizes[1] if quoted else 0,
            last=last,
            last_size=1 if quoted else 0,
            volume=volume,
            open=_on(thing.tick, opened),
            high=max(last, _on(thing.tick, opened)),
            low=min(last, _on(thing.tick, opened)),
            close=_on(thing.tick, close),
        )

    def _mid(self, thing: ListedThing, at: datetime) -> float:
        if thing.spec.is_breadth:
            return self._breadth(thing.spec.is_breadth, at)
        own = math.exp(
            thing.spec.own * _wave(thing.phases, (at - self._model.line.origin).total_seconds()) + thing.carry
        )
        for symbol, factor in thing.spec.like:
            if symbol in self._model.symbols():
                return self._model.price(symbol, at) * factor * math.exp(thing.carry)
        return thing.spec.level * math.exp(thing.spec.beta * self._moved(at)) * own

    def _moved(self, at: datetime) -> float:
        """Return the market's logarithmic return since its open."""
        return math.log(self._model.price(self._lead, at) / self._model.price(self._lead, self._model.session_open()))

    def _breadth(self, which: str, at: datetime) -> float:
        """Return ticks (of some seconds) or advances less declines (of the day)."""
        if which == "advances":
            return 2800 * math.tanh(self._moved(at) / 0.008)
        return 1100 * math.tanh((self._moved(at) - self._moved(at - timedelta(seconds=10))) / 0.0004)

    def _close(self, thing: ListedThing) -> float:
        """Return the session's before: what the market has gapped since, this went along with."""
        if thing.spec.is_breadth:
            return 0.0
        gap = (uniform(self._model.seed, thing.instrument.con_id, 7) - 0.5) * 0.01 * (1 + abs(thing.spec.beta))
        return self._mid(thing, self._model.session_open()) * math.exp(-gap)

    def _volume(self, thing: ListedThing, at: datetime) -> int:
        line = self._model.line
        done = (line.index(at) - line.open_index) / (line.close_index - line.open_index)
        return round(thing.daily * min(max(done, 0.0), 1.0))

    def depth(self, thing: ListedThing, at: datetime, levels: int) -> VenueDepth:
        top = self.top(thing, at)
        if top.bid is None or top.ask is None:
            return VenueDepth((), ())
        second = self._model.line.index(at)
        return VenueDepth(
            _ladder(thing, top.bid, -thing.tick, min(levels, _LEVELS), second),
            _ladder(thing, top.ask, thing.tick, min(levels, _LEVELS), second),
        )

    def prints(self, thing: ListedThing, since: datetime, until: datetime) -> list[Print]:
        """Return one trade a second, at its last price."""
        line = self._model.line
        seconds = range(max(line.index(since), line.open_index) + 1, min(line.index(until), line.close_index - 1) + 1)
        return [self._print(thing, line.instant(second)) for second in seconds if since < line.instant(second) <= until]

    def _print(self, thing: ListedThing, at: datetime) -> Print:
        size = 1 + mix(thing.instrument.con_id, self._model.line.index(at), 3) % 20
        return Print(at, _on(thing.tick, self._mid(thing, at)), size if thing.spec.quoted else 0)

    def bars(self, thing: ListedThing, start: datetime, end: datetime, seconds: int) -> list[Bar]:
        return self._daily_bars(thing, start, end) if seconds >= _DAY_S else self._bars(thing, start, end, seconds)

    def _bars(self, thing: ListedThing, start: datetime, end: datetime, seconds: int) -> list[Bar]:
        step = timedelta(seconds=seconds)
        begins = max(start, self._model.session_open())
        at = begins - timedelta(seconds=begins.timestamp() % seconds)
        found: list[Bar] = []
        while at < min(end, self._model.session_close()):
            ends = (at, at + step / 3, at + 2 * step / 3, at + step)
            prices = [_on(thing.tick, self._mid(thing, each)) for each in ends]
            volume = self._volume(thing, at + step) - self._volume(thing, at)
            if at >= start:
                mean = _on(thing.tick, float(sum(prices)) / len(prices))
                found.append(
                    Bar(at, prices[0], max(prices), min(prices), prices[-1], volume, mean, max(volume // 5, 1))
                )
            at += step
        return found

    def _daily_bars(self, thing: ListedThing, start: datetime, end: datetime) -> list[Bar]:
        """Return the sessions before today: a close that walks back from today's, the month's own volume."""
        found: list[Bar] = []
        price, day = self._close(thing), self._model.line.day
        for back in range(1, 366):
            at = self._model.session_open() - timedelta(days=back)
            if at < start:
                break
            if not self._model.trades_on(day - timedelta(days=back)):
                continue
            close = _on(thing.tick, price)
            price *= math.exp((uniform(self._model.seed, thing.instrument.con_id, back) - 0.5) * 0.02)
            opened = _on(thing.tick, price)
            volume = _month_volume(thing.daily, thing.instrument.expiry, day - timedelta(days=back), thing.spec.months)
            if at < end:
                high, low = max(opened, close), min(opened, close)
                found.append(Bar(at, opened, high, low, close, volume, close, max(volume // 5, 1)))
        return found[::-1]


def _month_volume(daily: int, expiry: date | None, day: date, months: int) -> int:
    """Return a day's volume: trade moves to the next month some days before a future expires."""
    if expiry is None:
        return daily
    left = (expiry - day).days
    is_front = _VOLUME_LEAVES < left <= _VOLUME_LEAVES + months * 31
    return daily * 10 if is_front else max(daily // 10, 1)


def _wave(phases: Sequence[float], second: float) -> float:
    return sum(
        share * math.sin(2 * math.pi * second / period + phase)
        for (period, share), phase in zip(WAVES, phases, strict=True)
    )


def _on(tick: Decimal, price: float) -> Decimal:
    """Return the grid price nearest to a number."""
    return (Decimal(repr(price)) / tick).quantize(Decimal(1), ROUND_HALF_UP) * tick


def _ladder(thing: ListedThing, best: Decimal, step: Decimal, levels: int, second: int) -> tuple[BookLevel, ...]:
    def size(level: int) -> int:
        return 1 + mix(thing.instrument.con_id, second, level, int(step > 0)) % 90

    return tuple(BookLevel(best + step * level, size(level), thing.spec.exchange) for level in range(levels))
