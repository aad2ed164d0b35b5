"""Option chains asked of the broker: expiries and strikes by trading class, for each underlying in one question.

TWS answers with a row for every exchange and class; where a class is listed on SMART that row stands for it, else all
of its exchanges together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from bot.broker.contracts import SMART, ContractBook, instrument_of
from bot.broker.hours import day_of
from bot.broker.wire import Wire
from bot.broker.words import number
from bot.domain.chains import Chain, ChainListing
from bot.domain.errors import BrokerError
from bot.domain.events.market_data import ChainTold
from bot.domain.events.people import AlertRaised
from bot.domain.instruments import Underlying
from bot.domain.outside import outside
from bot.engine.state.ports import Clock, Sink

SLOW: Final = 3
"""The answer is long: so many times the usual deadline."""
_MOST_CLASS: Final = 6


@dataclass(frozen=True, slots=True)
class ChainRow:
    """One row of the answer, as it came."""

    exchange: str
    trading_class: str
    multiplier: str
    expiries: tuple[str, ...]
    strikes: tuple[float, ...]


class ChainDesk:
    """One question an underlying at a time. Who is not answered is asked again when the engine asks again."""

    def __init__(self, wire: Wire, book: ContractBook, clock: Clock, sink: Sink, deadline_s: float) -> None:
        self._wire = wire
        self._book = book
        self._clock = clock
        self._sink = sink
        self._deadline_s = deadline_s * SLOW
        self._asking: dict[str, asyncio.Task[None]] = {}

    def ask(self, symbols: Sequence[str]) -> None:
        """Ask for the chains of underlyings that the broker has named; nothing happens for others."""
        for symbol in symbols if self._wire.ready else ():
            con_id = self._book.con_id(symbol)
            if con_id is not None and symbol not in self._asking:
                asking = self._fetch(symbol, con_id)
                self._asking[symbol] = asyncio.create_task(asking, name=f"chain of {symbol}")

    def forget(self) -> None:
        """The connection is gone, and with it every question."""
        for task in self._asking.values():
            task.cancel()
        self._asking.clear()

    async def _fetch(self, symbol: str, con_id: int) -> None:
        under = instrument_of(symbol)
        kind = under.kind.value if isinstance(under, Underlying) else ""
        request_id = self._wire.request_id()

        def send() -> None:
            self._wire.later(lambda client: client.reqSecDefOptParams(request_id, symbol, "", kind, con_id), idle=True)

        try:
            rows: list[ChainRow] = await self._wire.requests.ask(request_id, send, self._deadline_s)
        except BrokerError as error:
            if self._wire.ready:
                self._unanswered(symbol, str(error))
            return
        finally:
            self._asking.pop(symbol, None)
        listings = listings_of(rows)
        if not listings:
            self._unanswered(symbol, "it lists none that can be read")
            return
        self._sink(ChainTold(symbol, Chain(symbol, listings, self._clock.now())))

    def _unanswered(self, symbol: str, why: str) -> None:
        facts = {"symbol": symbol, "why": why}
        self._sink(AlertRaised("CHAIN_UNKNOWN", f"no option chain of {symbol}: {why}", facts, self._clock.now()))


def listings_of(rows: Iterable[ChainRow]) -> tuple[ChainListing, ...]:
    """Return what is listed, by class and contract size; what cannot be read is left out."""
    classes: dict[tuple[str, int], list[ChainRow]] = {}
    for row in rows:
        name, size = outside(row.trading_class, _MOST_CLASS + 1), row.multiplier
        if name and len(name) <= _MOST_CLASS and size.isascii() and size.isdigit():
            classes.setdefault((name, int(size)), []).append(row)
    return tuple(
        listing for (name, size), each in sorted(classes.items()) if (listing := _listing(name, size, each)) is not None
    )


def _listing(name: str, size: int, rows: Sequence[ChainRow]) -> ChainListing | None:
    routed = [row for row in rows if row.exchange == SMART] or rows
    days: set[date] = {day for row in routed for text in row.expiries if (day := day_of(text)) is not None}
    strikes = {exact for row in routed for each in row.strikes if (exact := _strike(each)) is not None}
    if not days or not strikes:
        return None
    return ChainListing(name, size, tuple(sorted(days)), tuple(sorted(strikes)))


def _strike(value: float) -> Decimal | None:
    """Return a strike that an option's symbol has room for, else None."""
    exact = number(value)
    if exact is None or not 0 < exact < 100_000 or exact * 1000 % 1:
        return None
    return exact
