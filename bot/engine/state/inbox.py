"""Where adapters leave what happened. Market data is conflated per instrument; facts about orders and money never
are."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from bot.domain.events import Event
from bot.domain.events.account import CurrencyTold, PositionPnlTold
from bot.domain.events.feeds import DatumReceived, EndpointReported, FeedReported
from bot.domain.events.market_data import (
    BarsReceived,
    BookReceived,
    ChainTold,
    GreeksReceived,
    LineReported,
    LinesHeard,
    QuoteReceived,
    QuoteSnapshot,
    TradesReceived,
)

Fact = TypeVar("Fact")
_SLOW = (
    TradesReceived,
    DatumReceived,
    FeedReported,
    EndpointReported,
    BookReceived,
    GreeksReceived,
    LineReported,
    BarsReceived,
    CurrencyTold,
    PositionPnlTold,
    QuoteSnapshot,
    ChainTold,
)
_PASSED_MOST = 20
_CONFLATED = (QuoteReceived, GreeksReceived, BookReceived, LinesHeard)


class Recorder(Protocol):
    """Who keeps what comes, as it comes."""

    def heard(self, event: Event) -> None:
        """Take a fact before anything is made of it; never raises, never waits."""
        ...

    def ticked(self, number: int, now: datetime, steady_s: float) -> None:
        """Take that the tick of this number, at this time, is about to take what came."""
        ...


class Inbox:
    """One consumer (the tick), many producers in the same event loop.

    A fact wakes the tick at once; a quote does so only when it crosses a level that somebody watches. Everything else
    waits for the next tick.
    """

    def __init__(self, recorder: Recorder | None = None) -> None:
        self._recorder = recorder
        self._facts: deque[Event] = deque()
        self._quotes: dict[str, QuoteReceived] = {}  # the latest of each instrument
        self._latest: dict[tuple[type, str], Event] = {}  # of all else that is conflated
        self._urgent = asyncio.Event()
        self._levels: dict[str, tuple[Decimal | None, Decimal | None]] = {}

    def put(self, event: Event) -> None:
        """Take an event; never blocks, never drops a fact."""
        if self._recorder is not None:
            self._recorder.heard(event)
        if type(event) is QuoteReceived:
            self._put_quote(event)
            return
        if isinstance(event, _CONFLATED):
            self._latest[type(event), event.key] = event
            return
        self._facts.append(event)
        if not isinstance(event, _SLOW):
            self._urgent.set()

    def _put_quote(self, event: QuoteReceived) -> None:
        key = event.key
        waiting = self._quotes.get(key)
        if waiting is not None:
            passed = (*waiting.passed, waiting.quote)[-_PASSED_MOST:]
            event = QuoteReceived(key, event.quote, passed, event.context)
        self._quotes[key] = event
        if key in self._levels and self._crosses(event):
            self._urgent.set()

    def watch(self, key: str, low: Decimal | None, high: Decimal | None) -> None:
        """Wake the tick when the bid of `key` is at or below `low`, or at or above `high`; both None: watch no more."""
        if low is None and high is None:
            self._levels.pop(key, None)
        else:
            self._levels[key] = (low, high)

    def _crosses(self, event: QuoteReceived) -> bool:
        levels = self._levels.get(event.key)
        bid = event.quote.bid
        if levels is None or bid is None:
            return False
        low, high = levels
        return (low is not None and bid <= low) or (high is not None and bid >= high)

    def ticked(self, number: int, now: datetime, steady_s: float) -> None:
        """Say which tick is about to take what came, and when."""
        if self._recorder is not None:
            self._recorder.ticked(number, now, steady_s)

    def take(self) -> list[Event]:
        """Return everything that came, market data first so that facts are judged against the freshest quotes."""
        self._urgent.clear()
        events: list[Event] = [*self._quotes.values(), *self._latest.values(), *self._facts]
        self._quotes.clear()
        self._latest.clear()
        self._facts.clear()
        return events

    def put_back(self, events: Iterable[Event]) -> None:
        """Return facts of a tick that failed to the front, in their order; the market data of it is on the board."""
        self._facts.extendleft(reversed([e for e in events if not isinstance(e, _CONFLATED)]))
        self._urgent.set()

    def waiting(self, kind: type[Fact]) -> list[Fact]:
        """Return the facts of one kind that nobody took yet; they stay."""
        return [fact for fact in self._facts if isinstance(fact, kind)]

    @property
    def depth(self) -> int:
        return len(self._facts) + len(self._quotes) + len(self._latest)

    @property
    def urgent(self) -> bool:
        return self._urgent.is_set()

    async def wait_urgent(self) -> None:
        await self._urgent.wait()
