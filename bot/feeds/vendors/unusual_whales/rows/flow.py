"""Flow: alerts, trades, net premium, greeks and tides by the minute, sums by strike and by expiry."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from itertools import accumulate
from operator import attrgetter
from typing import Any, Final

from bot.domain.data.flow import (
    FlowAlert,
    FlowTally,
    GreekFlowMinute,
    NetPremiumTick,
    OptionTrade,
    TideMinute,
    TradeSide,
)
from bot.feeds.rows import FoldedParser, Parser, Parsers
from bot.feeds.tolerant import (
    Malformed,
    Row,
    count,
    decimal,
    flag,
    instant,
    need_decimal,
    need_instant,
    need_real,
    real,
    text,
    texts,
)
from bot.feeds.vendors.unusual_whales.fields import contract, day_if_there, strike_of, time_of, was_cancelled

_BUCKET: Final = timedelta(minutes=5)
_MINUTE: Final = timedelta(minutes=1)
_SIDES: Final = {f"{side}_side": side for side in (TradeSide.ASK, TradeSide.BID, TradeSide.MID)}
_ADDED: Final = tuple(each.name for each in fields(FlowTally) if each.name not in {"strike", "expiry", "at"})


def net_premium_tick(row: Row) -> NetPremiumTick:
    """Read a row of net-prem-ticks."""
    return NetPremiumTick(
        at=need_instant(row, "tape_time"),
        net_call_premium=need_real(row, "net_call_premium"),
        net_put_premium=need_real(row, "net_put_premium"),
        net_call_volume=count(row, "net_call_volume"),
        net_put_volume=count(row, "net_put_volume"),
        net_delta=real(row, "net_delta") or 0.0,
        call_volume=count(row, "call_volume"),
        call_ask_volume=count(row, "call_volume_ask_side"),
        call_bid_volume=count(row, "call_volume_bid_side"),
        put_volume=count(row, "put_volume"),
        put_ask_volume=count(row, "put_volume_ask_side"),
        put_bid_volume=count(row, "put_volume_bid_side"),
    )


def flow_alert(row: Row) -> FlowAlert:
    """Read an alert as REST writes it (`alert_rule`, `created_at`) or the stream (`rule_name`, `executed_at`)."""
    at = time_of(row, "created_at", "executed_at", "end_time")
    of = contract(row, "option_chain")
    return FlowAlert(
        id=text(row, "id") or f"{of.key}@{at.isoformat()}#{count(row, 'total_size')}",
        at=at,
        symbol=text(row, "ticker") or of.symbol,
        contract=of,
        rule=text(row, "alert_rule") or text(row, "rule_name"),
        price=need_decimal(row, "price"),
        underlying_price=decimal(row, "underlying_price"),
        premium=need_real(row, "total_premium"),
        ask_side_premium=real(row, "total_ask_side_prem") or 0.0,
        bid_side_premium=real(row, "total_bid_side_prem") or 0.0,
        size=count(row, "total_size"),
        volume=count(row, "volume"),
        open_interest=count(row, "open_interest"),
        trade_count=count(row, "trade_count"),
        has_sweep=flag(row, "has_sweep"),
        has_floor=flag(row, "has_floor"),
        all_opening=flag(row, "all_opening_trades"),
        bid=decimal(row, "bid"),
        ask=decimal(row, "ask"),
        has_multileg=flag(row, "has_multileg"),
        iv_start=real(row, "iv_start"),
        iv_end=real(row, "iv_end"),
    )


def option_trade(row: Row) -> OptionTrade:
    """Read a trade as REST writes it (`option_chain_id`) or the stream (`option_symbol`)."""
    of = contract(row, "option_chain_id" if row.get("option_chain_id") else "option_symbol")
    at, price, size = time_of(row, "executed_at"), need_decimal(row, "price"), count(row, "size")
    tags = texts(row, "tags")
    return OptionTrade(
        id=text(row, "id") or f"{of.key}@{at.isoformat()}#{size}",
        at=at,
        symbol=text(row, "underlying_symbol") or of.symbol,
        contract=of,
        side=next((_SIDES[tag] for tag in tags if tag in _SIDES), TradeSide.NONE),
        price=price,
        size=size,
        premium=real(row, "premium") or 0.0,
        bid=decimal(row, "nbbo_bid"),
        ask=decimal(row, "nbbo_ask"),
        underlying_price=decimal(row, "underlying_price"),
        iv=real(row, "implied_volatility"),
        delta=real(row, "delta"),
        gamma=real(row, "gamma"),
        theta=real(row, "theta"),
        vega=real(row, "vega"),
        open_interest=count(row, "open_interest"),
        volume=count(row, "volume"),
        exchange=text(row, "exchange"),
        conditions=_conditions(row),
    )


def _conditions(row: Row) -> tuple[str, ...]:
    """Return how a trade came about: its report flags and the word of the exchange, under either of its names."""
    detail = text(row, "upstream_condition_detail") or text(row, "trade_code")
    return (*texts(row, "report_flags"), *((detail,) if detail else ()))


def greek_flow_minute(row: Row) -> GreekFlowMinute:
    """Read a row of greek-flow or of greek-flow/{expiry}."""
    return GreekFlowMinute(
        at=need_instant(row, "timestamp"),
        expiry=day_if_there(row, "expiry"),
        delta=need_real(row, "total_delta_flow"),
        vega=real(row, "total_vega_flow") or 0.0,
        directional_delta=need_real(row, "dir_delta_flow"),
        directional_vega=real(row, "dir_vega_flow") or 0.0,
        otm_delta=real(row, "otm_total_delta_flow") or 0.0,
        otm_vega=real(row, "otm_total_vega_flow") or 0.0,
        otm_directional_delta=real(row, "otm_dir_delta_flow") or 0.0,
        otm_directional_vega=real(row, "otm_dir_vega_flow") or 0.0,
        transactions=count(row, "transactions"),
        volume=count(row, "volume"),
    )


def _tally(row: Row, at: datetime | None, *, of_strike: bool) -> FlowTally:
    sides = {
        f"{right}_{mine}": read(row, f"{right}_{theirs}") or 0
        for right in ("call", "put")
        for mine, theirs, read in _TALLIED
    }
    strike = strike_of(row) if of_strike else None
    return FlowTally(strike=strike, expiry=day_if_there(row, "expiry"), at=at, **sides)


_TALLIED: Final[tuple[tuple[str, str, Any], ...]] = (
    ("premium", "premium", real),
    ("ask_premium", "premium_ask_side", real),
    ("bid_premium", "premium_bid_side", real),
    ("volume", "volume", count),
    ("ask_volume", "volume_ask_side", count),
    ("bid_volume", "volume_bid_side", count),
    ("trades", "trades", count),
)


def strike_flow(row: Row) -> FlowTally:
    """Read a row of flow-per-strike: a strike's day so far."""
    return _tally(row, instant(row, "timestamp"), of_strike=True)


def strike_flow_part(row: Row) -> FlowTally:
    """Read a row of flow-per-strike-intraday as a part of its strike's five minutes: live, rows are stamped to the
    millisecond and are no grid. Every amount may be absent."""
    at = need_instant(row, "timestamp")
    return _tally(row, at - (at - datetime.min.replace(tzinfo=at.tzinfo)) % _BUCKET, of_strike=True)


def expiry_flow(row: Row) -> FlowTally:
    """Read a row of flow-per-expiry."""
    tally = _tally(row, None, of_strike=False)
    if tally.expiry is None:
        raise Malformed("expiry is missing")
    return tally


def _added(one: FlowTally, other: FlowTally) -> FlowTally:
    sums = {name: getattr(one, name) + getattr(other, name) for name in _ADDED}
    return FlowTally(one.strike, one.expiry, one.at, **sums)


def tide_minute(row: Row) -> TideMinute:
    """Read a row of market-tide, sector-tide or etf-tide; a running total of the session."""
    return TideMinute(
        at=need_instant(row, "timestamp"),
        net_call_premium=need_real(row, "net_call_premium"),
        net_put_premium=need_real(row, "net_put_premium"),
        net_volume=round(real(row, "net_volume") or 0.0),
    )


def net_flow(row: Row) -> TideMinute:
    """Read a minute of net-prem-ticks, which stands alone until `_running` adds it up, or a message of the channel
    net_flow, which is the session's total already. `at`: up to when it counts."""
    begun = instant(row, "tape_time")
    calls, puts = ("call_volume", "put_volume") if begun else ("call_vol", "put_vol")
    word = "premium" if begun else "prem"
    return TideMinute(
        at=begun + _MINUTE if begun else need_instant(row, "time"),
        net_call_premium=need_real(row, f"net_call_{word}"),
        net_put_premium=need_real(row, f"net_put_{word}"),
        net_volume=count(row, f"net_{calls}") - count(row, f"net_{puts}"),
    )


def _running(rows: tuple[TideMinute, ...]) -> tuple[TideMinute, ...]:
    """Return minutes that stand alone as running totals."""
    return tuple(accumulate(rows, lambda so_far, row: TideMinute(
        row.at, so_far.net_call_premium + row.net_call_premium, so_far.net_put_premium + row.net_put_premium,
        so_far.net_volume + row.net_volume,
    )))  # fmt: skip


_AT: Final = attrgetter("at")
_TIDE: Final = Parser(tide_minute, _AT, _AT, _AT)
# The last alert or trade of a quiet market is old without the answer being so.
FLOW: Final[Parsers] = {
    "net_premium": Parser(net_premium_tick, _AT, _AT, _AT),
    "net_flow": Parser(net_flow, _AT, _AT, _AT, settle=_running),
    "flow_alerts": Parser(flow_alert, lambda r: r.id, lambda r: (r.at, r.id), None, stamp=_AT),
    "option_trades": Parser(option_trade, lambda r: r.id, lambda r: (r.at, r.id), None, stamp=_AT, skip=was_cancelled),
    "greek_flow": Parser(greek_flow_minute, _AT, _AT, _AT),
    "greek_flow_by_expiry": Parser(greek_flow_minute, lambda r: (r.expiry, r.at), _AT, _AT),
    "flow_per_strike": Parser(strike_flow, lambda r: r.strike, lambda r: r.strike, None),
    "flow_per_strike_intraday": FoldedParser(
        strike_flow_part, lambda r: (r.at, r.strike), _added, lambda r: (r.at, r.strike)
    ),
    "flow_per_expiry": Parser(expiry_flow, lambda r: r.expiry, lambda r: r.expiry, None),
    "market_tide": _TIDE,
    "sector_tide": _TIDE,
    "etf_tide": _TIDE,
}
