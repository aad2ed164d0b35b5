"""A market board for tests: quotes, books, rows and measures put there by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from bot.domain.calendar import TradingSession
from bot.domain.chains import Chain
from bot.domain.instruments import OptionContract, PriceGrid, Right, parse_osi, price_grid, root_for
from bot.domain.market import Datum
from bot.domain.quotes import Depth, Greeks, Quote
from bot.domain.readings import Reading

DAY = date(2026, 11, 20)
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
class MeasuredBoard:
    """`now` is when everything on it was said."""

    now: datetime
    quotes: dict[str, Quote] = field(default_factory=dict)
    books: dict[str, Depth] = field(default_factory=dict)
    data: dict[tuple[str, str], Datum] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)
    measures: dict[tuple[str, str], Reading] = field(default_factory=dict)

    def quote(self, key: str) -> Quote | None:
        return self.quotes.get(key)

    def greeks(self, key: str) -> Greeks | None:
        return None

    def book(self, key: str) -> Depth | None:
        return self.books.get(key)

    def datum(self, dataset: str, key: str) -> Datum | None:
        return self.data.get((dataset, key))

    def chain(self, symbol: str) -> Chain | None:
        return self.chains.get(symbol)

    def grid(self, key: str) -> PriceGrid:
        return price_grid(parse_osi(key).root)

    def measure(self, name: str, key: str) -> Reading | None:
        return self.measures.get((name, key))

    # ---- what tests put there

    def put(self, dataset: str, key: str, rows: Any, at: datetime | None = None) -> None:
        said = at or self.now
        self.data[dataset, key] = Datum(rows, said, said, 90, "unusual_whales")

    def say(self, name: str, key: str, value: Any, absent: str = "") -> None:
        self.measures[name, key] = Reading(value, self.now, absent=absent)

    def price(self, key: str, bid: str, ask: str, size: int = 100) -> None:
        self.quotes[key] = Quote(Decimal(bid), Decimal(ask), size, size, None, self.now)


def an_option(symbol: str, right: Right, strike: str, expiry: date = DAY) -> OptionContract:
    return OptionContract(root_for(symbol, expiry), expiry, right, Decimal(strike))
