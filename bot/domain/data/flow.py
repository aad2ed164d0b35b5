"""Flow: what was bought and sold, as alerts and as net premium.

Amounts that a model made are floats; prices are `Decimal` dollars per share; sizes are contracts. A number that the
vendor left out is None where its absence means something, 0 where it means "none".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.domain.instruments import OptionContract


@dataclass(frozen=True, slots=True)
class NetPremiumTick:
    """One minute alone: ask-side minus bid-side premium in dollars, volume in contracts. The session is their sum."""

    at: datetime
    net_call_premium: float
    net_put_premium: float
    net_call_volume: int
    net_put_volume: int
    net_delta: float


@dataclass(frozen=True, slots=True)
class FlowAlert:
    """Trades in one contract that a rule of the vendor found remarkable. Premiums in dollars, shares as fractions."""

    id: str
    at: datetime
    symbol: str
    contract: OptionContract
    rule: str
    price: Decimal
    underlying_price: Decimal | None
    premium: float
    ask_side_premium: float
    bid_side_premium: float
    size: int
    volume: int
    open_interest: int
    trade_count: int
    has_sweep: bool
    has_floor: bool
    all_opening: bool

    @property
    def ask_share(self) -> float:
        return self.ask_side_premium / self.premium if self.premium > 0 else 0.0

    @property
    def bid_share(self) -> float:
        return self.bid_side_premium / self.premium if self.premium > 0 else 0.0
