"""The market's day as the vendor looks at it: trades with their greeks, sums of them, evenings before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bot.sim.market import MarketModel
from bot.sim.market.exposure import ChainSnapshot
from bot.sim.market.flow import Ints
from bot.sim.market.noise import generator
from bot.sim.market.surface import YEAR_SECONDS, Floats, black_scholes_array, implied_volatility_array, level
from bot.sim.market.underlying_day import Book
from bot.sim.uw.query import Query
from bot.sim.uw.rows import Row
from bot.sim.vocabulary import Bar

Flags = NDArray[np.bool_]
Rows = list[Row]
DAY_S: Final = 86_400
MONTH_DAYS: Final = 22

COMPANIES: Final[Mapping[str, float]] = {
    "AAPL": 268.0, "MSFT": 508.0, "GOOGL": 285.0, "AMZN": 226.0, "NVDA": 188.0, "META": 602.0, "TSLA": 411.0,
    "PLTR": 171.0,
}  # fmt: skip
"""Those that people deal in and that report, on every day, with what a share costs where the day does not say."""
MAG_7: Final = ("AAPL", "MSFT", "GOOGL", "AMZN", "NVDA", "META", "TSLA")
SECTORS: Final[Mapping[str, tuple[str, ...]]] = {
    "Basic Materials": (),
    "Communication Services": ("GOOGL", "META"),
    "Consumer Cyclical": ("AMZN", "TSLA"),
    "Consumer Defensive": (),
    "Energy": (),
    "Financial Services": (),
    "Healthcare": (),
    "Industrials": (),
    "Real Estate": (),
    "Technology": ("AAPL", "MSFT", "NVDA", "PLTR"),
    "Utilities": (),
}
HOLDINGS: Final[Mapping[str, tuple[str, ...]]] = {"SPY": (*MAG_7, "PLTR"), "QQQ": (*MAG_7, "PLTR"), "IWM": ()}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: `words` are the values of the braces in its path, `minute` the last whole minute, `day` the trading
    day that is asked for."""

    path: str
    words: Mapping[str, str]
    query: Query
    now: datetime
    minute: datetime
    day: date

    @property
    def ticker(self) -> str:
        return self.words.get("ticker", "")


@dataclass(frozen=True, slots=True)
class ServedSet:
    """How a set is served. `rows` makes them; `shape`: under `data`, a `bare` list, or the `whole` answer as it is;
    `each_time`: made anew for every call, not once a minute; `of_companies`: of such as the
    day does not list, too; `has_history`: asked for a day before, it has rows."""

    rows: Callable[[VendorDay, Asked], Any]
    shape: str = "data"
    each_time: bool = False
    of_companies: bool = False
    has_history: bool = False


@dataclass(frozen=True, slots=True)
class TradeColumns:
    """Every option trade of an underlying's day, in the order of time, with its greeks at that time."""

    second: Ints
    row: Ints
    size: Ints
    side: Ints
    premium: Ints  # dollars
    call: Flags
    otm: Flags
    listing: Ints
    strike: Floats
    spot: Floats
    iv: Floats
    delta: Floats
    gamma: Floats
    theta: Floats
    vega: Floats

    def part(self, first: int, end: int) -> slice:
        """Return the trades of the seconds from `first` up to but not including `end`."""
        return slice(*np.searchsorted(self.second, (first, end)).tolist())


@dataclass(slots=True)
class VendorDay:
    """The model and what of it was worked out, each when it was first asked for."""

    market: MarketModel
    _trades: dict[str, TradeColumns] = field(default_factory=dict)
    _before: dict[str, Floats] = field(default_factory=dict)
    _history: dict[str, list[Bar]] = field(default_factory=dict)

    def book(self, symbol: str) -> Book:
        return self.market.book(symbol)

    def symbols(self) -> Sequence[str]:
        return self.market.symbols()

    def rng(self, *names: str) -> np.random.Generator:
        return generator(self.market.seed, "vendor", *names)

    def price_of(self, symbol: str) -> float:
        """Return what a share costs at the open."""
        return self.book(symbol).script.open if symbol in self.symbols() else COMPANIES[symbol]

    def index(self, at: datetime) -> int:
        return self.market.line.index(at)

    def whole_minutes(self, at: datetime) -> int:
        """Return how many minutes of the session have ended."""
        line = self.market.line
        return max((min(line.index(at), line.close_index) - line.open_index) // 60, 0)

    def minute_at(self, number: int) -> datetime:
        line = self.market.line
        return line.instant(line.open_index + 60 * number)

    def traded(self, symbol: str, at: datetime) -> tuple[TradeColumns, slice]:
        """Return the trades of the minutes that have ended."""
        line, columns = self.market.line, self.trades(symbol)
        return columns, columns.part(line.open_index, line.open_index + 60 * self.whole_minutes(at))

    def trades(self, symbol: str) -> TradeColumns:
        if symbol not in self._trades:
            self._trades[symbol] = _columns_of(self.book(symbol))
        return self._trades[symbol]

    def expiries(self, symbol: str) -> list[date]:
        return sorted({each.expiry for each in self.book(symbol).universe.listings})

    def strikes(self, symbol: str, expiry: date) -> frozenset[float]:
        """Return the strikes that an expiry lists."""
        universe = self.book(symbol).universe
        of_it = [number for number, each in enumerate(universe.listings) if each.expiry == expiry]
        return frozenset(universe.strike[np.isin(universe.listing, of_it)].tolist())

    def chain(self, symbol: str, at: datetime) -> ChainSnapshot:
        return self.market.vendor.chain(symbol, at)

    def open_interest_before(self, symbol: str) -> Floats:
        """Return the open interest of the evening before, contract by contract."""
        if symbol not in self._before:
            interest = self.book(symbol).interest
            drift = self.rng(symbol, "open interest before").lognormal(-0.03, 0.12, len(interest))
            self._before[symbol] = np.round(interest * drift)
        return self._before[symbol]

    def history(self, symbol: str) -> list[Bar]:
        """Return daily bars of the year before, oldest first."""
        if symbol not in self._history:
            market = self.market
            end = market.session_open()
            bars = market.bars(market.underlying(symbol), end - timedelta(days=400), end, DAY_S)
            self._history[symbol] = [bar for bar in bars if bar.at.astimezone(UTC).date() < market.line.day]
        return self._history[symbol]


def _columns_of(book: Book) -> TradeColumns:
    tape, universe, path = book.options, book.universe, book.path
    strike, right, spot = universe.strike[tape.row], universe.right[tape.row], path.price[tape.second]
    years = np.maximum(universe.ends[tape.row] - tape.second, 1.0) / YEAR_SECONDS
    iv = implied_volatility_array(level(book.script.iv, book.script.term, years), spot, strike, years, book.script.open)
    greeks = black_scholes_array(spot, strike, years, iv, right)
    return TradeColumns(
        second=tape.second, row=tape.row, size=tape.size, side=tape.side, premium=tape.cents * tape.size,
        call=right > 0, otm=(strike - spot) * right > 0, listing=universe.listing[tape.row], strike=strike, spot=spot,
        iv=iv, delta=tape.delta, gamma=greeks.gamma, theta=greeks.theta, vega=greeks.vega,
    )  # fmt: skip


def days_back(at: date, count: int, closed: Sequence[date]) -> list[date]:
    """Return the sessions before a day, oldest first."""
    found: list[date] = []
    while len(found) < count:
        at -= timedelta(days=1)
        if at.weekday() < 5 and at not in closed:
            found.append(at)
    return found[::-1]


def span_of(timeframe: str | None, default: int) -> int:
    """Return how many sessions a look-back asks for: 3M, 1Y, 6m, 1w, YTD."""
    written = (timeframe or "").upper()
    sessions = {"D": 1, "W": 5, "M": MONTH_DAYS, "Y": 252}
    if written[:-1].isdigit() and written[-1:] in sessions:
        return int(written[:-1]) * sessions[written[-1]]
    return default
