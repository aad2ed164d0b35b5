"""Ticks of one line as IBKR's API gave them: `time, tick_type, price, size`.

Tick types: 0 bid size, 1 bid, 2 ask, 3 ask size, 4 last, 5 last size, 8 volume. A tick changes one value of the quote;
the others stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from bot.domain.events.market_data import QuoteReceived
from bot.domain.quotes import Quote
from bot.domain.recording import RecordingFault
from bot.record.imports.source import Heard, Imported, columns, price, table, whole

LACKS: Final = "the symbol where nobody recorded it, options, depth, orders"
_BID_SIZE, _BID, _ASK, _ASK_SIZE, _LAST = "0", "1", "2", "3", "4"
_NEEDED: Final = {"time", "tick_type", "price", "size"}


def read(asked: Imported) -> Iterator[Heard]:
    """Yield a quote with each tick that changes one."""
    for path in asked.files:
        if not columns(path) >= _NEEDED:
            raise RecordingFault(f"{path.name}: no ticks: its columns are not {', '.join(sorted(_NEEDED))}")
        key = asked.symbol_of(path)
        bid: Decimal | None = None
        ask: Decimal | None = None
        last: Decimal | None = None
        bid_size = ask_size = 0
        for row in table(path):
            asked.read += 1
            at, kind = datetime.fromisoformat(row["time"]).astimezone(UTC), row["tick_type"]
            if kind in {_BID, _BID_SIZE}:
                bid, bid_size = price(row["price"]), whole(row["size"])
            elif kind in {_ASK, _ASK_SIZE}:
                ask, ask_size = price(row["price"]), whole(row["size"])
            elif kind == _LAST:
                last = price(row["price"])
            else:
                continue
            yield from asked.name(key, at)
            yield Heard(at, QuoteReceived(key, Quote(bid, ask, bid_size, ask_size, last, at)))
