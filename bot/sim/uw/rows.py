"""The vendor's rows: its field names, numbers as strings where it writes them so, its way to write a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final

from bot.sim.uw.source import (
    STRIKE_COLUMNS,
    Candle,
    ContractState,
    ExposureMinute,
    FlowMinute,
    StockDay,
    StrikeRow,
    StrikeTable,
    VendorAlert,
)
from bot.sim.vocabulary import Bar

Row = dict[str, Any]

_SPOT_GREEKS: Final = ("charm", "gamma", "vanna")
_SPOT_WEIGHTS: Final = ("dir", "oi", "vol")
_DAILY_GREEKS: Final = (("charm", "charm"), ("delta", "delta"), ("gamma", "gex"), ("vanna", "vanna"))
_STRIKE_MONEY: Final = ", ".join(f'"{name}": "%.4f"' for name in STRIKE_COLUMNS)
_ALL_COLUMNS: Final = itemgetter(*STRIKE_COLUMNS)
TYPE_OF: Final[Mapping[str, str]] = {"C": "call", "P": "put"}


def stamp(at: datetime) -> str:
    """Return the live form of a time: 2025-10-22T17:49:41.000000Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def spot_exposure(ticker: str, minute: ExposureMinute) -> Row:
    columns = {
        f"{greek}_per_one_percent_move_{weight}": money(minute.values.get(f"{greek}_{weight}", 0.0))
        for greek in _SPOT_GREEKS
        for weight in _SPOT_WEIGHTS
    }
    return {"ticker": ticker, "time": stamp(minute.at), "price": _price(minute.price), **columns}


def strike_exposures(ticker: str, table: StrikeTable, expiry: date | None = None) -> list[str]:
    """Return the rows of spot-exposures/strike as JSON; `expiry` only on expiry-strike.

    Written as text at once: these are 32 numbers a strike, the most of all that the vendor says.
    """
    head = json.dumps({"ticker": ticker, "time": stamp(table.at), "price": _price(table.price)})[:-1]
    of_expiry = "" if expiry is None else f'"expiry": "{expiry.isoformat()}", '
    return [
        f'{head}, "strike": "{plain(row.strike)}", {of_expiry}{_STRIKE_MONEY % _columns(row)}}}' for row in table.rows
    ]


def _columns(row: StrikeRow) -> tuple[float, ...]:
    try:
        values: tuple[float, ...] = _ALL_COLUMNS(row.columns)
    except KeyError:
        return tuple(row.columns.get(name, 0.0) for name in STRIKE_COLUMNS)
    return values


def greek_exposure(table: StrikeTable, row: StrikeRow, day: date) -> Row:
    """Return a row of greek-exposure/strike: gamma x open interest x 100, without the price that the spot form has.

    The spot form is dollars per 1 % move, that is this times price squared / 100.
    """
    per_share = {"gamma": table.price**2 / 100, "delta": table.price, "charm": table.price, "vanna": table.price}
    columns = {
        f"{side}_{written}": f"{row.columns.get(f'{side}_{greek}_oi', 0.0) / per_share[greek]:.4f}"
        for side in ("call", "put")
        for greek, written in _DAILY_GREEKS
    }
    return {"date": day.isoformat(), "strike": plain(row.strike), **columns}


def net_premium(day: date, flow: FlowMinute) -> Row:
    return {
        "date": day.isoformat(),
        "tape_time": stamp(flow.at),
        "net_call_premium": money(flow.net_call_premium),
        "net_put_premium": money(flow.net_put_premium),
        "net_call_volume": flow.call_ask_volume - flow.call_bid_volume,
        "net_put_volume": flow.put_ask_volume - flow.put_bid_volume,
        "net_delta": f"{flow.net_delta:.8f}",
        "call_volume": flow.call_volume,
        "call_volume_ask_side": flow.call_ask_volume,
        "call_volume_bid_side": flow.call_bid_volume,
        "put_volume": flow.put_volume,
        "put_volume_ask_side": flow.put_ask_volume,
        "put_volume_bid_side": flow.put_bid_volume,
    }


def option_contract(state: ContractState) -> Row:
    """Return a row of option-contracts; strike, expiry and right are only in the symbol, as the vendor has it."""
    average = state.average or Decimal(0)
    middle = state.volume - state.ask_volume - state.bid_volume
    return {
        "option_symbol": state.symbol,
        "nbbo_bid": _or_null(state.bid),
        "nbbo_ask": _or_null(state.ask),
        "last_price": _or_null(state.last),
        "high_price": _or_null(state.high),
        "low_price": _or_null(state.low),
        "avg_price": str(average),
        "last_tape_time": stamp(state.last_trade_at) if state.last_trade_at else None,
        "implied_volatility": f"{state.iv:.12f}",
        "delta": f"{state.delta:.6f}",
        "gamma": f"{state.gamma:.6f}",
        "theta": f"{state.theta:.6f}",
        "vega": f"{state.vega:.6f}",
        "rho": None,
        "volume": state.volume,
        "ask_volume": state.ask_volume,
        "bid_volume": state.bid_volume,
        "mid_volume": middle,
        "no_side_volume": 0,
        "cross_volume": 0,
        "floor_volume": 0,
        "sweep_volume": 0,
        "multi_leg_volume": 0,
        "stock_multi_leg_volume": 0,
        "open_interest": state.open_interest,
        "prev_oi": state.previous_open_interest,
        "total_premium": money(float(average) * state.volume * 100),
    }


def flow_alert(alert: VendorAlert, issue_type: str) -> Row:
    return {
        "id": alert.id,
        "alert_rule": alert.rule,
        "created_at": stamp(alert.at),
        "start_time": _milliseconds(alert.start),
        "end_time": _milliseconds(alert.end),
        "ticker": alert.ticker,
        "option_chain": alert.symbol,
        "type": TYPE_OF[alert.right],
        "strike": plain(alert.strike),
        "expiry": alert.expiry.isoformat(),
        "expiry_count": 1,
        "price": str(alert.price),
        "bid": _or_null(alert.bid),
        "ask": _or_null(alert.ask),
        "underlying_price": _price(alert.underlying_price),
        "total_size": alert.size,
        "trade_count": alert.trades,
        "total_premium": money(alert.premium),
        "total_ask_side_prem": money(alert.ask_side_premium),
        "total_bid_side_prem": money(alert.bid_side_premium),
        "volume": alert.volume,
        "open_interest": alert.open_interest,
        "volume_oi_ratio": f"{alert.volume / max(1, alert.open_interest):.14f}",
        "iv_start": f"{alert.iv_start:.12f}",
        "iv_end": f"{alert.iv_end:.12f}",
        "has_sweep": alert.sweep,
        "has_floor": alert.floor,
        "has_singleleg": True,
        "has_multileg": False,
        "all_opening_trades": alert.opening,
        "issue_type": issue_type,
        "sector": None,
        "er_time": None,
        "next_earnings_date": None,
        "marketcap": None,
    }


def gex_levels(table: StrikeTable, weight: str) -> Row:
    """Return walls, magnet and flip of net gamma; `weight` is oi or vol. Any of them may be null."""
    net = [(row.strike, row.columns.get(f"call_gamma_{weight}", 0.0) + row.columns.get(f"put_gamma_{weight}", 0.0))
           for row in table.rows]  # fmt: skip
    spot = Decimal(str(table.price))
    return {
        "call_wall": _strike_of(_most((s, g) for s, g in net if s > spot and g > 0)),
        "put_wall": _strike_of(_most((s, g) for s, g in net if s < spot and g > 0)),
        "gamma_magnet": _strike_of(_most((s, abs(g)) for s, g in net if g)),
        "gamma_flip": _flip(net, spot),
        "date": table.at.date().isoformat(),
        "time": stamp(table.at),
        "source": weight,
    }


def stock_state(stock: StockDay, market_time: str) -> Row:
    return {
        "open": str(stock.open),
        "high": str(stock.high),
        "low": str(stock.low),
        "close": str(stock.close),
        "prev_close": str(stock.previous_close),
        "volume": stock.volume,
        "total_volume": stock.volume,
        "market_time": market_time,
        "tape_time": stamp(stock.at),
    }


def candle(bar: Candle, seconds: int, day_volume: int) -> Row:
    return {
        "start_time": stamp(bar.at),
        "end_time": stamp(bar.at + timedelta(seconds=seconds)),
        "open": str(bar.open),
        "high": str(bar.high),
        "low": str(bar.low),
        "close": str(bar.close),
        "volume": bar.volume,
        "total_volume": day_volume,
        "market_time": "r",
    }


def long_candles(days: Sequence[Bar], size: str) -> list[Row]:
    """Return candles of the days before, or of their weeks, oldest first: they have a `date` and no times."""
    found: dict[date, Row] = {}
    for bar in days:
        day = bar.at.date()
        begins = day - timedelta(days=day.weekday()) if size == "1w" else day
        row = found.setdefault(begins, {
            "date": begins.isoformat(), "open": str(bar.open), "high": str(bar.high),
            "low": str(bar.low), "close": "", "volume": 0, "market_time": "r",
        })  # fmt: skip
        row["high"] = max(row["high"], str(bar.high), key=Decimal)
        row["low"] = min(row["low"], str(bar.low), key=Decimal)
        row["close"] = str(bar.close)
        row["volume"] += bar.volume
    for row in found.values():
        row["total_volume"] = row["volume"]
    return list(found.values()) if size != "4h" else []


def _most(pairs: Iterable[tuple[Decimal, float]]) -> tuple[Decimal, float] | None:
    return max(pairs, key=lambda pair: pair[1], default=None)


def _strike_of(pair: tuple[Decimal, float] | None) -> str | None:
    return None if pair is None else plain(pair[0])


def _flip(net: list[tuple[Decimal, float]], spot: Decimal) -> str | None:
    """Return the price nearest spot at which gamma summed from the lowest strike up passes through zero."""
    crossings: list[Decimal] = []
    total, before = 0.0, None
    for strike, gamma in net:
        previous, total = total, total + gamma
        if before is not None and previous * total < 0:
            share = Decimal(str(round(abs(previous) / (abs(previous) + abs(total)), 6)))
            crossings.append(before + (strike - before) * share)
        before = strike
    nearest = min(crossings, key=lambda level: abs(level - spot), default=None)
    return None if nearest is None else f"{nearest:.2f}"


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def money(value: float) -> str:
    return f"{value:.4f}"


def _price(value: float) -> str:
    return plain(Decimal(f"{value:.4f}"))


def plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def plain_number(value: float) -> str:
    """Return a strike or a price without needless zeros."""
    return plain(Decimal(str(round(value, 4))))


def _or_null(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
