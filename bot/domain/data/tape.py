"""The tape of shares: trades off the exchanges and on them, the last price, volume by price, candles.

Prices are `Decimal` dollars a share, sizes shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from bot.domain.data.flow import TradeSide


@dataclass(frozen=True, slots=True)
class ShareTrade:
    """A trade of shares with the quote at its time; `premium` is dollars. `side` is read off the quote: at the ask or
    above bought, at the bid or below sold, between neither."""

    at: datetime
    ticker: str
    price: Decimal
    size: int
    premium: float
    bid: Decimal | None
    ask: Decimal | None
    side: TradeSide
    venue: str
    conditions: tuple[str, ...]
    tracking_id: int


class DarkPoolTrade(ShareTrade):
    """One that was reported off the exchanges."""

    __slots__ = ()


class LitTrade(ShareTrade):
    """One on an exchange."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class StockPrice:
    """The vendor's last price of a share, and the shares traded so far today."""

    at: datetime
    price: Decimal
    volume: int


@dataclass(frozen=True, slots=True)
class PriceLevel:
    """Shares that traded in a bucket of prices from `price` up, on exchanges and off them. `lit` is of Nasdaq's
    exchanges alone, so the two are no share of all volume."""

    price: Decimal
    lit: int
    off: int


@dataclass(frozen=True, slots=True)
class StockBar:
    """One candle. `at` is its beginning, None on bars of days and weeks, which have a `day`; `phase` is pr before the
    open, r in the session, po after the close."""

    at: datetime | None
    day: date | None
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    phase: str
