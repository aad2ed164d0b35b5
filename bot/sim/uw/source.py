"""What the UW face needs to know of the market, in its own words; `bot.sim.uw.model_source` reads it off the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol

GREEKS: Final = ("gamma", "delta", "charm", "vanna")
WEIGHTS: Final = ("oi", "vol", "ask", "bid")
STRIKE_COLUMNS: Final = tuple(
    f"{side}_{greek}_{weight}" for side in ("call", "put") for greek in GREEKS for weight in WEIGHTS
)


@dataclass(frozen=True, slots=True)
class ExposureMinute:
    """Dealer exposure of a whole chain, dollars per 1 % move; keys of `values` are like `gamma_oi`, `charm_dir`."""

    at: datetime
    price: float
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class StrikeRow:
    """Dealer exposure at one strike; keys of `columns` are STRIKE_COLUMNS, absent ones are zero."""

    strike: Decimal
    columns: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class StrikeTable:
    """All strikes of a symbol (one expiry, or all of them) at one time."""

    at: datetime
    price: float
    rows: Sequence[StrikeRow]


@dataclass(frozen=True, slots=True)
class FlowMinute:
    """Option flow of one minute: premiums in dollars, volumes in contracts, each by side of the quote."""

    at: datetime
    net_call_premium: float
    net_put_premium: float
    net_delta: float
    call_volume: int
    call_ask_volume: int
    call_bid_volume: int
    put_volume: int
    put_ask_volume: int
    put_bid_volume: int


@dataclass(frozen=True, slots=True)
class ContractState:
    """One contract's day so far."""

    symbol: str
    expiry: date
    right: str
    strike: Decimal
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    high: Decimal | None
    low: Decimal | None
    average: Decimal | None
    volume: int
    ask_volume: int
    bid_volume: int
    open_interest: int
    previous_open_interest: int
    iv: float
    delta: float
    gamma: float
    theta: float
    vega: float
    last_trade_at: datetime | None


@dataclass(frozen=True, slots=True)
class VendorAlert:
    """Remarkable flow in one contract: trades from `start` to `end`, told `at`."""

    id: str
    rule: str
    at: datetime
    start: datetime
    end: datetime
    ticker: str
    symbol: str
    expiry: date
    right: str
    strike: Decimal
    price: Decimal
    bid: Decimal | None
    ask: Decimal | None
    underlying_price: float
    iv_start: float
    iv_end: float
    size: int
    trades: int
    premium: float
    ask_side_premium: float
    bid_side_premium: float
    volume: int
    open_interest: int
    sweep: bool
    floor: bool
    opening: bool


@dataclass(frozen=True, slots=True)
class StockDay:
    """An underlying's day so far; prices in dollars."""

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    previous_close: Decimal
    volume: int


@dataclass(frozen=True, slots=True)
class Candle:
    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


class UwSource(Protocol):
    """The model as the vendor would have measured it. All times aware UTC; minutes are stamped at their start."""

    def symbols(self) -> Sequence[str]: ...

    def day(self) -> date:
        """Return the New York date of the only session that there are data for."""
        ...

    def session(self) -> tuple[datetime, datetime]:
        """Return the open and the close."""
        ...

    def is_index(self, symbol: str) -> bool: ...

    def exposures(self, symbol: str, until: datetime, skip: int) -> Sequence[ExposureMinute]:
        """Return the minutes of the session that have begun by `until`, oldest first, without the first `skip`."""
        ...

    def strikes_at(self, symbol: str, at: datetime, expiries: Sequence[date] | None) -> StrikeTable:
        """Return exposure by strike, of the given expiries or of all."""
        ...

    def flows(self, symbol: str, until: datetime, skip: int) -> Sequence[FlowMinute]:
        """Return the minutes of the session that have ended by `until`, oldest first, without the first `skip`."""
        ...

    def contracts_at(self, symbol: str, at: datetime, last_expiry: date | None) -> Sequence[ContractState]:
        """Return the contracts that trade, up to an expiry where one is given."""
        ...

    def alerts(self, since: datetime, until: datetime) -> Sequence[VendorAlert]:
        """Return the alerts with since < at <= until, oldest first."""
        ...

    def stock_at(self, symbol: str, at: datetime) -> StockDay: ...

    def candles(self, symbol: str, until: datetime, seconds: int) -> Sequence[Candle]:
        """Return the whole bars of the session so far, oldest first."""
        ...
