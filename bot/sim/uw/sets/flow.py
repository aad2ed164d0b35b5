"""Flow, all of one tape: trades, greeks by the minute, sums by strike and by expiry, tides. What is summed over the
minutes that have ended agrees with net premium ticks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from bot.sim.market.books import dollars
from bot.sim.market.flow import Ints
from bot.sim.market.noise import mix
from bot.sim.market.surface import Floats
from bot.sim.uw.limits import NEW_YORK
from bot.sim.uw.query import BadParameter
from bot.sim.uw.rows import TYPE_OF, Row, money, plain_number, stamp
from bot.sim.uw.sets.day import HOLDINGS, SECTORS, Asked, Flags, Rows, ServedSet, TradeColumns, VendorDay

_TOP_STRIKES: Final = 8
_MEASURES: Final = ("NetPremium", "Volume", "Trades")
_SIDE_TAGS: Final = {1: "ask_side", -1: "bid_side", 0: "mid_side"}
_AN_INSTANT: Final = timedelta(microseconds=1)


# ---- single trades


def option_trades(day: VendorDay, asked: Asked) -> Rows:
    """Serve option-trades: newest first, between the bounds, each with its greeks."""
    query = asked.query
    since = query.instant("newer_than") or day.market.session_open()
    until = min(query.instant("older_than") or asked.now, asked.now)
    least, page = float(query.number("min_premium") or 0), query.page(default=50)
    wanted = set(query.commas("ticker_symbol"))
    found = [
        (stamped, symbol, trade)
        for symbol in day.symbols()
        if not wanted or symbol in wanted
        for stamped, trade in _trades_between(day, symbol, since, until, least)
    ]
    newest_first = sorted(found, key=lambda each: each[0], reverse=True)[page]
    return [_trade(day, symbol, trade, stamp(at)) for at, symbol, trade in newest_first]


def _trades_between(day: VendorDay, symbol: str, since: Any, until: Any, least: float) -> Iterator[tuple[Any, int]]:
    columns, line = day.trades(symbol), day.market.line
    part = columns.part(line.index(since), line.index(until) + 1)
    for trade in (np.flatnonzero(columns.premium[part] >= least) + part.start).tolist():
        at = line.instant(int(columns.second[trade])) + timedelta(microseconds=50_000 + mix(trade) % 900_000)
        if since <= at <= until:
            yield at, trade


def _trade(day: VendorDay, symbol: str, trade: int, at: str) -> Row:
    book, columns = day.book(symbol), day.trades(symbol)
    instrument = book.universe.instruments[int(columns.row[trade])]
    side, cents = int(columns.side[trade]), int(book.options.cents[trade])
    so_far = book.options.of_row(int(columns.row[trade]), int(columns.second[trade]))
    bullish = side * (1 if columns.call[trade] else -1)
    mood = ["bullish"] if bullish > 0 else ["bearish"] if bullish < 0 else []
    return {
        "id": str(uuid.UUID(int=mix(day.market.seed, instrument.con_id, trade) << 64 | mix(trade, 7), version=4)),
        "underlying_symbol": symbol,
        "option_chain_id": instrument.local_symbol.replace(" ", ""),
        "option_type": TYPE_OF[instrument.right],
        "expiry": book.universe.expiry[int(columns.row[trade])],
        "strike": plain_number(float(columns.strike[trade])),
        "executed_at": at,
        "price": str(dollars(cents)),
        "size": int(columns.size[trade]),
        "premium": f"{int(columns.premium[trade])}.00",
        "nbbo_bid": str(dollars(cents - (1 if side >= 0 else 0))),
        "nbbo_ask": str(dollars(cents + (1 if side <= 0 else 0))),
        "underlying_price": None if day.market.underlying(symbol).sec_type == "IND" else f"{columns.spot[trade]:.2f}",
        "implied_volatility": f"{columns.iv[trade]:.12f}",
        "delta": f"{columns.delta[trade]:.12f}",
        "gamma": f"{columns.gamma[trade]:.12f}",
        "theta": f"{columns.theta[trade]:.12f}",
        "vega": f"{columns.vega[trade]:.12f}",
        "open_interest": int(book.interest[int(columns.row[trade])]),
        "volume": int(book.options.size[so_far].sum()),
        "exchange": "XCBO",
        "tags": [_SIDE_TAGS[side], *mood],
        "report_flags": [],
        "upstream_condition_detail": "auto",
        "canceled": False,
        "is_agg": False,
    }


# ---- by the minute


def greek_flow(day: VendorDay, asked: Asked) -> Rows:
    """Serve greek-flow, and greek-flow/{expiry} where the path names one."""
    expiry = asked.words.get("expiry")
    columns, part = day.traded(asked.ticker, asked.minute)
    keep: Flags = np.ones(part.stop - part.start, dtype=bool)
    if expiry is not None:
        universe = day.book(asked.ticker).universe
        keep = np.isin(columns.listing[part], [n for n, e in enumerate(universe.listings) if str(e.expiry) == expiry])
    minutes, minute = day.whole_minutes(asked.minute), _minute_of(day, columns, part)
    size = (columns.size[part] * keep * 100).astype(np.float64)
    side, otm = columns.side[part], columns.otm[part]

    def per_minute(values: Floats | Ints) -> list[float]:
        return [float(each) for each in np.bincount(minute, weights=values, minlength=minutes).tolist()]

    sums: dict[str, list[float]] = {}
    for greek, each in (("delta", columns.delta[part]), ("vega", columns.vega[part])):
        sums[f"total_{greek}_flow"] = per_minute(each * size)
        sums[f"dir_{greek}_flow"] = per_minute(each * size * side)
        sums[f"otm_total_{greek}_flow"] = per_minute(each * size * otm)
        sums[f"otm_dir_{greek}_flow"] = per_minute(each * size * side * otm)
    volume, trades = per_minute(columns.size[part] * keep), per_minute(keep.astype(np.float64))
    of_expiry = {} if expiry is None else {"expiry": expiry}
    return [
        {
            "ticker": asked.ticker,
            **of_expiry,
            "timestamp": stamp(day.minute_at(number)),
            **{name: f"{values[number]:.8f}" for name, values in sums.items()},
            "volume": round(volume[number]),
            "transactions": round(trades[number]),
        }
        for number in range(minutes)
    ]


def _minute_of(day: VendorDay, columns: TradeColumns, part: slice) -> Ints:
    return (columns.second[part] - day.market.line.open_index) // 60


def net_by_minute(day: VendorDay, symbol: str, asked: Asked, *, otm: bool = False) -> dict[str, Floats]:
    """Return what each minute that has ended added to a tide: net call and put premium, net volume."""
    columns, part = day.traded(symbol, asked.minute)
    minutes, minute = day.whole_minutes(asked.minute), _minute_of(day, columns, part)
    keep = columns.otm[part] if otm else np.ones(part.stop - part.start, dtype=bool)
    side, call = columns.side[part] * keep, columns.call[part]
    premium, size = columns.premium[part] * side, columns.size[part] * side

    def per_minute(values: Floats | Ints) -> Floats:
        return np.bincount(minute, weights=values, minlength=minutes).astype(np.float64)

    return {
        "net_call_premium": per_minute(premium * call),
        "net_put_premium": per_minute(premium * ~call),
        "net_volume": per_minute(size * call) - per_minute(size * ~call),
    }


def _tide(day: VendorDay, symbols: Sequence[str], asked: Asked, *, otm: bool = False, every: int = 1) -> Rows:
    """Return running totals of several underlyings, stamped with New York's offset as the vendor does."""
    minutes = day.whole_minutes(asked.minute)
    total = {name: np.zeros(minutes) for name in ("net_call_premium", "net_put_premium", "net_volume")}
    for symbol in symbols:
        if symbol in day.symbols():
            for name, values in net_by_minute(day, symbol, asked, otm=otm).items():
                total[name] += values
    running = {name: np.cumsum(values).tolist() for name, values in total.items()}
    return [
        {
            "date": asked.day.isoformat(),
            "timestamp": day.minute_at(number).astimezone(NEW_YORK).isoformat(),
            "net_call_premium": money(running["net_call_premium"][number]),
            "net_put_premium": money(running["net_put_premium"][number]),
            "net_volume": round(running["net_volume"][number]),
        }
        for number in range(minutes)
        if number % every == every - 1
    ]


def market_tide(day: VendorDay, asked: Asked) -> Rows:
    """Serve market-tide. Without `interval_5m` the rows are five minutes apart, as some plans have seen."""
    every = 1 if asked.query.flag("interval_5m") is False else 5
    return _tide(day, day.symbols(), asked, otm=bool(asked.query.flag("otm_only")), every=every)


def sector_tide(day: VendorDay, asked: Asked) -> Rows:
    if asked.words["sector"] not in SECTORS:
        raise BadParameter(f"sector is invalid: expected one of {', '.join(SECTORS)}")
    return _tide(day, SECTORS[asked.words["sector"]], asked)


def etf_tide(day: VendorDay, asked: Asked) -> Rows:
    """Serve etf-tide: of what the fund holds, not of options on the fund."""
    return _tide(day, HOLDINGS.get(asked.ticker, ()), asked)


_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "etf_only": frozenset({"SPY", "QQQ", "IWM", "VXX"}),
    "index_only": frozenset({"SPX", "NDX", "RUT", "VIX"}),
}


def net_flow_by_expiry(day: VendorDay, asked: Asked) -> Row:
    """Serve net-flow/expiry, the answer that is nested twice: today's expiry or all, of one kind of underlying."""
    query = asked.query
    kind = query.choice("tide_type", ("all", "equity_only", "etf_only", "index_only")) or "all"
    moneyness = query.choice("moneyness", ("all", "itm", "otm", "atm")) or "all"
    expiration = query.choice("expiration", ("weekly", "zero_dte")) or "weekly"
    chosen = [each for each in day.symbols() if kind == "all" or each in _KINDS.get(kind, frozenset())]
    if kind == "equity_only":
        chosen = [each for each in day.symbols() if not any(each in others for others in _KINDS.values())]
    rows = _tide(day, chosen, asked, otm=moneyness == "otm")
    numbers = [{**row, **{name: float(row[name]) for name in row if name.startswith("net_")}} for row in rows]
    return {
        "data": [{"data": numbers, "moneyness": moneyness, "tide_type": kind}],
        "date": asked.day.isoformat(),
        "expiration": [expiration],
        "moneyness": [moneyness],
        "tide_type": [kind],
    }


def top_net_impact(day: VendorDay, asked: Asked) -> Rows:
    found = []
    for symbol in day.symbols():
        net = net_by_minute(day, symbol, asked)
        found.append((float(net["net_call_premium"].sum() - net["net_put_premium"].sum()), symbol))
    ordered = sorted(found, key=lambda each: -abs(each[0]))[asked.query.page(default=20, most=100)]
    return [{"ticker": symbol, "net_premium": round(premium, 2)} for premium, symbol in ordered]


# ---- by strike and by expiry


def tallies(columns: TradeColumns, part: slice, place: Ints, count: int) -> dict[str, list[float]]:
    """Return the vendor's fourteen columns of premium, volume and trades for each place."""
    side, call = columns.side[part], columns.call[part]
    found: dict[str, list[float]] = {}
    for right, keep in (("call", call), ("put", ~call)):
        for amount, values in (("premium", columns.premium[part]), ("volume", columns.size[part])):
            for name, of_side in (("", True), ("_ask_side", side > 0), ("_bid_side", side < 0)):
                sums = np.bincount(place, weights=values * keep * of_side, minlength=count)
                found[f"{right}_{amount}{name}"] = [float(each) for each in sums.tolist()]
        found[f"{right}_trades"] = [float(n) for n in np.bincount(place, weights=keep * 1.0, minlength=count).tolist()]
    return found


def _tallied(found: Mapping[str, list[float]], place: int) -> Row:
    return {
        name: f"{values[place]:.2f}" if "premium" in name else round(values[place]) for name, values in found.items()
    }


def flow_per_strike(day: VendorDay, asked: Asked) -> Rows:
    columns, part = day.traded(asked.ticker, asked.minute)
    strikes, place = np.unique(columns.strike[part], return_inverse=True)
    found = tallies(columns, part, place, len(strikes))
    at = stamp(asked.minute)
    return [
        {
            "ticker": asked.ticker, "date": asked.day.isoformat(), "timestamp": at, "strike": plain_number(strike),
            **_tallied(found, number),
        }
        for number, strike in enumerate(strikes.tolist())
    ]  # fmt: skip


def flow_per_strike_intraday(day: VendorDay, asked: Asked) -> Rows:
    """Serve the top strikes by a measure: a row where a strike traded in a minute, stamped to the millisecond of its
    first trade there."""
    measure = asked.query.choice("filter", _MEASURES) or _MEASURES[0]
    columns, part = day.traded(asked.ticker, asked.minute)
    if part.start == part.stop:
        return []
    strikes, place = np.unique(columns.strike[part], return_inverse=True)
    top = _top(columns, part, place, len(strikes), measure)
    minute = _minute_of(day, columns, part)
    cells, first, cell = np.unique(minute * len(strikes) + place, return_index=True, return_inverse=True)
    found = tallies(columns, part, cell, len(cells))
    rows = []
    for number in np.flatnonzero(np.isin(cells % len(strikes), top)).tolist():
        trade = part.start + int(first[number])
        at = day.market.line.instant(int(columns.second[trade])) + timedelta(milliseconds=1 + mix(trade) % 998)
        row = _tallied(found, number)
        rows.append(
            {
                "ticker": asked.ticker,
                "date": asked.day.isoformat(),
                "timestamp": stamp(at),
                "strike": plain_number(float(strikes[cells[number] % len(strikes)])),
                **row,
                "trades": row["call_trades"] + row["put_trades"],
            }
        )
    return rows


def _top(columns: TradeColumns, part: slice, place: Ints, count: int, measure: str) -> Ints:
    """Return the strikes that the answer has, by their places."""
    premium = columns.premium[part] * columns.side[part] * np.where(columns.call[part], 1, -1)
    weight = {"NetPremium": premium, "Volume": columns.size[part], "Trades": np.ones(len(place))}[measure]
    sums = np.abs(np.bincount(place, weights=weight, minlength=count))
    return np.argsort(-sums, kind="stable")[:_TOP_STRIKES].astype(np.int64)


def flow_per_expiry(day: VendorDay, asked: Asked) -> Rows:
    columns, part = day.traded(asked.ticker, asked.minute)
    expiries = day.expiries(asked.ticker)
    listings = day.book(asked.ticker).universe.listings
    place = np.array([expiries.index(each.expiry) for each in listings])[columns.listing[part]]
    found, otm = tallies(columns, part, place, len(expiries)), _otm(columns, part, place, len(expiries))
    return [
        {
            "ticker": asked.ticker, "date": asked.day.isoformat(), "expiry": expiry.isoformat(),
            **_tallied(found, number), **_tallied(otm, number),
        }
        for number, expiry in enumerate(expiries)
    ]  # fmt: skip


def _otm(columns: TradeColumns, part: slice, place: Ints, count: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for right, keep in (("call", columns.call[part]), ("put", ~columns.call[part])):
        out = keep & columns.otm[part]
        for name, values in (("premium", columns.premium[part]), ("volume", columns.size[part]), ("trades", 1)):
            sums = np.bincount(place, weights=values * out * 1.0, minlength=count)
            found[f"{right}_otm_{name}"] = [float(each) for each in sums.tolist()]
    return found


def options_volume(day: VendorDay, asked: Asked) -> Rows:
    """Serve the day's totals, and the days before where `limit` asks for more."""
    columns, part = day.traded(asked.ticker, asked.minute)
    found = tallies(columns, part, np.zeros(part.stop - part.start, dtype=np.int64), 1)
    row, interest = _tallied(found, 0), day.book(asked.ticker).interest
    right = day.book(asked.ticker).universe.right
    net = {s: found[f"{s}_premium_ask_side"][0] - found[f"{s}_premium_bid_side"][0] for s in ("call", "put")}
    usual = {side: day.book(asked.ticker).universe.spec.trades * 390 * 2.6 for side in ("call", "put")}
    del row["call_trades"], row["put_trades"]
    kept = {name: value for name, value in row.items() if "premium_" not in name}
    bought = max(net["call"], 0.0) + max(-net["put"], 0.0), max(net["put"], 0.0) + max(-net["call"], 0.0)
    return [
        {
            "date": asked.day.isoformat(),
            **kept,
            "net_call_premium": money(net["call"]),
            "net_put_premium": money(net["put"]),
            "bullish_premium": money(bought[0]),
            "bearish_premium": money(bought[1]),
            "call_open_interest": int(interest[right > 0].sum()),
            "put_open_interest": int(interest[right < 0].sum()),
            **{f"avg_{days}_day_{side}_volume": money(usual[side]) for days in (3, 7, 30) for side in usual},
        }
    ]


def nope(day: VendorDay, asked: Asked) -> Rows:
    """Serve net options pricing effect: delta that was traded over shares that were, a row a minute."""
    columns, part = day.traded(asked.ticker, asked.minute)
    minutes, minute = day.whole_minutes(asked.minute), _minute_of(day, columns, part)
    volume, opened = day.book(asked.ticker).tape.volume, day.market.line.open_index
    call, size = columns.call[part], columns.size[part]

    def running(values: Floats) -> list[float]:
        return [float(each) for each in np.cumsum(np.bincount(minute, weights=values, minlength=minutes)).tolist()]

    delta, filled = columns.delta[part] * size * 100, columns.delta[part] * size * columns.side[part] * 100
    calls, puts, call_fill, put_fill = (
        running(each) for each in (delta * call, delta * ~call, filled * call, filled * ~call)
    )
    call_volume, put_volume = (running((size * keep).astype(np.float64)) for keep in (call, ~call))
    rows = []
    for number in range(minutes):
        shares = max(int(volume[min(opened + 60 * number + 59, len(volume) - 1)]), 1)
        rows.append(
            {
                "timestamp": stamp(day.minute_at(number)),
                "call_delta": money(calls[number]),
                "put_delta": money(puts[number]),
                "call_fill_delta": money(call_fill[number]),
                "put_fill_delta": money(put_fill[number]),
                "call_vol": round(call_volume[number]),
                "put_vol": round(put_volume[number]),
                "stock_vol": shares,
                "nope": f"{100 * (calls[number] + puts[number]) / shares:.8f}",
                "nope_fill": f"{100 * (call_fill[number] + put_fill[number]) / shares:.8f}",
            }
        )
    return rows


FLOW: Final[Mapping[str, ServedSet]] = MappingProxyType(
    {
        "/api/option-trades": ServedSet(option_trades, each_time=True),
        "/api/stock/{ticker}/greek-flow": ServedSet(greek_flow),
        "/api/stock/{ticker}/greek-flow/{expiry}": ServedSet(greek_flow),
        "/api/stock/{ticker}/flow-per-strike": ServedSet(flow_per_strike, shape="bare"),
        "/api/stock/{ticker}/flow-per-strike-intraday": ServedSet(flow_per_strike_intraday),
        "/api/stock/{ticker}/flow-per-expiry": ServedSet(flow_per_expiry),
        "/api/stock/{ticker}/options-volume": ServedSet(options_volume),
        "/api/stock/{ticker}/nope": ServedSet(nope),
        "/api/market/market-tide": ServedSet(market_tide),
        "/api/market/{sector}/sector-tide": ServedSet(sector_tide),
        "/api/market/{ticker}/etf-tide": ServedSet(etf_tide),
        "/api/net-flow/expiry": ServedSet(net_flow_by_expiry, shape="whole"),
        "/api/market/top-net-impact": ServedSet(top_net_impact),
    }
)
