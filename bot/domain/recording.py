"""What a recording is made of: rows of a few kinds, each with its sequence, its time of receipt and its source.

A row is what came, when it came: `sequence` counts everything that one day's recording received, without a hole;
`received_at` is our clock's time at the receipt, and nothing of a row may be known before it. A recording is a folder
a day; in it a table a kind, whose columns are named here. Prices are texts, exactly as they came; times are
microseconds in UTC; what is no table of numbers is one fact as plain data (`bot.domain.plain`).

`TICKS` is not received: it says when the loop took what had come (the clock's time, the steady time). With it a replay
takes the same facts at the same moments. `RUNS` says under which settings the bot ran, and which it took meanwhile;
`GAPS` what was not recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from bot.domain.errors import BotError
from bot.domain.events import Event
from bot.domain.events.account import (
    AccountReported,
    BrokerSnapshot,
    CurrencyTold,
    ForeignSeen,
    PositionPnlTold,
    PositionTold,
)
from bot.domain.events.feeds import DatumReceived, EndpointReported, FeedReported
from bot.domain.events.host import ClockParted, DiskTold, JobRan
from bot.domain.events.link import BrokerTimeTold, LinkChanged
from bot.domain.events.market_data import (
    BarsReceived,
    BookReceived,
    ChainTold,
    ContractChanged,
    ContractQualified,
    GreeksReceived,
    HoursTold,
    LineReported,
    LinesHeard,
    QuoteReceived,
    QuoteSnapshot,
    TradesReceived,
)
from bot.domain.events.orders import (
    CommissionReported,
    ExecutionReported,
    OrderErred,
    OrderNotSent,
    OrderReported,
    OrderSent,
    WhatIfAnswered,
)
from bot.domain.events.people import AlertRaised, InboundReceived, RequestReceived, RequestUnreadable
from bot.domain.plain import as_text, from_text
from bot.domain.quotes import Greeks, Quote

SCHEMA: Final = 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class RecordingFault(BotError):
    """A recording that cannot be read, or not whole; the text names the file and what is wrong with it."""


class EventKind(StrEnum):
    """The tables of a recording; each word is the name of its files."""

    QUOTES = "quotes"
    GREEKS = "greeks"
    BOOKS = "books"
    TRADES = "trades"
    LINES = "lines"
    CONTRACTS = "contracts"
    ORDERS = "orders"
    EXECUTIONS = "executions"
    ACCOUNT = "account"
    LINK = "link"
    DATA = "data"
    FEEDS = "feeds"
    ANSWERS = "answers"
    PEOPLE = "people"
    BOT = "bot"
    CLOCK = "clock"
    TICKS = "ticks"
    RUNS = "runs"
    GAPS = "gaps"


class Column(StrEnum):
    """What a column holds; every one may be empty."""

    PRICE = "price"  # a decimal number as it was written
    WHOLE = "whole"
    NUMBER = "number"
    MOMENT = "moment"  # microseconds since 1970, UTC
    FLAG = "flag"
    TEXT = "text"
    BYTES = "bytes"


COMMON: Final[Sequence[tuple[str, Column]]] = (
    ("sequence", Column.WHOLE),
    ("received_at", Column.MOMENT),
    ("source", Column.TEXT),
    ("key", Column.TEXT),
)
"""The columns that every kind begins with."""

_FACT: Final = (("fact", Column.TEXT),)

COLUMNS: Final[Mapping[EventKind, Sequence[tuple[str, Column]]]] = MappingProxyType(
    {
        **dict.fromkeys(EventKind, _FACT),
        EventKind.QUOTES: (
            ("bid", Column.PRICE), ("ask", Column.PRICE), ("bid_size", Column.WHOLE), ("ask_size", Column.WHOLE),
            ("last", Column.PRICE), ("at", Column.MOMENT), ("delayed", Column.FLAG), ("halted", Column.FLAG),
            ("close", Column.PRICE), ("heard_at", Column.MOMENT), ("lost", Column.FLAG),
        ),
        EventKind.GREEKS: (
            ("iv", Column.NUMBER), ("delta", Column.NUMBER), ("gamma", Column.NUMBER), ("vega", Column.NUMBER),
            ("theta", Column.NUMBER), ("underlying", Column.NUMBER), ("at", Column.MOMENT),
        ),
        EventKind.TICKS: (("number", Column.WHOLE), ("steady_s", Column.NUMBER)),
        EventKind.ANSWERS: (
            ("path", Column.TEXT), ("asked", Column.TEXT), ("status", Column.WHOLE), ("headers", Column.TEXT),
            ("body", Column.BYTES),
        ),
    }
)  # fmt: skip
"""What each kind has beside `COMMON`; where nothing else is said, one fact as plain data."""

Row = tuple[int, int, str, str, str, tuple[Any, ...]]
"""Sequence, microseconds of the receipt, kind, source, key, and the values of the kind's own columns."""

Columns = Mapping[str, Sequence[Sequence[Any]]]
"""Rows by the word of their kind, each as its columns: those of `COMMON`, then the kind's own, all of one length."""

BROKER: Final = "ibkr"
_PEOPLE: Final = "people"
_BOT: Final = "bot"
_CLOCK: Final = "clock"

OF: Final[Mapping[type, tuple[EventKind, str]]] = MappingProxyType(
    {
        QuoteReceived: (EventKind.QUOTES, BROKER),
        GreeksReceived: (EventKind.GREEKS, BROKER),
        BookReceived: (EventKind.BOOKS, BROKER),
        TradesReceived: (EventKind.TRADES, BROKER),
        BarsReceived: (EventKind.TRADES, BROKER),
        QuoteSnapshot: (EventKind.LINES, BROKER),
        LineReported: (EventKind.LINES, BROKER),
        LinesHeard: (EventKind.LINES, BROKER),
        ContractQualified: (EventKind.CONTRACTS, BROKER),
        ContractChanged: (EventKind.CONTRACTS, BROKER),
        ChainTold: (EventKind.CONTRACTS, BROKER),
        HoursTold: (EventKind.CONTRACTS, BROKER),
        OrderSent: (EventKind.ORDERS, _BOT),
        OrderNotSent: (EventKind.ORDERS, _BOT),
        OrderReported: (EventKind.ORDERS, BROKER),
        OrderErred: (EventKind.ORDERS, BROKER),
        WhatIfAnswered: (EventKind.ORDERS, BROKER),
        ExecutionReported: (EventKind.EXECUTIONS, BROKER),
        CommissionReported: (EventKind.EXECUTIONS, BROKER),
        AccountReported: (EventKind.ACCOUNT, BROKER),
        PositionTold: (EventKind.ACCOUNT, BROKER),
        PositionPnlTold: (EventKind.ACCOUNT, BROKER),
        CurrencyTold: (EventKind.ACCOUNT, BROKER),
        ForeignSeen: (EventKind.ACCOUNT, BROKER),
        BrokerSnapshot: (EventKind.ACCOUNT, BROKER),
        LinkChanged: (EventKind.LINK, BROKER),
        BrokerTimeTold: (EventKind.CLOCK, BROKER),
        ClockParted: (EventKind.CLOCK, _CLOCK),
        DatumReceived: (EventKind.DATA, ""),
        FeedReported: (EventKind.FEEDS, ""),
        EndpointReported: (EventKind.FEEDS, ""),
        RequestReceived: (EventKind.PEOPLE, _PEOPLE),
        RequestUnreadable: (EventKind.PEOPLE, _PEOPLE),
        InboundReceived: (EventKind.PEOPLE, _PEOPLE),
        AlertRaised: (EventKind.BOT, _BOT),
        JobRan: (EventKind.BOT, _BOT),
        DiskTold: (EventKind.BOT, _BOT),
    }
)
"""Kind and source of each fact; "": the fact itself says who its source is."""


def micros(at: datetime) -> int:
    """Return an aware time as microseconds since 1970."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _micros_of(times: Iterable[datetime]) -> list[int]:
    """Return many aware times as microseconds since 1970; until 2255 a float holds each of them. What came in one go
    bears one time, which is reckoned once."""
    found, before, us = list[int](), None, 0
    for at in times:
        if at is not before:
            before, us = at, round(at.timestamp() * 1e6)
        found.append(us)
    return found


def moment(us: int) -> datetime:
    """Return the time of so many microseconds since 1970."""
    return _EPOCH + us * _MICROSECOND


def values_of(event: Event) -> tuple[Any, ...]:
    """Return what the columns of its kind hold of a fact; raises NotPlain."""
    if isinstance(event, QuoteReceived):
        return _of_quote(event.quote)
    if isinstance(event, GreeksReceived):
        greeks = event.greeks
        values = (greeks.iv, greeks.delta, greeks.gamma, greeks.vega, greeks.theta, greeks.underlying)
        return (*values, micros(greeks.at))
    return (as_text(event),)


def source_of(event: Event, source: str) -> str:
    """Return who said it."""
    return source or str(getattr(event, "source", "") or getattr(event, "feed", "") or "unusual_whales")


def key_of(event: Event) -> str:
    """Return what a fact is about, in one word that a reader can look for."""
    for name in ("key", "order_ref", "exec_id", "id", "code", "signal_id", "symbol"):
        held = getattr(event, name, None)
        if isinstance(held, str):
            return f"{event.dataset}:{held}" if isinstance(event, DatumReceived) else held
    match event:
        case OrderReported(view):
            return view.order_ref
        case ExecutionReported(execution):
            return execution.order_ref
    return ""


def _of_quote(quote: Quote) -> tuple[Any, ...]:
    bid, ask, last, close = quote.bid, quote.ask, quote.last, quote.close
    return (
        None if bid is None else str(bid),
        None if ask is None else str(ask),
        quote.bid_size,
        quote.ask_size,
        None if last is None else str(last),
        micros(quote.at),
        quote.delayed,
        quote.halted,
        None if close is None else str(close),
        None if quote.heard_at is None else micros(quote.heard_at),
        quote.lost,
    )


def quote_columns(heard: Sequence[tuple[int, int, QuoteReceived]]) -> list[Sequence[Any]]:
    """Return the columns of many quotes, each with its sequence and the microseconds of its receipt: what `values_of`
    says of each, at a quarter of the price."""
    quotes = [event.quote for _, _, event in heard]
    return [
        [number for number, _, _ in heard],
        [us for _, us, _ in heard],
        [BROKER] * len(heard),
        [event.key for _, _, event in heard],
        [None if (bid := quote.bid) is None else str(bid) for quote in quotes],
        [None if (ask := quote.ask) is None else str(ask) for quote in quotes],
        [quote.bid_size for quote in quotes],
        [quote.ask_size for quote in quotes],
        [None if (last := quote.last) is None else str(last) for quote in quotes],
        _micros_of(quote.at for quote in quotes),
        [quote.delayed for quote in quotes],
        [quote.halted for quote in quotes],
        [None if (close := quote.close) is None else str(close) for quote in quotes],
        [None if (heard_at := quote.heard_at) is None else micros(heard_at) for quote in quotes],
        [quote.lost for quote in quotes],
    ]


@lru_cache(maxsize=65_536)
def price(written: str | None) -> Decimal | None:
    """Return a price as it was written."""
    return None if written is None else Decimal(written)


def _quote_of(key: str, values: Sequence[Any]) -> Event:
    bid, ask, bid_size, ask_size, last, at, delayed, halted, close, heard_at, lost = values
    heard = None if heard_at is None else moment(heard_at)
    before = None if close is None else price(close)
    quote = Quote(
        price(bid), price(ask), bid_size, ask_size, price(last), moment(at), delayed, halted, before, heard, lost
    )
    return QuoteReceived(key, quote)


def _greeks_of(key: str, values: Sequence[Any]) -> Event:
    iv, delta, gamma, vega, theta, underlying, at = values
    return GreeksReceived(key, Greeks(iv, delta, gamma, vega, theta, underlying, moment(at)))


def _fact_of(key: str, values: Sequence[Any]) -> Event:
    fact = from_text(values[0])
    if type(fact) not in OF:
        raise RecordingFault(f"{type(fact).__name__} is no fact")
    return fact  # type: ignore[no-any-return]


_MAKERS: Final[Mapping[EventKind, Callable[[str, Sequence[Any]], Event]]] = MappingProxyType(
    {EventKind.QUOTES: _quote_of, EventKind.GREEKS: _greeks_of}
)
NO_FACTS: Final = frozenset({EventKind.TICKS, EventKind.RUNS, EventKind.GAPS, EventKind.ANSWERS})
"""Kinds whose rows are about the recording, or are kept for people, and never reach the loop."""


def fact_of(kind: EventKind, key: str, values: Sequence[Any]) -> Event:
    """Return the fact of a row; raises NotPlain or RecordingFault for one that none can be made of."""
    return _MAKERS.get(kind, _fact_of)(key, values)


@dataclass(frozen=True, slots=True)
class RunTold:
    """How the bot ran that was recorded. `settings`: those sections of the settings that decide, as they were in
    force; `seed` is what its ids were made of; `speed` is clock seconds per wall second."""

    started_at: datetime
    bot_id: str
    mode: str
    scenario: str
    speed: float
    seed: int
    config_version: str
    overseen: bool
    settings: Mapping[str, Any]
    account: str = ""
    positions: int = 0  # what the store held when the recording began


@dataclass(frozen=True, slots=True)
class SettingsTold:
    """Settings that came into force while the bot ran, from its next tick on; `settings` as of `RunTold`."""

    at: datetime
    config_version: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """Facts that came and are not in the recording: how many, since when, and why."""

    count: int
    since: datetime
    until: datetime
    why: str
