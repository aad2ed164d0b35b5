"""Flow: alerts, and net premium by the minute."""

from __future__ import annotations

from typing import Final

from bot.domain.data.flow import FlowAlert, NetPremiumTick
from bot.feeds.rows import Parser, Parsers
from bot.feeds.tolerant import Row, count, decimal, flag, need_decimal, need_instant, need_real, real, text
from bot.feeds.vendors.unusual_whales.fields import contract, time_of


def net_premium_tick(row: Row) -> NetPremiumTick:
    """Read a row of net-prem-ticks."""
    return NetPremiumTick(
        at=need_instant(row, "tape_time"),
        net_call_premium=need_real(row, "net_call_premium"),
        net_put_premium=need_real(row, "net_put_premium"),
        net_call_volume=count(row, "net_call_volume"),
        net_put_volume=count(row, "net_put_volume"),
        net_delta=real(row, "net_delta") or 0.0,
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
    )


# The last alert of a quiet market is old without the answer being so.
FLOW: Final[Parsers] = {
    "net_premium": Parser(net_premium_tick, lambda r: r.at, lambda r: r.at, lambda r: r.at),
    "flow_alerts": Parser(flow_alert, lambda r: r.id, lambda r: (r.at, r.id), None, stamp=lambda r: r.at),
}
