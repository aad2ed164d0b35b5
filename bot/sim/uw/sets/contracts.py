"""Contracts and their open interest: by strike, by expiry, how it changed overnight, where an expiry hurts most."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

import numpy as np

from bot.sim.market.surface import Floats
from bot.sim.uw.rows import TYPE_OF, Row, money, plain_number, stamp
from bot.sim.uw.sets.day import Asked, Rows, ServedSet, VendorDay, days_back


def oi_change(day: VendorDay, asked: Asked) -> Rows:
    """Serve the largest changes since the evening before; what traded between is as much as the change and more."""
    book, before = day.book(asked.ticker), day.open_interest_before(asked.ticker)
    change = book.interest - before
    order = np.argsort(-np.abs(change), kind="stable")
    if asked.query.choice("order", ("desc", "asc")) == "asc":
        order = order[::-1]
    (last_day,) = days_back(asked.day, 1, day.market.scenario.holidays)
    chosen = order.tolist()[asked.query.page(default=50)]
    return [_changed(day, asked, row, rank, before, last_day) for rank, row in enumerate(chosen, 1)]


def _changed(day: VendorDay, asked: Asked, row: int, rank: int, before: Floats, last_day: date) -> Row:
    book = day.book(asked.ticker)
    was, now = int(before[row]), int(book.interest[row])
    volume = round(abs(now - was) * 1.6) + 10
    ask = round(volume * 0.55)
    return {
        "option_symbol": book.universe.instruments[row].local_symbol.replace(" ", ""),
        "underlying_symbol": asked.ticker,
        "curr_date": asked.day.isoformat(),
        "last_date": last_day.isoformat(),
        "curr_oi": now,
        "last_oi": was,
        "oi_diff_plain": now - was,
        "oi_change": f"{(now - was) / max(was, 1):.16f}",
        "percentage_of_total": f"{abs(now - was) / max(float(book.interest.sum()), 1.0):.20f}",
        "rnk": rank,
        "avg_price": "1.25",
        "last_ask": "1.26",
        "last_bid": "1.24",
        "last_fill": "1.25",
        "volume": volume,
        "trades": max(1, volume // 12),
        "prev_ask_volume": ask,
        "prev_bid_volume": volume - ask,
        "prev_mid_volume": 0,
        "prev_neutral_volume": 0,
        "prev_multi_leg_volume": volume // 5,
        "prev_stock_multi_leg_volume": 0,
        "prev_total_premium": money(volume * 125.0),
        "days_of_oi_increases": int(now > was),
        "days_of_vol_greater_than_oi": int(volume > was),
    }


def max_pain(day: VendorDay, asked: Asked) -> Row:
    """Serve the strike at which all options of an expiry are worth least to who holds them."""
    universe, interest = day.book(asked.ticker).universe, day.book(asked.ticker).interest
    stock = day.market.top(day.market.underlying(asked.ticker), asked.minute)
    rows = []
    for expiry in day.expiries(asked.ticker):
        of_it = np.array(universe.expiry) == expiry.isoformat()
        strike, right, held = universe.strike[of_it], universe.right[of_it], interest[of_it]
        places = np.unique(strike)
        pains = [float((np.maximum((place - strike) * right, 0) * held).sum()) for place in places.tolist()]
        least = int(np.argmin(pains))
        rows.append(
            {
                "expiry": expiry.isoformat(),
                "max_pain": plain_number(float(places[least])),
                "close": str(stock.last),
                "open": str(stock.open or stock.last),
                "next_upper_strike": plain_number(float(places[min(least + 1, len(places) - 1)])),
                "next_lower_strike": plain_number(float(places[max(least - 1, 0)])),
            }
        )
    return {"data": rows, "date": asked.day.isoformat()}


def oi_per_strike(day: VendorDay, asked: Asked) -> Rows:
    universe, interest = day.book(asked.ticker).universe, day.book(asked.ticker).interest
    strikes, place = np.unique(universe.strike, return_inverse=True)
    calls, puts = _by_right(place, len(strikes), interest, universe.right)
    return [
        {"date": asked.day.isoformat(), "strike": plain_number(strike), "call_oi": calls[n], "put_oi": puts[n]}
        for n, strike in enumerate(strikes.tolist())
    ]


def oi_per_expiry(day: VendorDay, asked: Asked) -> Rows:
    universe, interest = day.book(asked.ticker).universe, day.book(asked.ticker).interest
    expiries, place = np.unique(np.array(universe.expiry), return_inverse=True)
    calls, puts = _by_right(place, len(expiries), interest, universe.right)
    return [
        {"date": asked.day.isoformat(), "expiry": str(expiry), "call_oi": calls[n], "put_oi": puts[n]}
        for n, expiry in enumerate(expiries.tolist())
    ]


def _by_right(place: np.ndarray, count: int, held: Floats, right: Floats) -> tuple[list[int], list[int]]:
    calls, puts = (
        np.bincount(place, weights=held * keep, minlength=count).astype(int).tolist() for keep in (right > 0, right < 0)
    )
    return calls, puts


def expiry_breakdown(day: VendorDay, asked: Asked) -> Rows:
    chain = day.chain(asked.ticker, asked.minute)
    expiries, place = np.unique(np.array(chain.expiry), return_inverse=True)
    sums = {
        name: np.bincount(place, weights=values, minlength=len(expiries)).astype(int).tolist()
        for name, values in (
            ("chains", np.ones(len(place))), ("open_interest", chain.open_interest), ("volume", chain.volume),
        )
    }  # fmt: skip
    return [
        {"expiry": str(expiry), **{name: values[n] for name, values in sums.items()}}
        for n, expiry in enumerate(expiries.tolist())
    ]


def option_chains(day: VendorDay, asked: Asked) -> list[Row] | list[str]:
    """Serve every contract: its symbol alone, or with greeks where they are asked for."""
    chain = day.chain(asked.ticker, asked.minute)
    alive = np.flatnonzero(chain.alive > 0).tolist()
    symbols = [chain.instruments[row].local_symbol.replace(" ", "") for row in alive]
    if not asked.query.flag("greeks"):
        return symbols
    return [
        {
            "option_symbol": symbol,
            "strike": float(chain.strike[row]),
            "expires": chain.expiry[row],
            "option_type": TYPE_OF[chain.instruments[row].right],
            "nbbo_bid": None if np.isnan(chain.bid[row]) else f"{chain.bid[row]:.2f}",
            "nbbo_ask": None if np.isnan(chain.ask[row]) else f"{chain.ask[row]:.2f}",
            "implied_volatility": f"{chain.iv[row]:.12f}",
            "open_interest": int(chain.open_interest[row]),
            "volume": int(chain.volume[row]),
            **{name: f"{getattr(chain, name)[row]:.8f}" for name in ("delta", "gamma", "theta", "vega")},
            "rho": None,
            "last_tape_time": stamp(chain.at),
        }
        for symbol, row in zip(symbols, alive, strict=True)
    ]


def greeks(day: VendorDay, asked: Asked) -> Rows:
    """Serve a row a strike of one expiry; a request without an expiry has no rows, and is no error."""
    expiry = asked.query.day("expiry")
    if expiry is None:
        return []
    chain = day.chain(asked.ticker, asked.minute)
    rows: dict[float, Row] = {}
    for row in np.flatnonzero((np.array(chain.expiry) == expiry.isoformat()) & (chain.alive > 0)).tolist():
        strike, side = float(chain.strike[row]), "call" if chain.right[row] > 0 else "put"
        found = rows.setdefault(
            strike, {"date": asked.day.isoformat(), "expiry": expiry.isoformat(), "strike": plain_number(strike)}
        )
        found |= {f"{side}_{name}": f"{getattr(chain, name)[row]:.8f}" for name in _GREEKS}
        found |= {f"{side}_volatility": f"{chain.iv[row]:.8f}", f"{side}_rho": "0"}
    return [rows[strike] for strike in sorted(rows)]


_GREEKS: Final = ("delta", "gamma", "vega", "theta", "vanna", "charm")


CONTRACTS: Final[Mapping[str, ServedSet]] = MappingProxyType(
    {
        "/api/stock/{ticker}/oi-change": ServedSet(oi_change),
        "/api/stock/{ticker}/max-pain": ServedSet(max_pain, shape="whole"),
        "/api/stock/{ticker}/oi-per-strike": ServedSet(oi_per_strike),
        "/api/stock/{ticker}/oi-per-expiry": ServedSet(oi_per_expiry),
        "/api/stock/{ticker}/expiry-breakdown": ServedSet(expiry_breakdown),
        "/api/stock/{ticker}/option-chains": ServedSet(option_chains),
        "/api/stock/{ticker}/greeks": ServedSet(greeks),
    }
)
