"""A market board of plain dictionaries, and builders that show only what a test is about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.domain.calendar import TradingSession
from bot.domain.contracts import OptionContract, PriceGrid, Right, parse_osi, price_grid, root_for
from bot.domain.market import Datum
from bot.domain.marketdata import GEX_BY_STRIKE, OptionContractRow, StrikeExposure
from bot.domain.quotes import Book, BookLevel, Greeks, Quote

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # 10:00 in New York
SESSION = TradingSession(
    DAY, datetime(2026, 11, 20, 14, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, 0, tzinfo=UTC), is_half_day=False
)
HALF_DAY = TradingSession(
    date(2026, 11, 27),
    datetime(2026, 11, 27, 14, 30, tzinfo=UTC),
    datetime(2026, 11, 27, 18, 0, tzinfo=UTC),
    is_half_day=True,
)


@dataclass
class FakeBoard:
    quotes: dict[str, Quote] = field(default_factory=dict)
    books: dict[str, Book] = field(default_factory=dict)
    data: dict[tuple[str, str], Datum] = field(default_factory=dict)

    def quote(self, key: str) -> Quote | None:
        return self.quotes.get(key)

    def greeks(self, key: str) -> Greeks | None:
        return None

    def book(self, key: str) -> Book | None:
        return self.books.get(key)

    def datum(self, dataset: str, key: str) -> Datum | None:
        return self.data.get((dataset, key))

    def grid(self, key: str) -> PriceGrid:
        return price_grid(parse_osi(key).root)

    def put(self, dataset: str, key: str, value: Any, at: datetime = NOW) -> None:
        self.data[dataset, key] = Datum(value, at, at, 90)


def a_quote(bid: str | None, ask: str | None, size: int = 100, at: datetime = NOW, last: str | None = None) -> Quote:
    def price(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return Quote(price(bid), price(ask), size, size, price(last), at)


def an_index_price(last: str, at: datetime = NOW) -> Quote:
    return Quote(None, None, 0, 0, Decimal(last), at)


def a_book(bid_size: int, ask_size: int, at: datetime = NOW) -> Book:
    """Sizes are split over ten levels a side."""
    bids = [BookLevel(Decimal("599.99") - Decimal(i) / 100, bid_size // 10) for i in range(10)]
    asks = [BookLevel(Decimal("600.01") + Decimal(i) / 100, ask_size // 10) for i in range(10)]
    return Book(bids, asks, at)


def exposure(strike: str, call: float, put: float = 0.0, price: str = "600") -> StrikeExposure:
    return StrikeExposure(Decimal(strike), Decimal(price), NOW, call, put, 0.0, 0.0, 0.0, 0.0)


def exposures(price: str, step: str, peak: str, count: int = 10) -> tuple[StrikeExposure, ...]:
    """Strikes on both sides of `peak`, which has most of the gamma; negative below, positive above."""
    rows = []
    for i in range(-count, count + 1):
        strike = Decimal(peak) + i * Decimal(step)
        net = 9e9 if i == 0 else (1e8 if i > 0 else -1e8)
        rows.append(exposure(str(strike), max(net, 0.0), min(net, 0.0), price))
    return tuple(rows)


def listed(symbol: str, expiry: date, right: Right, strikes: Sequence[str]) -> tuple[OptionContractRow, ...]:
    return tuple(
        OptionContractRow(
            OptionContract(root_for(symbol, expiry), expiry, right, Decimal(strike)),
            None, None, None, 0, 0, 0, 0, 0.0, None, None, None, None,
        )
        for strike in strikes
    )  # fmt: skip


def option(symbol: str, right: Right, strike: str, expiry: date = DAY) -> OptionContract:
    return OptionContract(root_for(symbol, expiry), expiry, right, Decimal(strike))


def a_pinned_spy(bid_size: int = 6000, ask_size: int = 3000) -> FakeBoard:
    """SPY a few cents below its max-gamma strike 600, everything fresh, the options at 600 and 599 tight and deep."""
    board = FakeBoard()
    board.quotes["SPY"] = a_quote("599.80", "599.82")
    board.books["SPY"] = a_book(bid_size, ask_size)
    board.put(GEX_BY_STRIKE, "SPY", exposures("599.81", "1", "600"))
    for right, strike in ((Right.CALL, "600"), (Right.PUT, "599")):
        board.quotes[option("SPY", right, strike).key] = a_quote("2.00", "2.02")
    return board


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)
