"""LOBSTER: every message of one symbol's order book, with the best quotes after each and the book at its beginning.

`messages*.csv` (time, type, order_id, size, price, direction) is needed. `book*.csv` begins it: its first row is the
book after the first message; without it the levels that stood before are not known. `bbo*.csv` is held against what
comes of the messages. Prices are dollars times 10,000, times seconds after New York's midnight.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from bot.analytics.tape_report import TapeEvent
from bot.domain.events.market_data import BookReceived, QuoteReceived, TradesReceived
from bot.domain.quotes import Depth, DepthLevel, Quote, TradePrint
from bot.domain.recording import RecordingFault
from bot.record.imports.source import Heard, Imported, of_the_day, table

LACKS: Final = "orders from before the first message beyond the book's first row; hidden orders that never traded"
_NEW, _LESS, _GONE, _TRADED, _HIDDEN = "1", "2", "3", "4", "5"
_SCALE: Final = 4
_LEVELS: Final = 10
_BOOK_EVERY_S: Final = 1
_EMPTY: Final = 9_999_999_999


class OrderBook:
    """Sizes by price of both sides; prices times 10,000."""

    def __init__(self) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}

    def start(self, row: Mapping[str, Any]) -> None:
        """Take the levels of a row of a LOBSTER book."""
        for side, name in ((self.bids, "bid"), (self.asks, "ask")):
            for number in range(1, 1 + sum(1 for column in row if column.startswith(f"{name}_price_"))):
                level, size = int(row[f"{name}_price_{number}"]), int(row[f"{name}_size_{number}"])
                if abs(level) != _EMPTY and size > 0:
                    side[level] = size

    def apply(self, kind: str, level: int, size: int, direction: str) -> None:
        """Take a message: a new order adds, everything else but a hidden trade takes away."""
        side = self.bids if direction == "1" else self.asks
        if kind == _NEW:
            side[level] = side.get(level, 0) + size
        elif kind in {_LESS, _GONE, _TRADED} and level in side:
            left = side[level] - size
            if left > 0:
                side[level] = left
            else:
                del side[level]

    def best(self) -> tuple[int | None, int, int | None, int]:
        """Return best bid and its size, best ask and its size."""
        bid, ask = max(self.bids, default=None), min(self.asks, default=None)
        return bid, self.bids.get(bid, 0) if bid else 0, ask, self.asks.get(ask, 0) if ask else 0

    def depth(self, at: datetime) -> Depth:
        bids = tuple(DepthLevel(_dollars(p), self.bids[p]) for p in sorted(self.bids, reverse=True)[:_LEVELS])
        return Depth(bids, tuple(DepthLevel(_dollars(p), self.asks[p]) for p in sorted(self.asks)[:_LEVELS]), at)


def read(asked: Imported) -> Iterator[Heard]:
    """Yield best quotes as they change, the book once a second, trades as they are made."""
    messages = _one(asked.files, "message")
    if messages is None:
        raise RecordingFault("lobster: no file of messages is among them (its name holds `messages`)")
    key, day = asked.symbol or _symbol(messages), asked.day_of(messages)
    begin, best = _one(asked.files, "book"), _one(asked.files, "bbo")
    book = OrderBook()
    if begin is None:
        asked.notes.append("no book was given: what stood before the first message is not known")
    yield from _played(asked, key, day, book, messages, begin, best)


_SOME_DAY: Final = date(2000, 1, 3)  # the files tell times alone, and nothing here goes by the day


def tape(messages: Path, best: Path) -> Iterator[TapeEvent]:
    """Yield every message with the best quotes around it, from the file of best quotes after each. Raises
    RecordingFault for files that are not these or not of one length."""
    before: Quote | None = None
    for message, wanted in zip_longest(table(messages), table(best)):
        if message is None or wanted is None:
            raise RecordingFault(f"{best.name} and {messages.name} have not the same number of rows")
        try:
            at, kind = of_the_day(_SOME_DAY, Decimal(message["time"])), message["type"]
            price, size, after = _dollars(int(message["price"])), int(message["size"]), _quote(_touch(wanted), None, at)
        except (KeyError, ValueError, ArithmeticError, TypeError) as error:
            raise RecordingFault(f"{messages.name}, {best.name}: a row is not LOBSTER's: {error!r}") from error
        if before is not None:
            is_trade = kind in {_TRADED, _HIDDEN}
            trade = TradePrint(price, size, at, before.bid, before.ask) if is_trade else None
            yield TapeEvent(before, after, trade, kind == _HIDDEN)
        before = after


def _played(
    asked: Imported, key: str, day: date, book: OrderBook, messages: Path, begin: Path | None, best: Path | None
) -> Iterator[Heard]:
    before: tuple[Any, ...] = ()
    last, told_s, differ = None, -1.0, 0
    rows = zip_longest(table(messages), table(best) if best is not None else ())
    for number, (message, wanted) in enumerate(rows):
        if message is None:
            raise RecordingFault(f"{best.name if best else ''}: it has more rows than {messages.name}")
        asked.read += 1
        at, kind = of_the_day(day, Decimal(message["time"])), message["type"]
        if number == 0:
            yield from asked.name(key, at)
        level, size = int(message["price"]), int(message["size"])
        if number == 0 and begin is not None:
            book.start(next(iter(table(begin))))
        else:
            book.apply(kind, level, size, message["direction"])
        if kind in {_TRADED, _HIDDEN}:
            last = _dollars(level)
            yield Heard(at, TradesReceived(key, (TradePrint(last, size, at),)))
        touch = book.best()
        differ += wanted is not None and touch != _touch(wanted)
        if touch != before or kind in {_TRADED, _HIDDEN}:
            before = touch
            yield Heard(at, QuoteReceived(key, _quote(touch, last, at)))
        if (seconds := float(message["time"])) - told_s >= _BOOK_EVERY_S:
            told_s = seconds
            yield Heard(at, BookReceived(key, book.depth(at)))
    if best is not None:
        asked.notes.append(
            f"best quotes are as in {best.name} after {asked.read - differ:,} of {asked.read:,} messages"
        )


def _touch(row: Mapping[str, Any]) -> tuple[int | None, int, int | None, int]:
    bid, ask = int(row["bid_price_1"]), int(row["ask_price_1"])
    known = (bid if abs(bid) != _EMPTY else None, ask if abs(ask) != _EMPTY else None)
    return known[0], int(row["bid_size_1"]), known[1], int(row["ask_size_1"])


def _quote(touch: tuple[int | None, int, int | None, int], last: Decimal | None, at: datetime) -> Quote:
    bid, bid_size, ask, ask_size = touch
    return Quote(_dollars(bid) if bid else None, _dollars(ask) if ask else None, bid_size, ask_size, last, at)


def _dollars(units: int) -> Decimal:
    made = Decimal(units).scaleb(-_SCALE)
    return made.quantize(Decimal("0.01")) if units % 100 == 0 else made


def _one(files: Sequence[Path], word: str) -> Path | None:
    return next((path for path in files if word in path.name.lower()), None)


def _symbol(path: Path) -> str:
    """Return the symbol that a LOBSTER file or its folder is named by: AAPL_2012-06-21_..., lobster-aapl-2012-06-21."""
    for text in (path.name.split("_")[0], *path.parent.name.split("-")):
        if text.isalpha() and text.lower() not in {"lobster", "messages"} and len(text) <= 6:
            return text.upper()
    raise RecordingFault(f"{path.name}: which symbol it is of does not stand in its name: --symbol")
