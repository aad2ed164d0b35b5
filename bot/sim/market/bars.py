"""Trades and bars: what the tape prints, and its sums over time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from bot.sim.market.books import StockTape, dollars
from bot.sim.market.flow import OptionTape
from bot.sim.market.noise import generator
from bot.sim.market.paths import Timeline
from bot.sim.vocabulary import Bar, Print

DAY_S: Final = 86_400
_HISTORY_DAYS: Final = 260
_CENT: Final = Decimal("0.01")


def stock_prints(tape: StockTape, line: Timeline, since: datetime, until: datetime) -> list[Print]:
    """Return a stock's trades with since < at <= until; an index prints its level once a second, size 0."""
    first = max(line.index(since), line.open_index)
    found: list[Print] = []
    for second in range(first, min(line.index(until) + 1, line.close_index)):
        count = int(tape.trades[second])
        shares = int(tape.volume[second] - tape.volume[second - 1])
        for number in range(count):
            at = line.instant(second) + timedelta(microseconds=(number + 1) * 1_000_000 // (count + 1))
            size = shares // count + (shares % count if number == 0 else 0)
            if since < at <= until:
                found.append(Print(at, dollars(int(tape.last[second])), size))
    return found


def option_prints(tape: OptionTape, row: int, line: Timeline, since: datetime, until: datetime) -> list[Print]:
    """Return an option's trades with since < at <= until."""
    found: list[Print] = []
    before, rank = -1, 0
    mine = tape.of_row(row, line.index(until))
    for trade in mine[np.searchsorted(tape.second[mine], line.index(since)) :].tolist():
        second = int(tape.second[trade])
        rank = rank + 1 if second == before else 0
        before = second
        at = line.instant(second) + timedelta(milliseconds=50 + 40 * min(rank, 20))
        if since < at <= until:
            found.append(Print(at, dollars(int(tape.cents[trade])), int(tape.size[trade])))
    return found


def windows(line: Timeline, start: datetime, end: datetime, seconds: int) -> Iterator[tuple[int, int]]:
    """Yield the [from, to) seconds of every bar of the session that begins in [start, end), on the clock's grid."""
    low = max(line.open_index, math.floor((start - line.origin).total_seconds()))
    high = min(line.close_index, math.ceil((end - line.origin).total_seconds()))
    cursor = low - low % seconds
    while cursor < high:
        first, last = max(cursor, line.open_index), min(cursor + seconds, line.close_index, high)
        if first < last:
            yield first, last
        cursor += seconds


def stock_bar(tape: StockTape, line: Timeline, first: int, last: int) -> Bar:
    prices = tape.last[first:last]
    shares = np.diff(tape.volume[first - 1 : last])
    total = int(shares.sum())
    mean = float((prices * shares).sum() / total) if total else float(prices.mean())
    return Bar(
        line.instant(first), dollars(int(prices[0])), dollars(int(prices.max())), dollars(int(prices.min())),
        dollars(int(prices[-1])), total, dollars(round(mean)), int(tape.trades[first:last].sum()),
    )  # fmt: skip


def option_bar(tape: OptionTape, row: int, line: Timeline, first: int, last: int) -> Bar | None:
    """Return an option's bar, None for a window without trades."""
    trades = tape.of_row(row, last - 1)
    trades = trades[tape.second[trades] >= first]
    if not len(trades):
        return None
    prices, sizes = tape.cents[trades], tape.size[trades]
    total = int(sizes.sum())
    return Bar(
        line.instant(first), dollars(int(prices[0])), dollars(int(prices.max())), dollars(int(prices.min())),
        dollars(int(prices[-1])), total, dollars(round(int((prices * sizes).sum()) / total)), len(trades),
    )  # fmt: skip


def daily_history(
    symbol: str, previous_close: float, iv: float, line: Timeline, seed: int, shares: int, closed: frozenset[date]
) -> list[Bar]:
    """Return the daily bars of the year before the session, oldest first, ending at its previous close."""
    rng = generator(seed, symbol, "history")
    close, day = previous_close, line.day - timedelta(days=1)
    found: list[Bar] = []
    while len(found) < _HISTORY_DAYS:
        if day.weekday() < 5 and day not in closed:
            move, wick = rng.standard_normal(), np.abs(rng.standard_normal(2)) * 0.3
            open_ = close * math.exp(-move * iv / 16.0)
            high, low = max(open_, close) * (1 + wick[0] * iv / 16), min(open_, close) * (1 - wick[1] * iv / 16)
            volume = round(shares * 23_400 * float(rng.lognormal(0, 0.2)))
            found.append(_daily(day, open_, high, low, close, volume))
            close = open_ * math.exp(-rng.standard_normal() * iv / 40.0)
        day -= timedelta(days=1)
    return found[::-1]


def _daily(day: date, open_: float, high: float, low: float, close: float, volume: int) -> Bar:
    o, h, lo, c = (Decimal(str(round(price, 2))).quantize(_CENT) for price in (open_, high, low, close))
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Bar(at, o, h, lo, c, volume, (o + h + lo + c) / 4, volume // 150)
