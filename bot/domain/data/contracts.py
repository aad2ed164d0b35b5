"""Option contracts: each one's day so far, its open interest and how that changed, and where an expiry hurts most.

Amounts that a model made are floats; prices are `Decimal` dollars per share; sizes are contracts. A number that the
vendor left out is None where its absence means something, 0 where it means "none".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
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
    theta: float | None = None
    vega: float | None = None
    previous_open_interest: int = 0
    mid_volume: int = 0
    no_side_volume: int = 0
    sweep_volume: int = 0
    floor_volume: int = 0
    cross_volume: int = 0
    multi_leg_volume: int = 0
    stock_multi_leg_volume: int = 0

    @property
    def is_unusual(self) -> bool:
        """Whether more than twice what was open has traded."""
        return self.volume > 2 * self.open_interest


@dataclass(frozen=True, slots=True)
class OpenInterestChange:
    """How a contract's open interest changed from one evening to the next, and what had traded between: a volume that
    stayed open was opened, one that is gone was closed."""

    contract: OptionContract
    day: date
    before: date | None
    open_interest: int
    previous_open_interest: int
    change: int
    volume: int
    trades: int
    ask_volume: int
    bid_volume: int
    mid_volume: int
    multi_leg_volume: int
    stock_multi_leg_volume: int
    premium: float

    @property
    def opened_share(self) -> float:
        """Return which part of the volume stayed open, negative where contracts were closed; 0 without volume."""
        return self.change / self.volume if self.volume else 0.0


@dataclass(frozen=True, slots=True)
class MaxPain:
    """The strike at which an expiry's options would be worth least together; `close` is the underlying's."""

    expiry: date
    strike: Decimal
    close: Decimal | None
