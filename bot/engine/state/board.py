"""The market board: the latest of everything, and which keys changed since the last tick."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from bot.domain.events import (
    BookReceived,
    ContractQualified,
    DatumReceived,
    GreeksReceived,
    QuoteReceived,
    TradesReceived,
)
from bot.domain.instruments import PriceGrid, is_over, parse_osi, price_grid
from bot.domain.market import Datum
from bot.domain.quotes import Book, Greeks, Quote, TradePrint

_TRADES_KEPT = 200


class Board:
    """Implements `bot.domain.market.MarketView`. Written by the tick only."""

    def __init__(self) -> None:
        self._quotes: dict[str, Quote] = {}
        self._greeks: dict[str, Greeks] = {}
        self._books: dict[str, Book] = {}
        self._trades: dict[str, list[TradePrint]] = {}
        self._data: dict[tuple[str, str], Datum] = {}
        self._grids: dict[str, PriceGrid] = {}
        self._con_ids: dict[str, int] = {}
        self.changed: set[str] = set()
        self.quotes_seen = 0

    def quote(self, key: str) -> Quote | None:
        return self._quotes.get(key)

    def greeks(self, key: str) -> Greeks | None:
        return self._greeks.get(key)

    def book(self, key: str) -> Book | None:
        return self._books.get(key)

    def trades(self, key: str) -> list[TradePrint]:
        """Return the last trades of an instrument, oldest first."""
        return self._trades.get(key, [])

    def datum(self, dataset: str, key: str) -> Datum | None:
        return self._data.get((dataset, key))

    def data(self) -> Mapping[tuple[str, str], Datum]:
        return self._data

    def quotes(self) -> Mapping[str, Quote]:
        return self._quotes

    def grid(self, key: str) -> PriceGrid:
        known = self._grids.get(key)
        if known is None:
            known = self._grids[key] = price_grid(parse_osi(key).root)
        return known

    def remember(self, contracts: Mapping[str, tuple[int, PriceGrid]]) -> None:
        """Learn what the store knows of options: id at the broker and price grid. What it does not know is news again:
        a tick that failed did not write it."""
        self._con_ids = {key: con_id for key, (con_id, _) in contracts.items()}
        self._grids.update({key: grid for key, (_, grid) in contracts.items()})

    def take_changed(self) -> set[str]:
        """Return the keys whose quote changed since the last call."""
        changed, self.changed = self.changed, set()
        return changed

    def turn_to(self, today: date, held: Collection[str]) -> None:
        """Let go of the options that expired before `today`, but for those that are still held: they are settled
        later."""
        prices: tuple[dict[str, Any], ...] = (self._quotes, self._greeks, self._books, self._trades)
        for table in (*prices, self._grids, self._con_ids):
            for key in [key for key in table if is_over(key, today) and key not in held]:
                del table[key]

    def apply_quote(self, event: QuoteReceived) -> None:
        self._quotes[event.key] = event.quote
        self.changed.add(event.key)
        self.quotes_seen += 1

    def apply_greeks(self, event: GreeksReceived) -> None:
        self._greeks[event.key] = event.greeks

    def apply_book(self, event: BookReceived) -> None:
        self._books[event.key] = event.book

    def apply_trades(self, event: TradesReceived) -> None:
        tape = self._trades.setdefault(event.key, [])
        tape.extend(event.trades)
        del tape[:-_TRADES_KEPT]

    def apply_datum(self, event: DatumReceived) -> None:
        self._data[event.dataset, event.key] = Datum(event.value, event.source_at, event.received_at, event.ttl_s)

    def apply_qualified(self, event: ContractQualified) -> bool:
        """Learn an option's id at the broker and its grid; returns whether either is news."""
        if event.grid is None or event.con_id is None:
            return False
        known = (self._con_ids.get(event.key), self._grids.get(event.key))
        self._con_ids[event.key], self._grids[event.key] = event.con_id, event.grid
        return known != (event.con_id, event.grid)
