"""Historical ticks: single trades, quotes and midpoints around a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from bot.sim.tws.bars import sessions_between
from bot.sim.tws.wire import Value, WireMessage
from bot.sim.vocabulary import Market, Print, TopOfBook, VenueInstrument

MOST_TICKS: Final = 1000
_QUOTE_STEP: Final = timedelta(seconds=1)
_FIRST_WINDOW: Final = timedelta(minutes=1)
_LONGEST_SEARCH: Final = timedelta(days=5)


class Touch(NamedTuple):
    at: datetime
    top: TopOfBook


def last_prints(market: Market, instrument: VenueInstrument, until: datetime, count: int) -> list[Print]:
    """Return the newest `count` trades up to `until`, oldest first."""
    found: list[Print] = []
    for opens, closes in reversed(sessions_between(market, until - _LONGEST_SEARCH, until)):
        end, window = min(closes, until), _FIRST_WINDOW
        while end > opens and len(found) < count:
            start = max(opens, end - window)
            found = market.prints(instrument, start, end) + found
            end, window = start, window * 2
        if len(found) >= count:
            break
    return found[-count:]


def first_prints(
    market: Market, instrument: VenueInstrument, since: datetime, now: datetime, count: int
) -> list[Print]:
    """Return the oldest `count` trades after `since`, oldest first."""
    found: list[Print] = []
    for opens, closes in sessions_between(market, since, min(now, since + _LONGEST_SEARCH)):
        start, window = max(opens, since), _FIRST_WINDOW
        while start < min(closes, now) and len(found) < count:
            end = min(start + window, closes, now)
            found += market.prints(instrument, start, end)
            start, window = end, window * 2
    return found[:count]


def quotes(
    market: Market, instrument: VenueInstrument, since: datetime | None, until: datetime, count: int
) -> list[Touch]:
    """Return `count` changes of the best bid and offer, second by second: after `since`, or before `until` without."""
    if since is not None:
        return _distinct(_forward(market, instrument, since, until), count)
    return _distinct(_backward(market, instrument, until), count)[::-1]


def _forward(market: Market, instrument: VenueInstrument, since: datetime, until: datetime) -> Iterator[Touch]:
    for opens, closes in sessions_between(market, since, min(until, since + _LONGEST_SEARCH)):
        at = max(opens, since)
        while at < min(closes, until):
            yield Touch(at, market.top(instrument, at))
            at += _QUOTE_STEP


def _backward(market: Market, instrument: VenueInstrument, until: datetime) -> Iterator[Touch]:
    for opens, closes in reversed(sessions_between(market, until - _LONGEST_SEARCH, until)):
        at = min(closes, until)
        while at > opens:
            yield Touch(at, market.top(instrument, at))
            at -= _QUOTE_STEP


def _distinct(source: Iterator[Touch], count: int) -> list[Touch]:
    kept: list[Touch] = []
    for quote in source:
        if quote.top.bid is None or quote.top.ask is None:
            continue
        if not kept or _shown(quote.top) != _shown(kept[-1].top):
            kept.append(quote)
        if len(kept) >= count:
            break
    return kept


def _shown(top: TopOfBook) -> tuple[Decimal | int | None, ...]:
    return top.bid, top.ask, top.bid_size, top.ask_size


def trade_ticks(req_id: int, prints: Sequence[Print]) -> WireMessage:
    """Return historicalTicksLast (98)."""
    fields: list[Value] = [req_id, len(prints)]
    for each in prints:
        fields += [int(each.at.timestamp()), 0, each.price, each.size, each.exchange, each.conditions]
    return WireMessage(98, (*fields, True))


def quote_ticks(req_id: int, found: Sequence[Touch]) -> WireMessage:
    """Return historicalTicksBidAsk (97)."""
    fields: list[Value] = [req_id, len(found)]
    for at, top in found:
        fields += [int(at.timestamp()), 0, top.bid, top.ask, top.bid_size, top.ask_size]
    return WireMessage(97, (*fields, True))


def midpoint_ticks(req_id: int, found: Sequence[Touch]) -> WireMessage:
    """Return historicalTicks (96)."""
    fields: list[Value] = [req_id, len(found)]
    for at, top in found:
        fields += [int(at.timestamp()), 0, ((top.bid or Decimal(0)) + (top.ask or Decimal(0))) / 2, 0]
    return WireMessage(96, (*fields, True))
