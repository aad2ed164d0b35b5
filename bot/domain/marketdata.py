"""What the analytics vendor says of an underlying and its options, as typed rows.

Amounts that a model made (exposures, premiums, greeks) are floats; prices are `Decimal` dollars per share; sizes are
contracts. A number that the vendor left out is None where its absence means something, 0 where it means "none".
Each dataset's board value is a tuple of one of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from bot.domain.instruments import OptionContract

# Names of the datasets on the board and in `feed_status`.
SPOT_GEX: Final = "spot_gex"
GEX_BY_STRIKE: Final = "gex_by_strike"
OPTION_CONTRACTS: Final = "option_contracts"
NET_PREMIUM: Final = "net_premium"
FLOW_ALERTS: Final = "flow_alerts"
MARKET_WIDE: Final = "*"
"""The key of a dataset that is not about one underlying."""


@dataclass(frozen=True, slots=True)
class SpotGexMinute:
    """Dealer gamma of a whole chain at one minute, dollars per 1 % move of the underlying.

    `_oi` weighs by open interest, `_vol` by the session's volume, `_dir` by volume signed with the trade's side. For an
    index `price` is the at-the-money strike, not the level.
    """

    at: datetime
    price: Decimal
    gamma_oi: float
    gamma_vol: float
    gamma_dir: float
    charm_oi: float
    vanna_oi: float


@dataclass(frozen=True, slots=True)
class StrikeExposure:
    """Dealer gamma at one strike, all expirations summed, dollars per 1 % move; the put side is already negative."""

    strike: Decimal
    price: Decimal
    at: datetime
    call_gamma_oi: float
    put_gamma_oi: float
    call_gamma_vol: float
    put_gamma_vol: float
    call_delta_oi: float
    put_delta_oi: float

    @property
    def net_gamma_oi(self) -> float:
        return self.call_gamma_oi + self.put_gamma_oi

    @property
    def net_gamma_vol(self) -> float:
        return self.call_gamma_vol + self.put_gamma_vol


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
