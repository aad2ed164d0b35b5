"""One market data line: its state as ticks build it up, and the event that tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from bot.broker import words
from bot.broker.bar_line import BarLine
from bot.broker.ib import Contract
from bot.domain.events import Event
from bot.domain.events.market_data import BookReceived, GreeksReceived, QuoteReceived, TradesReceived
from bot.domain.outside import outside
from bot.domain.quotes import Depth, DepthLevel, Greeks, Quote, TradePrint

QUOTE, BOOK, TRADES, BARS = "quote", "book", "trades", "bars"
Row = tuple[Decimal, int, str]
"""Price, size, exchange or market maker."""


class BookBroken(Exception):
    """A row beyond the book's end: what we hold is not what the venue holds."""


@dataclass(slots=True)
class QuoteLine:
    """Best prices and model greeks of one instrument."""

    key: str
    contract: Contract
    request_id: int
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    close: Decimal | None = None
    bid_size: int = 0
    ask_size: int = 0
    last_size: int = 0
    delayed: bool = False
    halted: bool = False
    greeks: Greeks | None = None
    quote_changed: bool = False
    answered: bool = False
    ticked_at: float = float("-inf")  # by the loop's time

    def price(self, tick: int, value: float, size: float) -> bool:
        """Take a price with its size; False when the tick is none that we keep."""
        plain = words.signed_price if self.contract.secType in words.SIGNED_KINDS else words.price
        if tick in words.CLOSE_TICKS:
            return self._close(plain(value))
        names = words.PRICE_TICKS.get(tick)
        if names is None:
            return False
        if tick in words.DELAYED_TICKS:
            self.turn(delayed=True)
        clean = words.ask_price if names[0] == words.ASK and plain is words.price else plain
        setattr(self, names[0], clean(value))
        setattr(self, names[1], words.size(size))
        self._tick_seen()
        return True

    def size(self, tick: int, size: float) -> bool:
        name = words.SIZE_TICKS.get(tick)
        if name is None:
            return False
        if tick in words.DELAYED_TICKS:
            self.turn(delayed=True)
        setattr(self, name, words.size(size))
        self._tick_seen()
        return True

    def _close(self, value: Decimal | None) -> bool:
        """The close of the session before comes again and again; only another one is news."""
        changed = value is not None and value != self.close
        if changed:
            self.close, self.quote_changed, self.answered = value, True, True
        return changed

    def turn(self, *, delayed: bool) -> None:
        """Data of another kind come from now on: what was said before is no part of a quote with them, for a price of a
        quarter of an hour ago beside one of now would look like a live quote."""
        if delayed == self.delayed:
            return
        self.delayed = delayed
        self.bid = self.ask = self.last = None
        self.bid_size = self.ask_size = self.last_size = 0
        self.greeks, self.answered, self.quote_changed = None, False, True

    def halt(self, value: float) -> None:
        self.halted = words.is_set(value) and value > 0
        self.quote_changed = True

    def _tick_seen(self) -> None:
        self.quote_changed = self.answered = True

    @property
    def is_sound(self) -> bool:
        """It was answered, and with live data."""
        return self.answered and not self.delayed

    def quote(self, at: datetime) -> Quote:
        """Return what it last said, as of a moment."""
        sizes = (self.bid_size, self.ask_size)
        return Quote(self.bid, self.ask, *sizes, self.last, at, self.delayed, self.halted, self.close)

    def events(self, at: datetime) -> list[Event]:
        """Return what changed since the last call."""
        told: list[Event] = []
        if self.quote_changed:
            told.append(QuoteReceived(self.key, self.quote(at)))
            self.quote_changed = False
        if self.greeks is not None:
            told.append(GreeksReceived(self.key, self.greeks))
            self.greeks = None
        return told


@dataclass(slots=True)
class BookLine:
    """Depth of one instrument as the rows arrive: smart depth has a row for every exchange at a price."""

    key: str
    contract: Contract
    request_id: int
    rows: int
    answered: bool = False
    ticked_at: float = float("-inf")
    bids: list[Row] = field(default_factory=list)
    asks: list[Row] = field(default_factory=list)

    def row(self, position: int, operation: int, side: int, value: float, size: float, maker: str = "") -> None:
        """Apply one row; raises BookBroken when it does not fit."""
        self.answered, rows = True, self.bids if side == 1 else self.asks
        if operation == 2:
            del rows[position : position + 1]
            return
        price = words.price(value)
        if price is None:
            raise BookBroken(f"price {value} in the book of {self.key}")
        level = (price, words.size(size), maker)
        if operation == 0 and position <= len(rows):
            rows.insert(position, level)
            del rows[self.rows :]
        elif operation == 1 and position < len(rows):
            rows[position] = level
        else:
            raise BookBroken(f"row {position} (operation {operation}) beyond the {len(rows)} rows of {self.key}")

    @property
    def is_sound(self) -> bool:
        return self.answered

    def clear(self) -> None:
        self.bids.clear()
        self.asks.clear()

    def events(self, at: datetime) -> list[Event]:
        return [
            BookReceived(self.key, Depth(_levels(self.bids, best_high=True), _levels(self.asks, best_high=False), at))
        ]


def _levels(rows: list[Row], *, best_high: bool) -> tuple[DepthLevel, ...]:
    """Add up the rows of each price, best price first, and keep whose they are."""
    parts: dict[Decimal, list[tuple[str, int]]] = {}
    for price, size, maker in rows:
        parts.setdefault(price, []).append((maker, size))
    return tuple(
        DepthLevel(price, sum(size for _, size in parts[price]), tuple(each for each in parts[price] if each[0]))
        for price in sorted(parts, reverse=best_high)
    )


@dataclass(slots=True)
class TapeLine:
    """Trades of one instrument, each once."""

    key: str
    contract: Contract
    request_id: int
    answered: bool = True
    ticked_at: float = float("-inf")
    trades: list[TradePrint] = field(default_factory=list)
    gaps: int = 0
    last_at: datetime | None = None

    def trade(self, epoch: int, value: float, size: float, best: QuoteLine | None, place: str, conditions: str) -> None:
        """Take one print with the quote as it stands. One that is older than the one before came out of its sequence:
        counted, and kept where it came."""
        price = words.price(value)
        if price is None:
            return
        at = datetime.fromtimestamp(epoch, UTC)
        if self.last_at is not None and at < self.last_at:
            self.gaps += 1
        else:
            self.last_at = at
        bid, ask = (best.bid, best.ask) if best is not None else (None, None)
        self.trades.append(
            TradePrint(price, words.size(size), at, bid, ask, outside(place, 12), outside(conditions, 24))
        )

    @property
    def is_sound(self) -> bool:
        return self.answered

    def events(self, at: datetime) -> list[Event]:
        del at  # a print has the venue's own time
        told, self.trades = tuple(self.trades), []
        return [TradesReceived(self.key, told)] if told else []


Line = QuoteLine | BookLine | TapeLine | BarLine
