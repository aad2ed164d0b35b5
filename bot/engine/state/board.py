"""The market board: the latest of everything, and which keys changed since the last tick."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from bot.analytics.exposure import Convention, convention_of
from bot.analytics.measure import Held
from bot.config.exposure import ExposureSettings
from bot.domain.calendar import TradingSession
from bot.domain.chains import Chain
from bot.domain.events.feeds import DatumReceived
from bot.domain.events.market_data import (
    BarsReceived,
    BookReceived,
    ChainTold,
    ContractQualified,
    GreeksReceived,
    LinesHeard,
    QuoteReceived,
    QuoteSnapshot,
    TradesReceived,
)
from bot.domain.instruments import Instrument, OptionContract, PriceGrid, is_over, option_of_key, parse_osi, price_grid
from bot.domain.looks import Looks
from bot.domain.market import Datum
from bot.domain.quotes import Depth, Greeks, Quote, TradePrint
from bot.domain.readings import Reading
from bot.engine.state.bar_book import BarBook
from bot.engine.state.measured import Measured

_TRADES_KEPT = 1000


class Board:
    """Implements `bot.domain.market.MarketView`. Written by the tick only."""

    def __init__(self) -> None:
        self._quotes: dict[str, Quote] = {}  # as they came
        self._by_line: dict[str, Quote] = {}  # what they are by the lines that were heard of, where that was asked for
        self._heard_at: dict[str, datetime] = {}  # when a quote's line was last known to be healthy, since it came
        self._asked_once: set[str] = set()  # keys whose quote is a snapshot: no line says that it still holds
        self._chains: dict[str, Chain] = {}
        self._underlyings: dict[str, None] = {}  # keys in the order in which they were first heard of
        self._greeks: dict[str, Greeks] = {}
        self._books: dict[str, Depth] = {}
        self._trades: dict[str, list[TradePrint]] = {}
        self._data: dict[tuple[str, str], Datum] = {}
        self.diverging: dict[tuple[str, str], str] = {}  # data set and key: how it differs from the broker's
        self.bars = BarBook()
        self._grids: dict[str, PriceGrid] = {}
        self._instruments: dict[str, Instrument] = {}
        self.changed: set[str] = set()
        self.halted: set[str] = set()  # keys whose latest quote says that trading is halted
        self.bidless: set[str] = set()  # keys whose latest quote is an ask without a bid
        self.quotes_seen = 0
        self.now: datetime | None = None  # the tick's, from its beginning on
        self.session: TradingSession | None = None
        self.convention = Convention()
        self._exposure: ExposureSettings | None = None
        self.measured = Measured()
        self.who_holds: Callable[[], Held] = lambda: ((), None)
        self._lines: LinesHeard | None = None
        self._looks: dict[str, Looks] = {}

    def quote(self, key: str) -> Quote | None:
        known = self._by_line.get(key)
        if known is not None:
            return known
        quote = self._quotes.get(key)
        if quote is not None:
            quote = self._by_line[key] = self._by_its_line(key, quote)
        return quote

    def greeks(self, key: str) -> Greeks | None:
        return self._greeks.get(key)

    def book(self, key: str) -> Depth | None:
        return self._books.get(key)

    def trades(self, key: str) -> list[TradePrint]:
        """Return the last trades of an instrument, oldest first."""
        return self._trades.get(key, [])

    def turn(self, now: datetime, session: TradingSession, exposure: ExposureSettings) -> None:
        """Begin a tick: what is measured from here on is of this moment."""
        self.now, self.session = now, session
        if exposure is not self._exposure:
            self._exposure, self.convention = exposure, convention_of(exposure)

    def measure(self, name: str, key: str) -> Reading | None:
        """Return what a measure says of a key, None where there is none of that name or before the first tick."""
        return None if self.now is None else self.measured.read(self, name, key, self.now)

    def held(self) -> Held:
        return self.who_holds()

    def chain(self, symbol: str) -> Chain | None:
        return self._chains.get(symbol)

    def datum(self, dataset: str, key: str) -> Datum | None:
        return self._data.get((dataset, key))

    def data(self) -> Mapping[tuple[str, str], Datum]:
        return self._data

    def spots(self) -> list[tuple[str, Quote]]:
        """Return the quotes of all that is no option."""
        return [(key, quote) for key in self._underlyings if (quote := self.quote(key)) is not None]

    def grid(self, key: str) -> PriceGrid:
        known = self._grids.get(key)
        if known is None:
            known = self._grids[key] = price_grid(parse_osi(key).root)
        return known

    def remember(self, contracts: Mapping[str, tuple[Instrument, PriceGrid]]) -> None:
        """Learn what the store knows of options: id at the broker and price grid. What it does not know is news again:
        a tick that failed did not write it."""
        self._instruments = {key: instrument for key, (instrument, _) in contracts.items()}
        self._grids.update({key: grid for key, (_, grid) in contracts.items()})

    def take_changed(self) -> set[str]:
        """Return the keys whose quote changed since the last call."""
        changed, self.changed = self.changed, set()
        return changed

    def turn_to(self, today: date, held: Collection[str]) -> None:
        """Let go of the options that expired before `today`, but for those that are still held: they are settled
        later."""
        prices: tuple[dict[str, Any], ...] = (
            self._quotes, self._by_line, self._greeks, self._books, self._trades, self._looks,
        )  # fmt: skip
        for table in (*prices, self._grids, self._instruments):
            for key in [key for key in table if is_over(key, today) and key not in held]:
                del table[key]
        self._asked_once &= self._quotes.keys()

    def instrument(self, key: str) -> Instrument | None:
        """Return what the broker named under a key's conId, None before it was qualified."""
        return self._instruments.get(key)

    def settling(self, contract: OptionContract) -> OptionContract:
        """Return a contract with what the broker told of how it settles, as it is where it told nothing."""
        known = self._instruments.get(contract.key)
        return contract if known is None else known.settling(contract)

    def has_changed(self, key: str) -> bool:
        """Say whether the broker names another contract by now under a key's conId."""
        known = self._instruments.get(key)
        return known is not None and bool(known.changed)

    def withdraw(self, key: str, changed: Instrument) -> bool:
        """Value a key no longer: its conId is another contract now. Returns whether that is news."""
        if self.has_changed(key):
            return False
        self._instruments[key] = changed
        tables: tuple[dict[str, Any], ...] = (
            self._quotes, self._by_line, self._greeks, self._books, self._trades, self._looks,
        )  # fmt: skip
        for table in tables:
            table.pop(key, None)
        self.halted.discard(key)
        self.bidless.discard(key)
        return True

    def apply_quote(self, event: QuoteReceived) -> None:
        key, latest, lines = event.key, event.quote, self._lines
        known = self._instruments.get(key)
        if known is not None and known.changed:
            return
        if not event.context and key not in self._underlyings and ":" not in key and option_of_key(key) is None:
            self._underlyings[key] = None
        self._quotes[key] = latest
        if self._asked_once:
            self._asked_once.discard(key)
        if self._heard_at:
            self._heard_at.pop(key, None)
        if lines is None or latest.at > lines.at:
            self._by_line[key] = latest  # it has spoken since
        else:
            self._by_line.pop(key, None)
            if key in lines.quotes:
                self._heard_at[key] = lines.at
        looks = self._looks.get(key)
        if looks is None:
            looks = self._looks[key] = Looks()
        for quote in event.passed:
            looks.take(quote)
        looks.take(latest)
        if not latest.bid or latest.halted or self.halted or self.bidless:
            _keep_if(self.halted, key, latest.halted)
            _keep_if(self.bidless, key, latest.ask is not None and not latest.bid)
        self.changed.add(key)
        self.quotes_seen += 1

    def apply_snapshot(self, event: QuoteSnapshot) -> None:
        """Take what was asked for once. A line that is healthy knows better; once there is none, this is as old as its
        time says."""
        key = event.key
        lined = self._lines is not None and key in self._lines.quotes
        if lined or self.has_changed(key):
            return
        self._asked_once.add(key)
        self._heard_at.pop(key, None)
        self._quotes[key] = self._by_line[key] = event.quote
        if event.greeks is not None:
            self._greeks[key] = event.greeks
        self.changed.add(key)

    def apply_chain(self, event: ChainTold) -> None:
        self._chains[event.symbol] = event.chain

    def apply_lines(self, event: LinesHeard) -> None:
        """A price on a healthy line is today's however long it stands; on any other it may be yesterday's."""
        self._lines = event
        self._by_line.clear()
        self._heard_at.update(dict.fromkeys(event.quotes & self._quotes.keys(), event.at))
        for key, book in self._books.items():
            self._books[key] = self._book_by_its_line(key, book)

    def _by_its_line(self, key: str, quote: Quote) -> Quote:
        lines = self._lines
        if lines is None or quote.at > lines.at or key in self._asked_once:
            return quote  # it has spoken since, or never had one
        return quote.by_its_line(self._heard_at.get(key), lost=key not in lines.quotes)

    def _book_by_its_line(self, key: str, book: Depth) -> Depth:
        lines = self._lines
        if lines is None or book.at > lines.at:
            return book
        if key in lines.books:
            return replace(book, heard_at=lines.at, lost=False)
        return book if book.lost else replace(book, lost=True)

    def looks(self, key: str) -> Looks | None:
        """Return what the bids of an instrument were in the last seconds."""
        return self._looks.get(key)

    def apply_greeks(self, event: GreeksReceived) -> None:
        if not self.has_changed(event.key):
            self._greeks[event.key] = event.greeks

    def apply_book(self, event: BookReceived) -> None:
        if not self.has_changed(event.key):
            self._books[event.key] = self._book_by_its_line(event.key, event.book)

    def apply_trades(self, event: TradesReceived) -> None:
        tape = self._trades.setdefault(event.key, [])
        tape.extend(event.trades)
        del tape[:-_TRADES_KEPT]

    def apply_bars(self, event: BarsReceived) -> None:
        self.bars.put(event.key, event.bars)

    def apply_datum(self, event: DatumReceived) -> None:
        place = event.dataset, event.key
        fault = self.diverging.get(place, "")
        self._data[place] = Datum(event.value, event.source_at, event.received_at, event.ttl_s, event.source, fault)

    def mark(self, place: tuple[str, str], fault: str) -> None:
        """Say of a data set and key how it differs from the broker's; empty: not any more."""
        if fault:
            self.diverging[place] = fault
        else:
            self.diverging.pop(place, None)
        datum = self._data.get(place)
        if datum is not None:
            self._data[place] = replace(datum, fault=fault)

    def apply_qualified(self, event: ContractQualified) -> bool:
        """Learn an option's id at the broker and its grid; returns whether either is news."""
        if event.grid is None or event.con_id is None:
            return False
        known = (self._instruments.get(event.key), self._grids.get(event.key))
        now = event.instrument or Instrument(event.con_id, "")
        if known[0] is not None and known[0].con_id == now.con_id and not now.is_complete:
            now = known[0]
        self._instruments[event.key], self._grids[event.key] = now, event.grid
        return known != (now, event.grid)


def _keep_if(keys: set[str], key: str, is_so: bool) -> None:
    if is_so:
        keys.add(key)
    elif key in keys:
        keys.discard(key)
