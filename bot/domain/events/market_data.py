"""Facts of market data: quotes, books, prints, bars and greeks (conflated per instrument, the last one wins), the lines
they come by, and the contracts that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.domain.bars import PriceBar
from bot.domain.chains import Chain
from bot.domain.hours import DayHours
from bot.domain.instruments import Instrument, PriceGrid
from bot.domain.outside import outside, through
from bot.domain.quotes import Depth, Greeks, Quote, TradePrint


@dataclass(frozen=True, slots=True)
class QuoteReceived:
    """`passed`: what came since the tick before and was passed over by this one, the oldest first. A price that the
    market took back meanwhile must not look as if it had stood."""

    key: str
    quote: Quote
    passed: tuple[Quote, ...] = ()
    context: bool = False  # watched for context alone: shown, and no underlying of anything that is traded


@dataclass(frozen=True, slots=True)
class QuoteSnapshot:
    """What was asked for once, without a line: as old as its time, and nothing keeps it up to date."""

    key: str
    quote: Quote
    greeks: Greeks | None = None


@dataclass(frozen=True, slots=True)
class ChainTold:
    """What the broker lists of options on an underlying."""

    symbol: str
    chain: Chain


@dataclass(frozen=True, slots=True)
class LinesHeard:
    """Which lines are healthy at `at`: subscribed and answered, without an error, farm and link connected, and
    the broker heard of since the last such word. What they last said is still the price; of any other line it may not
    be. By the keys of quotes and of books."""

    quotes: frozenset[str]
    books: frozenset[str]
    at: datetime
    key: str = "*"  # the latest word on all of them counts


@dataclass(frozen=True, slots=True)
class LineReported:
    """How one market data line stands: `rank` and `state` are words of `bot.domain.lines`, `group_name` the universe's
    group that it belongs to (empty: none), `gaps` what was found missing in its sequence on this connection."""

    key: str
    kind: str  # quote, book, trades, bars
    rank: str
    group_name: str
    state: str
    detail: str
    ticked_at: datetime | None
    gaps: int
    at: datetime

    def __post_init__(self) -> None:
        through(self, detail=outside(self.detail))


@dataclass(frozen=True, slots=True)
class GreeksReceived:
    key: str
    greeks: Greeks


@dataclass(frozen=True, slots=True)
class BookReceived:
    key: str
    book: Depth


@dataclass(frozen=True, slots=True)
class TradesReceived:
    key: str
    trades: Sequence[TradePrint]


@dataclass(frozen=True, slots=True)
class BarsReceived:
    """Bars of one instrument, of five seconds or a minute, each perhaps not for the first time."""

    key: str
    bars: Sequence[PriceBar]


@dataclass(frozen=True, slots=True)
class ContractQualified:
    """The broker knows the contract: its id and its price grid are now fixed. `con_id` None: the broker does not know
    it."""

    key: str
    con_id: int | None
    grid: PriceGrid | None = None
    detail: str = ""
    instrument: Instrument | None = None  # as contract details name it

    def __post_init__(self) -> None:
        through(self, detail=outside(self.detail))


@dataclass(frozen=True, slots=True)
class ContractChanged:
    """The broker names another contract under a conId of ours than before (a split, a new name, another deliverable):
    `instrument` is as it was named first, with `changed` saying what differs."""

    key: str
    instrument: Instrument
    at: datetime


@dataclass(frozen=True, slots=True)
class HoursTold:
    """The trading hours that the broker tells of a contract, day by day. `last_day`: its last day of trading; None: it
    has none, or none that could be read."""

    key: str
    days: Sequence[DayHours]
    last_day: date | None
    at: datetime
