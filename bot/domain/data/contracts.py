"""Option contracts: each one's day so far.

Amounts that a model made are floats; prices are `Decimal` dollars per share; sizes are contracts. A number that the
vendor left out is None where its absence means something, 0 where it means "none".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.domain.instruments import OptionContract


@dataclass(frozen=True, slots=True)
class OptionContractRow:
    """One contract's day so far. `iv` is a fraction; quote and greeks are None when the vendor has none.

    `last_trade_at` is only a proxy for the age of the quote: the vendor does not time its quotes.
    """

    contract: OptionContract
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    volume: int
    open_interest: int
    ask_volume: int
    bid_volume: int
    total_premium: float
    iv: float | None
    delta: float | None
    gamma: float | None
    last_trade_at: datetime | None
