"""Quotes, books and greeks, and what makes a quote fit to decide on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum


class QuoteFault(StrEnum):
    """Why a quote may not be used; the word goes into logs, evidence and refusals."""

    MISSING = "missing"
    STALE = "stale"
    CROSSED = "crossed"
    ONE_SIDED = "one_sided"
    DELAYED = "delayed"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask of one instrument; None where the venue gives none (the adapter turns NaN, -1 and unset into
    None).

    Prices are per share. `at` is when the line last said anything, by our clock. A price that stands still says nothing
    more: `heard_at` is when its line was last known to be healthy, and `lost` says that it is not now (never served,
    ended by an error, gone with its farm or with the link). A quote is as old as the later of the two times.
    """

    bid: Decimal | None
    ask: Decimal | None
    bid_size: int
    ask_size: int
    last: Decimal | None
    at: datetime
    delayed: bool = False
    halted: bool = False
    close: Decimal | None = None  # the session's before, as the broker keeps it
    heard_at: datetime | None = None
    lost: bool = False

    def by_its_line(self, heard_at: datetime | None, *, lost: bool) -> Quote:
        """Return the same price as of a line that was last healthy at a moment (None: not since the price came)."""
        return Quote(
            self.bid, self.ask, self.bid_size, self.ask_size, self.last, self.at, self.delayed, self.halted,
            self.close, heard_at or self.heard_at, lost,
        )  # fmt: skip

    @property
    def sound_at(self) -> datetime:
        """The last moment at which this was known to be the price."""
        return self.at if self.heard_at is None else max(self.at, self.heard_at)

    def is_stale(self, now: datetime, max_age: timedelta) -> bool:
        """Say whether this may be the price no longer: its line is not healthy, or was not heard of for `max_age`.

        The one definition of freshness; the age of a price on a healthy line does not matter.
        """
        return self.lost or now - self.sound_at > max_age

    @property
    def mid(self) -> Decimal | None:
        if self.bid is None or self.ask is None:
            return None
        return (self.bid + self.ask) / 2

    @property
    def spread(self) -> Decimal | None:
        if self.bid is None or self.ask is None:
            return None
        return self.ask - self.bid

    @property
    def spread_fraction(self) -> Decimal | None:
        """Spread as a fraction of mid (0.10 is ten percent); None without both sides or with a mid of zero."""
        mid, spread = self.mid, self.spread
        if mid is None or spread is None or mid <= 0:
            return None
        return spread / mid

    @property
    def is_price(self) -> bool:
        """Say whether this was fit to trade on when it came: as `fault` has it, at that very moment."""
        bid, ask = self.bid, self.ask
        if self.halted or self.delayed or self.lost or bid is None or ask is None:
            return False
        return ask > 0 and bid <= ask

    def fault(self, now: datetime, max_age: timedelta) -> QuoteFault | None:
        """Return what forbids to trade on this quote, None when it is fit: both sides, uncrossed, live and fresh."""
        if self.halted:
            return QuoteFault.HALTED
        if self.delayed:
            return QuoteFault.DELAYED
        if self.bid is None and self.ask is None:
            return QuoteFault.MISSING
        if self.bid is None or self.ask is None or self.ask <= 0:
            return QuoteFault.ONE_SIDED
        if self.bid > self.ask:
            return QuoteFault.CROSSED
        return QuoteFault.STALE if self.is_stale(now, max_age) else None

    def price_fault(self, now: datetime, max_age: timedelta) -> QuoteFault | None:
        """As `fault`, for an instrument that is only watched (an index has a last price and no book)."""
        if self.halted:
            return QuoteFault.HALTED
        if self.delayed:
            return QuoteFault.DELAYED
        if self.reference is None:
            return QuoteFault.MISSING
        return QuoteFault.STALE if self.is_stale(now, max_age) else None

    @property
    def reference(self) -> Decimal | None:
        """The price that stands for the instrument: mid where there is a sound book, else the last trade."""
        if self.bid is not None and self.ask is not None and 0 < self.bid <= self.ask:
            return (self.bid + self.ask) / 2
        return self.last


@dataclass(frozen=True, slots=True)
class Greeks:
    """Model values per share: `iv` a fraction (0.15), `vega` per volatility point, `theta` per calendar day; None when
    not given."""

    iv: float | None
    delta: float | None
    gamma: float | None
    vega: float | None
    theta: float | None
    underlying: float | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DepthLevel:
    """All that is shown at a price; `makers`: exchange or market maker with its part of it, where they are named."""

    price: Decimal
    size: int
    makers: tuple[tuple[str, int], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Depth:
    """Depth of one instrument, best level first on both sides; as old as a quote of the same times would be."""

    bids: Sequence[DepthLevel]
    asks: Sequence[DepthLevel]
    at: datetime
    heard_at: datetime | None = None
    lost: bool = False

    @property
    def sound_at(self) -> datetime:
        return self.at if self.heard_at is None else max(self.at, self.heard_at)

    def is_stale(self, now: datetime, max_age: timedelta) -> bool:
        """As `Quote.is_stale`: levels that stand still on a healthy line are today's."""
        return self.lost or now - self.sound_at > max_age


@dataclass(frozen=True, slots=True)
class TradePrint:
    """One trade on the tape of an instrument. Best bid and ask are as they stood when it came (None: not known): they
    tell who was in a hurry."""

    price: Decimal
    size: int
    at: datetime
    bid: Decimal | None = field(default=None, compare=False)
    ask: Decimal | None = field(default=None, compare=False)
    exchange: str = field(default="", compare=False)
    conditions: str = field(default="", compare=False)
