"""Option contracts: each one's day so far."""

from __future__ import annotations

from typing import Final

from bot.domain.data.contracts import OptionContractRow
from bot.feeds.rows import Parser, Parsers
from bot.feeds.tolerant import Row, count, decimal, instant, real
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
    )


# The last trade in a quiet contract is old without the answer being so: rows have no time that speaks for all.
CONTRACTS: Final[Parsers] = {
    "option_contracts": Parser(option_contract_row, lambda r: r.contract, lambda r: r.contract.key, None),
}
