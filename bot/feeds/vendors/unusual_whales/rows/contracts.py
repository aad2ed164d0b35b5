"""Option contracts: each one's day so far, its open interest and how that changed, max pain."""

from __future__ import annotations

from typing import Final

from bot.domain.data.contracts import MaxPain, OpenInterestChange, OptionContractRow
from bot.feeds.rows import Parser, Parsers
from bot.feeds.tolerant import Row, count, day, decimal, instant, need_day, need_decimal, real
from bot.feeds.vendors.unusual_whales.fields import contract


def option_contract_row(row: Row) -> OptionContractRow:
    """Read a row of option-contracts; strike, expiry and right exist only inside the symbol."""
    return OptionContractRow(
        contract=contract(row, "option_symbol"),
        bid=decimal(row, "nbbo_bid"),
        ask=decimal(row, "nbbo_ask"),
        last=decimal(row, "last_price"),
        volume=count(row, "volume"),
        open_interest=count(row, "open_interest"),
        ask_volume=count(row, "ask_volume"),
        bid_volume=count(row, "bid_volume"),
        total_premium=real(row, "total_premium") or 0.0,
        iv=real(row, "implied_volatility"),
        delta=real(row, "delta"),
        gamma=real(row, "gamma"),
        last_trade_at=instant(row, "last_tape_time"),
        theta=real(row, "theta"),
        vega=real(row, "vega"),
        previous_open_interest=count(row, "prev_oi"),
        mid_volume=count(row, "mid_volume"),
        no_side_volume=count(row, "no_side_volume"),
        sweep_volume=count(row, "sweep_volume"),
        floor_volume=count(row, "floor_volume"),
        cross_volume=count(row, "cross_volume"),
        multi_leg_volume=count(row, "multi_leg_volume"),
        stock_multi_leg_volume=count(row, "stock_multi_leg_volume"),
    )


def open_interest_change(row: Row) -> OpenInterestChange:
    """Read a row of oi-change. The sides are of the day before, whose trades made the change."""
    return OpenInterestChange(
        contract=contract(row, "option_symbol"),
        day=need_day(row, "curr_date"),
        before=day(row, "last_date"),
        open_interest=count(row, "curr_oi"),
        previous_open_interest=count(row, "last_oi"),
        change=count(row, "oi_diff_plain"),
        volume=count(row, "volume"),
        trades=count(row, "trades"),
        ask_volume=count(row, "prev_ask_volume"),
        bid_volume=count(row, "prev_bid_volume"),
        mid_volume=count(row, "prev_mid_volume"),
        multi_leg_volume=count(row, "prev_multi_leg_volume"),
        stock_multi_leg_volume=count(row, "prev_stock_multi_leg_volume"),
        premium=real(row, "prev_total_premium") or 0.0,
    )


def max_pain(row: Row) -> MaxPain:
    """Read a row of max-pain."""
    return MaxPain(need_day(row, "expiry"), need_decimal(row, "max_pain").normalize() + 0, decimal(row, "close"))


# The last trade in a quiet contract is old without the answer being so: rows have no time that speaks for all.
CONTRACTS: Final[Parsers] = {
    "option_contracts": Parser(option_contract_row, lambda r: r.contract, lambda r: r.contract.key, None),
    "oi_change": Parser(
        open_interest_change, lambda r: (r.contract, r.day), lambda r: (-abs(r.change), r.contract.key), None
    ),
    "max_pain": Parser(max_pain, lambda r: r.expiry, lambda r: r.expiry, None),
}
