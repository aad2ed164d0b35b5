"""The tape of shares, split: what was reported off the exchanges as single trades, the rest by price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from bot.sim.market.books import dollars
from bot.sim.market.flow import Ints
from bot.sim.market.noise import mix
from bot.sim.uw.rows import Row, money, plain_number
from bot.sim.uw.sets.day import Asked, Rows, ServedSet, VendorDay

_DARK_SECONDS: Final = 0.4  # of all in which shares trade
_DARK_SHARE: Final = 0.92  # of what trades in them


def dark_volume(day: VendorDay, symbol: str) -> Ints:
    """Return shares that were reported off the exchanges, second by second: a trade each."""
    tape, line = day.book(symbol).tape, day.market.line
    traded = np.diff(tape.volume, prepend=tape.volume[0])
    draw = day.rng(symbol, "dark pool").random(line.count)
    dark = np.where(draw < _DARK_SECONDS, np.floor(traded * _DARK_SHARE), 0)
    dark[: line.open_index] = 0
    dark[line.close_index :] = 0
    return dark.astype(np.int64)


def lit_volume(day: VendorDay, symbol: str) -> Ints:
    """Return shares that traded on exchanges, second by second: what was not reported off them."""
    tape, line = day.book(symbol).tape, day.market.line
    lit = np.diff(tape.volume, prepend=tape.volume[0]) - dark_volume(day, symbol)
    lit[: line.open_index] = 0
    lit[line.close_index :] = 0
    return lit.astype(np.int64)


def dark_pool(day: VendorDay, asked: Asked) -> Rows:
    """Serve darkpool/{ticker}: newest first, between the bounds; an index has none."""
    return _prints(day, asked, dark_volume)


def lit_flow(day: VendorDay, asked: Asked) -> Rows:
    """Serve lit-flow/{ticker} in the same way: with the dark pool's it is the day's volume."""
    return _prints(day, asked, lit_volume)


def _prints(day: VendorDay, asked: Asked, volume: Callable[[VendorDay, str], Ints]) -> Rows:
    query, line = asked.query, day.market.line
    since = query.instant("newer_than") or day.market.session_open()
    until = min(query.instant("older_than") or asked.now, asked.now)
    least, page = float(query.number("min_premium") or 0), query.page()
    dark, tape = volume(day, asked.ticker), day.book(asked.ticker).tape
    first, end = line.index(since), line.index(until) + 1
    seconds = np.flatnonzero((dark[first:end] > 0) & (dark[first:end] * tape.last[first:end] / 100 >= least)) + first
    newest_first = [second for second in seconds[::-1].tolist() if since <= line.instant(second) <= until]
    return [_share_trade(asked.ticker, day, second, int(dark[second])) for second in newest_first[page]]


def _share_trade(symbol: str, day: VendorDay, second: int, size: int) -> Row:
    tape, at = day.book(symbol).tape, _in_seconds(day.market.line.instant(second))
    cents = int(tape.last[second])
    return {
        "ticker": symbol,
        "executed_at": at,
        "trf_executed_at": at,
        "price": str(dollars(cents)),
        "size": size,
        "premium": money(cents * size / 100),
        "volume": int(tape.volume[second]),
        "nbbo_bid": str(dollars(int(tape.bid[second]))),
        "nbbo_ask": str(dollars(int(tape.ask[second]))),
        "nbbo_bid_quantity": 200,
        "nbbo_ask_quantity": 300,
        "market_center": "L",
        "tracking_id": 0 if second % 97 == 0 else mix(second) >> 20,
        "trade_settlement": "regular",
        "trade_code": None,
        "sale_cond_codes": None,
        "ext_hour_sold_codes": None,
        "canceled": False,
    }


def _in_seconds(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def recent(day: VendorDay, asked: Asked) -> Rows:
    """Serve darkpool/recent: the last of all underlyings."""
    return _recent(day, asked, dark_volume)


def recent_lit(day: VendorDay, asked: Asked) -> Rows:
    """Serve lit-flow/recent in the same way."""
    return _recent(day, asked, lit_volume)


def _recent(day: VendorDay, asked: Asked, volume: Callable[[VendorDay, str], Ints]) -> Rows:
    rows: list[tuple[str, Row]] = []
    first, last = day.index(asked.now - timedelta(seconds=120)), day.index(asked.now)
    for symbol in day.symbols():
        dark = volume(day, symbol)
        for second in (np.flatnonzero(dark[first : last + 1]) + first).tolist():
            row = _share_trade(symbol, day, second, int(dark[second]))
            rows.append((str(row["executed_at"]), row))
    ordered = sorted(rows, key=lambda each: each[0], reverse=True)
    return [row for _, row in ordered[asked.query.page(default=100, most=200)]]


def _by_price(day: VendorDay, asked: Asked) -> tuple[Ints, list[int], list[int]]:
    """Return prices in cents with shares on exchanges and off them; together they are the day's volume so far."""
    tape, line = day.book(asked.ticker).tape, day.market.line
    part = slice(line.open_index, max(min(day.index(asked.minute), line.close_index), line.open_index))
    traded = np.diff(tape.volume, prepend=tape.volume[0])[part]
    dark = dark_volume(day, asked.ticker)[part]
    cents, place = np.unique(tape.last[part], return_inverse=True)
    off, all_of_it = (
        np.bincount(place, weights=values, minlength=len(cents)).astype(np.int64) for values in (dark, traded)
    )
    return cents, (all_of_it - off).tolist(), off.tolist()


def off_lit_levels(day: VendorDay, asked: Asked) -> Rows:
    cents, lit, off = _by_price(day, asked)
    if day.market.underlying(asked.ticker).sec_type == "IND":
        return []
    return [{"price": price / 100, "lit_vol": lit[n], "off_vol": off[n]} for n, price in enumerate(cents.tolist())]


def dark_levels(day: VendorDay, asked: Asked) -> dict[str, Any]:
    cents, lit, off = _by_price(day, asked)
    rows = [
        {"price": plain_number(price / 100), "dark_pool_volume": off[n], "regular_volume": lit[n]}
        for n, price in enumerate(cents.tolist())
    ]
    return {"data": rows, "date": asked.day.isoformat()}


TAPE: Final[Mapping[str, ServedSet]] = MappingProxyType(
    {
        "/api/darkpool/{ticker}": ServedSet(dark_pool, each_time=True),
        "/api/darkpool/recent": ServedSet(recent, each_time=True),
        "/api/lit-flow/{ticker}": ServedSet(lit_flow, each_time=True),
        "/api/lit-flow/recent": ServedSet(recent_lit, each_time=True),
        "/api/darkpool/{ticker}/price-levels": ServedSet(dark_levels, shape="whole"),
        "/api/stock/{ticker}/stock-volume-price-levels": ServedSet(off_lit_levels),
    }
)
