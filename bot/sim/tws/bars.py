"""Historical bars: what a request means, and the bars of each kind of price that it may ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.sim.hours import EXCHANGE_ZONE, session
from bot.sim.tws.wire import ProtocolError, Value, WireMessage, spell_time
from bot.sim.vocabulary import Bar, Market, TopOfBook, VenueInstrument

BAR_SIZES: Final[dict[str, int]] = {
    **{f"{count} secs": count for count in (1, 5, 10, 15, 30)},
    "1 sec": 1,
    "1 min": 60,
    **{f"{count} mins": 60 * count for count in (1, 2, 3, 5, 10, 15, 20, 30)},
    "1 hour": 3600,
    **{f"{count} hours": 3600 * count for count in (1, 2, 3, 4, 8)},
    "1 day": 86400,
    "1 week": 7 * 86400,
    "1W": 7 * 86400,
    "1 month": 30 * 86400,
    "1M": 30 * 86400,
}
_UNITS: Final = {"S": 1, "D": 86400, "W": 7 * 86400, "M": 30 * 86400, "Y": 365 * 86400}
DAY_S: Final = 86400
QUOTE_KINDS: Final = frozenset({"MIDPOINT", "BID", "ASK", "BID_ASK"})
KINDS: Final = QUOTE_KINDS | {"TRADES", "ADJUSTED_LAST"}
# A bar of quotes is drawn from the book at its start and after each quarter of it.
_SAMPLES: Final = 4


@dataclass(frozen=True, slots=True)
class BarRequest:
    """Bars of `what` for one instrument; `version` decides how they are spelled."""

    instrument: VenueInstrument
    what: str
    seconds: int
    regular_hours: bool
    version: int


def bar_seconds(text: str) -> int:
    """Return the length of a bar size that TWS knows. Raises ProtocolError."""
    if text not in BAR_SIZES:
        raise ProtocolError(f"Historical data bar size setting is invalid. Legal ones are: {', '.join(BAR_SIZES)}")
    return BAR_SIZES[text]


def duration(text: str) -> timedelta:
    """Return the span of a duration such as `3600 S`, `2 D`, `1 M`. Raises ProtocolError."""
    count, _, unit = text.strip().partition(" ")
    if not count.isdigit() or unit not in _UNITS or not 0 < int(count) <= 100_000:
        raise ProtocolError("Historical data query duration is invalid: integer, space, then S, D, W, M or Y")
    return timedelta(seconds=int(count) * _UNITS[unit])


def start_of(end: datetime, text: str, market: Market) -> datetime:
    """Return where a request for the duration `text` up to `end` begins: days count as sessions, seconds as seconds."""
    span = duration(text)
    if text.strip().endswith("S"):
        return end - span
    days = max(1, round(span.total_seconds() / DAY_S))
    if not text.strip().endswith("D"):
        days = max(1, days * 5 // 7)
    day = end.astimezone(EXCHANGE_ZONE).date()
    counted = [each for each in _sessions_back(market, day, days) if each[0] < end]
    return counted[-1][0] if counted else end - span


def sessions_between(market: Market, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Return the sessions that begin in [start, end], oldest first."""
    first, last = start.astimezone(EXCHANGE_ZONE).date(), end.astimezone(EXCHANGE_ZONE).date()
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    found = (session(market, day) for day in days)
    return [each for each in found if each is not None and each[0] <= end and each[1] > start]


def _sessions_back(market: Market, last: date, count: int) -> Iterator[tuple[datetime, datetime]]:
    day = last
    while count:
        hours = session(market, day)
        if hours is not None:
            count -= 1
            yield hours
        day -= timedelta(days=1)


def bars_of(market: Market, request: BarRequest, start: datetime, end: datetime) -> list[Bar]:
    """Return the bars with start <= at < end, oldest first."""
    if request.what in QUOTE_KINDS:
        bars = list(_quote_bars(market, request, start, end))
    else:
        bars = market.bars(request.instrument, start, end, request.seconds)
    if not request.regular_hours or request.seconds >= DAY_S:
        return bars
    return [bar for bar in bars if _in_session(market, bar.at)]


def _in_session(market: Market, at: datetime) -> bool:
    hours = session(market, at.astimezone(EXCHANGE_ZONE).date())
    return hours is not None and hours[0] <= at < hours[1]


def _quote_bars(market: Market, request: BarRequest, start: datetime, end: datetime) -> Iterator[Bar]:
    step = timedelta(seconds=request.seconds)
    for opens, closes in sessions_between(market, start, end):
        at = max(opens, start)
        last = min(closes, end)
        while at < last:
            bar = _quote_bar(market, request, at, min(at + step, last))
            if bar is not None:
                yield bar
            at += step


def _quote_bar(market: Market, request: BarRequest, at: datetime, until: datetime) -> Bar | None:
    times = [at + (until - at) * quarter / _SAMPLES for quarter in range(_SAMPLES + 1)]
    quotes = [market.top(request.instrument, each) for each in times]
    quoted = [quote for quote in quotes if quote.bid is not None and quote.ask is not None]
    if not quoted:
        return None
    if request.what == "BID_ASK":
        # Open and close of this kind are the average bid and the average ask (IB's definition).
        bids, asks = [_bid(quote) for quote in quoted], [_ask(quote) for quote in quoted]
        return _bar(at, _mean(bids), max(asks), min(bids), _mean(asks))
    prices = [_PRICE[request.what](quote) for quote in quoted]
    return _bar(at, prices[0], max(prices), min(prices), prices[-1])


def _bid(quote: TopOfBook) -> Decimal:
    return quote.bid or Decimal(0)


def _ask(quote: TopOfBook) -> Decimal:
    return quote.ask or Decimal(0)


def _midpoint(quote: TopOfBook) -> Decimal:
    return (_bid(quote) + _ask(quote)) / 2


_PRICE: Final = {"BID": _bid, "ASK": _ask, "MIDPOINT": _midpoint}


def _mean(prices: Sequence[Decimal]) -> Decimal:
    return (sum(prices, Decimal(0)) / len(prices)).quantize(Decimal("0.0001"))


def _bar(at: datetime, opened: Decimal, high: Decimal, low: Decimal, close: Decimal) -> Bar:
    """Return a bar of quotes; TWS gives -1 for what only trades have."""
    return Bar(at, opened, high, low, close, -1, Decimal(-1), -1)


def spell_bar_time(at: datetime, request: BarRequest, date_format: int) -> str:
    """Return a bar's date: the bare day for daily bars, epoch seconds when asked for, else the exchange's time."""
    if request.seconds >= DAY_S:
        return f"{at.astimezone(EXCHANGE_ZONE):%Y%m%d}"
    if date_format == 2:
        return str(int(at.timestamp()))
    return spell_time(at, EXCHANGE_ZONE, request.version)


def historical_data(
    req_id: int, bars: Sequence[Bar], request: BarRequest, date_format: int, start: datetime, end: datetime
) -> WireMessage:
    """Return historicalData (17)."""
    fields: list[Value] = [
        req_id,
        spell_time(start, EXCHANGE_ZONE, request.version),
        spell_time(end, EXCHANGE_ZONE, request.version),
        len(bars),
    ]
    for bar in bars:
        fields += [spell_bar_time(bar.at, request, date_format), bar.open, bar.high, bar.low, bar.close]
        fields += [bar.volume, bar.wap, bar.count]
    return WireMessage(17, tuple(fields))


def historical_update(req_id: int, bar: Bar, request: BarRequest, date_format: int) -> WireMessage:
    """Return historicalDataUpdate (90), whose prices stand in another order than those of 17."""
    when = spell_bar_time(bar.at, request, date_format)
    return WireMessage(90, (req_id, bar.count, when, bar.open, bar.close, bar.high, bar.low, bar.wap, bar.volume))
