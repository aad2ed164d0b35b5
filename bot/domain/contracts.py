"""Underlyings and option contracts, their OCC/OSI symbols and their price grids.

An instrument's key is text: the ticker of an underlying ("SPY"), the 21-character OSI symbol of an option
("SPXW  261120C05900000"). The key is what the board, the store and the log use; the broker's conId belongs to the
adapter. Sources: OCC "Options Symbology Initiative" (root 6, YYMMDD, C|P, strike x 1000 in 8 digits); Cboe rule 5.4 and
the penny interval programme for tick sizes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bot.domain.money import round_to_tick


class Right(StrEnum):
    CALL = "C"
    PUT = "P"


class UnderlyingKind(StrEnum):
    STOCK = "STK"
    INDEX = "IND"


@dataclass(frozen=True, slots=True)
class Underlying:
    """A stock, fund or index that options are written on; `exchange` is where IBKR routes or quotes it."""

    symbol: str
    kind: UnderlyingKind
    exchange: str = "SMART"

    @property
    def key(self) -> str:
        return self.symbol


INDEX_EXCHANGES: Final[Mapping[str, str]] = MappingProxyType(
    {"SPX": "CBOE", "XSP": "CBOE", "VIX": "CBOE", "NDX": "NASDAQ", "RUT": "RUSSELL", "DJX": "CBOE"}
)


def underlying(symbol: str) -> Underlying:
    """Return the underlying of a ticker: cash indices are listed, everything else is a stock or fund on SMART."""
    if symbol in INDEX_EXCHANGES:
        return Underlying(symbol, UnderlyingKind.INDEX, INDEX_EXCHANGES[symbol])
    return Underlying(symbol, UnderlyingKind.STOCK)


# Roots whose ticker differs from the underlying's. SPX proper is the monthly, settled at the open of its last day;
# every other expiry, daily or weekly, is SPXW and settles at the close.
UNDERLYING_OF_ROOT: Final[Mapping[str, str]] = MappingProxyType(
    {"SPXW": "SPX", "NDXP": "NDX", "RUTW": "RUT", "VIXW": "VIX"}
)
WEEKLY_ROOT: Final[Mapping[str, str]] = MappingProxyType({v: k for k, v in UNDERLYING_OF_ROOT.items()})


# Classes that stop trading the session before their expiry and settle on the opening prices of that day.
SETTLED_AT_OPEN: Final = frozenset({"SPX", "NDX", "RUT", "DJX", "VIX", "VIXW"})


def is_third_friday(day: date) -> bool:
    """Say whether `day` is a standard monthly expiration."""
    friday = 4
    return day.weekday() == friday and 15 <= day.day <= 21


def root_for(symbol: str, expiry: date, *, settled_at_close: bool = True) -> str:
    """Return the option root of an underlying for an expiry; only an index's own monthly settles at the open."""
    if symbol not in WEEKLY_ROOT:
        return symbol
    return symbol if is_third_friday(expiry) and not settled_at_close else WEEKLY_ROOT[symbol]


OSI_LENGTH: Final = 21
_OSI: Final = re.compile(r"^([A-Z0-9.]{1,6}) *(\d{2})(\d{2})(\d{2})([CP])(\d{8})$")


@dataclass(frozen=True, slots=True)
class OptionContract:
    """One listed option. Prices are per share; a contract is `multiplier` shares."""

    root: str
    expiry: date
    right: Right
    strike: Decimal
    multiplier: int = 100
    _key: str = field(default="", init=False, repr=False, compare=False)

    @property
    def symbol(self) -> str:
        """The underlying's ticker (SPX for both SPX and SPXW)."""
        return UNDERLYING_OF_ROOT.get(self.root, self.root)

    @property
    def key(self) -> str:
        """The OSI symbol; worked out once, for every quote and every look at a position asks for it."""
        if not self._key:
            object.__setattr__(self, "_key", format_osi(self))
        return self._key

    @property
    def settles_in_cash(self) -> bool:
        """Say whether it pays its value out; an option on anything but a cash index delivers shares."""
        return self.symbol in INDEX_EXCHANGES

    @property
    def settles_at_open(self) -> bool:
        """Say whether it settles on the opening of its expiry day, a price that no quote shows."""
        return self.root in SETTLED_AT_OPEN

    def intrinsic(self, price: Decimal) -> Decimal:
        """Return what a share of it is worth at its end with the underlying at `price`: max(0, S - K) or (K - S)."""
        gain = price - self.strike if self.right is Right.CALL else self.strike - price
        return max(gain, Decimal(0))

    def shares_of(self, contracts: int) -> int:
        """Return the signed shares that exercising so many long contracts delivers: a put sells them."""
        shares = contracts * self.multiplier
        return shares if self.right is Right.CALL else -shares

    def days_to_expiry(self, today: date) -> int:
        return (self.expiry - today).days

    def __str__(self) -> str:
        return f"{self.root} {self.expiry:%Y-%m-%d} {self.strike.normalize():f}{self.right.value}"


def format_osi(contract: OptionContract) -> str:
    """Return the 21-character OSI symbol, the root padded with blanks; raises ValueError when a part does not fit."""
    thousandths = contract.strike * 1000
    if thousandths != thousandths.to_integral_value() or not 0 < thousandths < 100_000_000:
        raise ValueError(f"strike {contract.strike} does not fit an OSI symbol")
    if not 1 <= len(contract.root) <= 6:
        raise ValueError(f"root {contract.root!r} does not fit an OSI symbol")
    return f"{contract.root:<6}{contract.expiry:%y%m%d}{contract.right.value}{int(thousandths):08d}"


def parse_osi(symbol: str) -> OptionContract:
    """Return the contract of an OSI symbol, padded (IBKR) or not (UW); raises ValueError on anything else."""
    match = _OSI.match(symbol.strip())
    if match is None:
        raise ValueError(f"{symbol!r} is not an OSI option symbol")
    root, year, month, day, right, strike = match.groups()
    expiry = date(2000 + int(year), int(month), int(day))
    # An exact value with no trailing zeros, so that equal contracts have equal text everywhere.
    return OptionContract(root, expiry, Right(right), _plain(Decimal(strike) / 1000))


def is_over(key: str, today: date) -> bool:
    """Say whether a key is that of an option which expired before `today`; an underlying never does."""
    match = _OSI.match(key)
    if match is None:
        return False
    _, year, month, day, _, _ = match.groups()
    return date(2000 + int(year), int(month), int(day)) < today


def _plain(value: Decimal) -> Decimal:
    whole = value.to_integral_value()
    return whole if value == whole else value.normalize()


@dataclass(frozen=True, slots=True)
class PriceGrid:
    """Increments by price band, lowest band first: ((0, 0.01), (3, 0.05)) is a cent below $3 and a nickel from
    there."""

    bands: tuple[tuple[Decimal, Decimal], ...]

    def tick_at(self, price: Decimal) -> Decimal:
        """Return the increment in force at a price."""
        tick = self.bands[0][1]
        for low_edge, increment in self.bands:
            if price >= low_edge:
                tick = increment
        return tick

    def down(self, price: Decimal) -> Decimal:
        """Return the highest valid price at or below `price`."""
        return round_to_tick(price, self.tick_at(price), up=False)

    def up(self, price: Decimal) -> Decimal:
        """Return the lowest valid price at or above `price`."""
        return round_to_tick(price, self.tick_at(price), up=True)

    def nearest(self, price: Decimal) -> Decimal:
        """Return the closest valid price, the lower one when both are as close."""
        low, high = self.down(price), self.up(price)
        return high if high - price < price - low else low

    def contains(self, price: Decimal) -> bool:
        return price == self.down(price)


def _grid(*bands: tuple[str, str]) -> PriceGrid:
    return PriceGrid(tuple((Decimal(edge), Decimal(tick)) for edge, tick in bands))


PENNY_ALL: Final = _grid(("0", "0.01"))
PENNY_CLASS: Final = _grid(("0", "0.01"), ("3", "0.05"))
NICKEL_CLASS: Final = _grid(("0", "0.05"), ("3", "0.10"))

# SPY, QQQ and IWM trade in cents at every price; SPX and most indices in nickels and dimes. A class that is not listed
# gets the coarser penny-programme grid until the broker's market rule says better: a coarse price is always valid on a
# finer grid.
_GRID_OF_ROOT: Final[Mapping[str, PriceGrid]] = MappingProxyType(
    {
        "SPY": PENNY_ALL,
        "QQQ": PENNY_ALL,
        "IWM": PENNY_ALL,
        "SPX": NICKEL_CLASS,
        "SPXW": NICKEL_CLASS,
        "NDX": NICKEL_CLASS,
        "NDXP": NICKEL_CLASS,
        "RUT": NICKEL_CLASS,
        "RUTW": NICKEL_CLASS,
    }
)


def price_grid(root: str) -> PriceGrid:
    """Return the usual price grid of an option class."""
    return _GRID_OF_ROOT.get(root, NICKEL_CLASS)
