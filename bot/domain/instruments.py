"""Instruments: what the broker names under a conId, underlyings, option contracts, OSI symbols and price grids.

An instrument's key is text: the ticker of an underlying ("SPY"), the 21-character OSI symbol of a plain US option
("SPXW  261120C05900000"), and for anything else a name that nothing else has ("EUR:CASH:12087792"). The key is what the
board, the store and the log use. What kind of thing it names is a type (`option_of_key`, `Instrument.kind`), never the
length of its text. Sources: OCC "Options Symbology Initiative" (root 6, YYMMDD, C|P, strike x 1000 in 8 digits); Cboe
rule 5.4 and the penny interval programme for tick sizes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
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


_OSI: Final = re.compile(r"^([A-Z0-9.]{1,6}) *(\d{2})(\d{2})(\d{2})([CP])(\d{8})$")
_KEY_OF_OPTION: Final = re.compile(r"^(?=.{21}$)[A-Z0-9.]{1,6} *\d{6}[CP]\d{8}$")


@dataclass(frozen=True, slots=True)
class OptionContract:
    """One listed option. Prices are per share; a contract is `multiplier` shares. How it settles is as the broker's
    contract details told it; None: they did not, and the class says it."""

    root: str
    expiry: date
    right: Right
    strike: Decimal
    multiplier: int = 100
    cash_settled: bool | None = field(default=None, repr=False, compare=False)
    settled_at_open: bool | None = field(default=None, repr=False, compare=False)
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
        """Say whether it pays its value out. Where nobody told: an option on anything but a cash index delivers
        shares."""
        return self.symbol in INDEX_EXCHANGES if self.cash_settled is None else self.cash_settled

    @property
    def settles_at_open(self) -> bool:
        """Say whether it settles on the opening of its expiry day, a price that no quote shows."""
        return self.root in SETTLED_AT_OPEN if self.settled_at_open is None else self.settled_at_open

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
        """As people read it, with the year: where today is known, `bot.domain.wording.contract_words` leaves this
        year's out."""
        day = f"{self.expiry.day} {self.expiry:%b %Y}"
        return f"{self.symbol} {self.strike.normalize():f}{self.right.value} {day}"


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
    return _parsed(symbol.strip())


@lru_cache(maxsize=8192)  # a few hundred contracts are named again and again all day; what is refused is not kept
def _parsed(symbol: str) -> OptionContract:
    match = _OSI.match(symbol)
    if match is None:
        raise ValueError(f"{symbol!r} is not an OSI option symbol")
    root, year, month, day, right, strike = match.groups()
    expiry = date(2000 + int(year), int(month), int(day))
    # An exact value with no trailing zeros, so that equal contracts have equal text everywhere.
    return OptionContract(root, expiry, Right(right), _plain(Decimal(strike) / 1000))


@lru_cache(maxsize=8192)
def option_of_key(key: str) -> OptionContract | None:
    """Return the option that a key names; None for an underlying and for whatever else an account may hold."""
    if _KEY_OF_OPTION.match(key) is None:
        return None
    try:
        return parse_osi(key)
    except ValueError:  # the thirteenth month, say
        return None


def symbol_of_key(key: str) -> str:
    """Return the ticker that a key belongs to: an option's underlying, an underlying itself, else the key as it is."""
    option = option_of_key(key)
    return key if option is None else option.symbol


def is_over(key: str, today: date) -> bool:
    """Say whether a key is that of an option which expired before `today`; an underlying never does."""
    option = option_of_key(key)
    return option is not None and option.expiry < today


def _plain(value: Decimal) -> Decimal:
    whole = value.to_integral_value()
    return whole if value == whole else value.normalize()


# ---- what the broker names


class InstrumentKind(StrEnum):
    """What a security is. `FOREIGN` is whatever this bot has no type for: it is shown and left alone."""

    OPTION = "option"
    STOCK = "stock"
    INDEX = "index"
    FUTURE = "future"
    CURRENCY = "currency"
    CRYPTO = "crypto"
    FOREIGN = "foreign"


KIND_OF_WORD: Final[Mapping[str, InstrumentKind]] = MappingProxyType(
    {
        "OPT": InstrumentKind.OPTION,
        "STK": InstrumentKind.STOCK,
        "IND": InstrumentKind.INDEX,
        "FUT": InstrumentKind.FUTURE,
        "CASH": InstrumentKind.CURRENCY,
        "CRYPTO": InstrumentKind.CRYPTO,
    }
)
"""The broker's secType to ours; every other word (CFD, BOND, FUND, BAG, WAR, IOPT, FOP, ...) is foreign."""

DOLLARS: Final = "USD"
PLAIN_MULTIPLIER: Final = Decimal(100)
_PLAIN_ROOT: Final = re.compile(r"^[A-Z.]{1,6}$")
_LONGEST_NAME: Final = 12


@dataclass(frozen=True, slots=True)
class Instrument:
    """A security as the broker named it under its conId. Texts and numbers are as they came; empty: not named.

    `is_complete`: contract details named it, so every term is there; other messages leave some out. `changed` says in
    words how the broker names the conId now, where that is another contract than this one was. `option` is what the
    terms amount to where an OSI symbol holds them, parsed once; it says nothing of currency and deliverable,
    `is_plain_us_option` does. `cash_settled` and `settled_at_open` are None where the broker did not say.
    """

    con_id: int
    sec_type: str
    symbol: str = ""
    currency: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    trading_class: str = ""
    local_symbol: str = ""
    last_trading_day: str = ""
    right: str = ""
    strike: str = ""
    cash_settled: bool | None = None
    settled_at_open: bool | None = None
    is_complete: bool = False
    changed: str = ""
    option: OptionContract | None = field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.kind is InstrumentKind.OPTION:
            object.__setattr__(self, "option", _option_named(self))

    @property
    def kind(self) -> InstrumentKind:
        return KIND_OF_WORD.get(self.sec_type, InstrumentKind.FOREIGN)

    @property
    def is_plain_us_option(self) -> bool:
        """Say whether it is what this bot trades: a listed option in dollars on 100 shares or units, of a class that no
        corporate action has adjusted (OCC gives those a root with a digit) and that is no FLEX option."""
        option = self.option
        if option is None or self.currency != DOLLARS or _amount(self.multiplier) != PLAIN_MULTIPLIER:
            return False
        named = self.trading_class.strip() in {"", option.root} and _amount(self.strike) in {None, option.strike}
        return named and _PLAIN_ROOT.match(option.root) is not None

    @property
    def is_dollar_stock(self) -> bool:
        return self.kind is InstrumentKind.STOCK and self.currency == DOLLARS

    @property
    def key(self) -> str:
        """The key that it has by its terms alone; who knows another conId by that key must use `opaque_key`."""
        if self.option is not None and self.is_plain_us_option:
            return self.option.key
        quoted = self.kind in {InstrumentKind.STOCK, InstrumentKind.INDEX} and self.currency == DOLLARS
        if quoted and self.symbol and option_of_key(self.symbol) is None:
            return self.symbol
        return self.opaque_key

    @property
    def opaque_key(self) -> str:
        """A key that nothing else has: symbol (cut), the broker's word for its type, conId."""
        name = self.symbol[:_LONGEST_NAME] or "?"
        return f"{name}:{self.sec_type[:_LONGEST_NAME] or '?'}:{self.con_id}"

    def settling(self, contract: OptionContract) -> OptionContract:
        """Return a contract with what the broker told of how it settles."""
        return replace(contract, cash_settled=self.cash_settled, settled_at_open=self.settled_at_open)

    def changes_from(self, before: Instrument) -> Mapping[str, tuple[str, str]]:
        """Return which terms differ from how the same conId was named before, as (before, now). What either naming
        leaves out is no change: messages differ in how much of a contract they name."""
        found: dict[str, tuple[str, str]] = {}
        for name in _TERMS if before.local_symbol and self.local_symbol else (*_TERMS, "last_trading_day"):
            was, now = getattr(before, name), getattr(self, name)
            if was and now and not _same_term(was, now):
                found[name] = (was, now)
        return found

    def __str__(self) -> str:
        if self.option is not None and self.is_plain_us_option:
            return str(self.option)
        terms = (self.local_symbol.strip() or self.symbol, self.sec_type, self.currency)
        times = f"x{self.multiplier}" if self.multiplier not in {"", "1"} else ""
        return " ".join(each for each in (*terms, times) if each)


_TERMS: Final = (
    "sec_type", "symbol", "currency", "multiplier", "trading_class", "local_symbol", "right", "strike",
)  # fmt: skip
"""What makes a contract that contract. Exchanges are left out: where it is quoted and routed differs by message. So is
the last day where a local symbol holds the expiry: some messages name the day before, for what settles at the open."""


def _same_term(was: str, now: str) -> bool:
    """Compare two namings of one term: blanks, "100" and "100.0", "C" and "CALL" do not differ."""
    one, other = was.split(), now.split()
    if one == other or (one and other and one[0][:1] == other[0][:1] and {*one, *other} <= _RIGHT_WORDS):
        return True
    first, second = _amount(was), _amount(now)
    return first is not None and first == second


_RIGHT_WORDS: Final = frozenset({"C", "CALL", "P", "PUT"})


def _amount(text: str) -> Decimal | None:
    """Return a term that is a number; None for one that is none."""
    try:
        value = Decimal(text.strip())
    except ArithmeticError:
        return None
    return value if value.is_finite() else None


def _option_named(named: Instrument) -> OptionContract | None:
    """Return the option of a contract's terms, None where no OSI symbol holds them.

    The local symbol is the OSI symbol and wins: for an option that settles at the open the date field holds the last
    trading day, which is not its expiry.
    """
    option = option_of_key(named.local_symbol) or _option_of_fields(named)
    multiplier = _amount(named.multiplier)
    if option is None or option.strike <= 0 or multiplier is None or not _is_whole(multiplier):
        return None
    return replace(option, multiplier=int(multiplier))


def _is_whole(multiplier: Decimal) -> bool:
    return multiplier > 0 and multiplier == multiplier.to_integral_value()


def _option_of_fields(named: Instrument) -> OptionContract | None:
    strike = _amount(named.strike)
    if strike is None or strike <= 0 or named.right[:1] not in {"C", "P"}:
        return None
    root = named.trading_class.strip() or named.symbol.replace(" ", "")
    try:
        expiry = date.fromisoformat(named.last_trading_day[:8])
        return parse_osi(format_osi(OptionContract(root, expiry, Right(named.right[:1]), strike)))
    except ValueError:
        return None


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
