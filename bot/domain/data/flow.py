"""Flow: what was bought and sold, as alerts, as trades, and summed by minute, strike and expiry.

Amounts that a model made are floats; prices are `Decimal` dollars per share; sizes are contracts. A number that the
vendor left out is None where its absence means something, 0 where it means "none".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from bot.domain.instruments import OptionContract


class TradeSide(StrEnum):
    """Where in the quote a trade was: on the ask a customer buys, on the bid one sells."""

    ASK = "ask"
    BID = "bid"
    MID = "mid"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class NetPremiumTick:
    """One minute alone: ask-side minus bid-side premium in dollars, volume in contracts. The session is their sum.
    `net_delta` is the delta that customers bought, in shares: the same as `GreekFlowMinute.directional_delta`."""

    at: datetime
    net_call_premium: float
    net_put_premium: float
    net_call_volume: int
    net_put_volume: int
    net_delta: float
    call_volume: int = 0
    call_ask_volume: int = 0
    call_bid_volume: int = 0
    put_volume: int = 0
    put_ask_volume: int = 0
    put_bid_volume: int = 0


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
    bid: Decimal | None = None
    ask: Decimal | None = None
    has_multileg: bool = False
    iv_start: float | None = None
    iv_end: float | None = None

    @property
    def ask_share(self) -> float:
        return self.ask_side_premium / self.premium if self.premium > 0 else 0.0

    @property
    def bid_share(self) -> float:
        return self.bid_side_premium / self.premium if self.premium > 0 else 0.0


@dataclass(frozen=True, slots=True)
class OptionTrade:
    """One trade of the option tape. `volume` and `open_interest` are the contract's, at and before it; `conditions` how
    it came about (sweep, floor, cross, legs of a spread), in the vendor's words."""

    id: str
    at: datetime
    symbol: str
    contract: OptionContract
    side: TradeSide
    price: Decimal
    size: int
    premium: float
    bid: Decimal | None
    ask: Decimal | None
    underlying_price: Decimal | None
    iv: float | None
    delta: float | None
    gamma: float | None
    theta: float | None
    vega: float | None
    open_interest: int
    volume: int
    exchange: str
    conditions: tuple[str, ...]

    @property
    def is_opening(self) -> bool:
        """Whether it must have opened: more contracts than were open before. A smaller trade may be either."""
        return self.size > self.open_interest


@dataclass(frozen=True, slots=True)
class GreekFlowMinute:
    """Greeks that were traded in one minute, of a chain or of one expiry, in shares and in dollars a volatility point.

    `directional` is signed by the side of the quote, the others are not; `otm` is of what was out of the money.
    """

    at: datetime
    expiry: date | None
    delta: float
    vega: float
    directional_delta: float
    directional_vega: float
    otm_delta: float
    otm_vega: float
    otm_directional_delta: float
    otm_directional_vega: float
    transactions: int
    volume: int


@dataclass(frozen=True, slots=True)
class FlowTally:
    """What was traded at one strike (through the day, or in five minutes from `at` on) or in one expiry: premium in
    dollars, volume in contracts, each by the side of the quote."""

    strike: Decimal | None
    expiry: date | None
    at: datetime | None
    call_premium: float
    call_ask_premium: float
    call_bid_premium: float
    call_volume: int
    call_ask_volume: int
    call_bid_volume: int
    call_trades: int
    put_premium: float
    put_ask_premium: float
    put_bid_premium: float
    put_volume: int
    put_ask_volume: int
    put_bid_volume: int
    put_trades: int

    @property
    def net_premium(self) -> float:
        """Return what was bought of calls less what was bought of puts, dollars."""
        return self.call_ask_premium - self.call_bid_premium - (self.put_ask_premium - self.put_bid_premium)


@dataclass(frozen=True, slots=True)
class TideMinute:
    """Net premium of a whole market, a sector or a fund's holdings since the open: a running total, not a minute's."""

    at: datetime
    net_call_premium: float
    net_put_premium: float
    net_volume: int

    @property
    def net_premium(self) -> float:
        return self.net_call_premium - self.net_put_premium
