"""Answers to requests for the past: bars, schedules, single ticks, the earliest time, histograms."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.sim.hours import EXCHANGE_ZONE
from bot.sim.tws import requests
from bot.sim.tws.bars import (
    DAY_S,
    KINDS,
    BarRequest,
    bar_seconds,
    bars_of,
    duration,
    historical_data,
    sessions_between,
    start_of,
)
from bot.sim.tws.handlers import answers, invalid, resolve
from bot.sim.tws.session import ClientSession
from bot.sim.tws.tape_streams import BarUpdates
from bot.sim.tws.ticks import (
    MOST_TICKS,
    first_prints,
    last_prints,
    midpoint_ticks,
    quote_ticks,
    quotes,
    trade_ticks,
)
from bot.sim.tws.wire import ProtocolError, Value, WireMessage, read_time, spell_time
from bot.sim.vocabulary import VenueInstrument

HISTORY: Final = "historical"
SCHEDULE: Final = "SCHEDULE"
_SERVICE: Final = "Historical Market Data Service error message:"


@answers(requests.HistoricalData)
def historical(session: ClientSession, request: requests.HistoricalData) -> None:
    try:
        end = read_time(request.end, EXCHANGE_ZONE) or session.face.now()
        seconds = bar_seconds(request.bar_size)
        start = start_of(end, request.duration, session.face.market)
    except ProtocolError as problem:
        invalid(session, request.req_id, str(problem))
        return
    refusal = _refusal(session, request, seconds, start, end)
    if refusal:
        invalid(session, request.req_id, refusal)
        return
    instrument = resolve(session, request.req_id, request.contract)
    if instrument is None or not _paced(session, request, instrument, seconds):
        return
    end = min(end, session.face.now())
    if request.what == SCHEDULE:
        session.send(_schedule(session, request.req_id, start, end))
        return
    _send_bars(session, request, BarRequest(instrument, request.what, seconds, request.regular_hours, session.version),
               start, end)  # fmt: skip


def _refusal(
    session: ClientSession, request: requests.HistoricalData, seconds: int, start: datetime, end: datetime
) -> str:
    """Return why a request makes no sense, "" when it does."""
    checks = (
        (request.what not in KINDS | {SCHEDULE}, f"Invalid what-to-show {request.what!r}"),
        (request.what == SCHEDULE and seconds != DAY_S, "Schedule requires a bar size of 1 day"),
        (request.keep_up_to_date and bool(request.end), "End date not supported with keepUpToDate"),
        (request.keep_up_to_date and seconds < 5, "Bars of less than 5 seconds cannot be kept up to date"),
        (_bar_count(start, end, seconds) > session.face.limits.historical_bars, "The request is for too many bars"),
        ((HISTORY, request.req_id) in session.streams, "Duplicate ticker id"),
    )
    return next((text for wrong, text in checks if wrong), "")


def _bar_count(start: datetime, end: datetime, seconds: int) -> float:
    # A session is a little over a quarter of its day.
    return (end - start).total_seconds() / seconds * (0.28 if end - start > timedelta(days=1) else 1)


def _paced(session: ClientSession, request: requests.HistoricalData, instrument: VenueInstrument, seconds: int) -> bool:
    identity = (instrument.con_id, request.end, request.bar_size, request.duration, request.what, request.regular_hours)
    if session.pacing.admit(identity, instrument.con_id, seconds, session.face.monotonic()):
        return True
    session.error(request.req_id, 162, f"{_SERVICE}API historical data query cancelled: pacing violation")
    return False


def _send_bars(
    session: ClientSession, request: requests.HistoricalData, wanted: BarRequest, start: datetime, end: datetime
) -> None:
    bars = bars_of(session.face.market, wanted, start, end)
    if not bars and not request.keep_up_to_date:
        text = f"{_SERVICE}HMDS query returned no data: {wanted.instrument.local_symbol}@{request.contract.exchange}"
        session.error(request.req_id, 162, f"{text} {request.what}")
        return
    session.send(historical_data(request.req_id, bars, wanted, request.date_format, start, end))
    if request.keep_up_to_date:
        since = bars[-1].at if bars else end
        session.subscribe(HISTORY, request.req_id, BarUpdates(request.req_id, wanted, since, request.date_format))


@answers(requests.CancelHistoricalData)
def cancel_historical(session: ClientSession, request: requests.CancelHistoricalData) -> None:
    if session.unsubscribe(HISTORY, request.req_id):
        session.error(request.req_id, 162, f"{_SERVICE}API historical data query cancelled: {request.req_id}")
        return
    session.error(request.req_id, 366, f"No historical data query found for ticker id:{request.req_id}")


def _schedule(session: ClientSession, req_id: int, start: datetime, end: datetime) -> WireMessage:
    """Return historicalSchedule (106)."""
    sessions = sessions_between(session.face.market, start, end)
    fields: list[Value] = [req_id, f"{start.astimezone(EXCHANGE_ZONE):%Y%m%d-%H:%M:%S}"]
    fields += [f"{end.astimezone(EXCHANGE_ZONE):%Y%m%d-%H:%M:%S}", EXCHANGE_ZONE.key, len(sessions)]
    for opens, closes in sessions:
        fields += [f"{opens:%Y%m%d-%H:%M:%S}", f"{closes:%Y%m%d-%H:%M:%S}", f"{opens:%Y%m%d}"]
    return WireMessage(106, tuple(fields))


@answers(requests.HeadTimestamp)
def head_timestamp(session: ClientSession, request: requests.HeadTimestamp) -> None:
    """The earliest data of anything here is the open of the first day that the model can tell of."""
    instrument = resolve(session, request.req_id, request.contract)
    if instrument is None:
        return
    first = _earliest(session, instrument)
    if request.date_format == 2:
        text = str(int(first.timestamp()))
    else:
        text = f"{first:%Y%m%d-%H:%M:%S}" if session.version >= 174 else spell_time(first, EXCHANGE_ZONE, 157)
    session.send(WireMessage(88, (request.req_id, text)))


def _earliest(session: ClientSession, instrument: VenueInstrument) -> datetime:
    market = session.face.market
    days = market.bars(instrument, market.session_open() - timedelta(days=365), market.session_open(), DAY_S)
    return days[0].at if days else market.session_open()


@answers(requests.Histogram)
def histogram(session: ClientSession, request: requests.Histogram) -> None:
    """Volume by price: each minute's volume counts at its average price, rounded to the tick."""
    instrument = resolve(session, request.req_id, request.contract)
    if instrument is None:
        return
    try:
        start = session.face.now() - _period(request.period)
    except ProtocolError as problem:
        invalid(session, request.req_id, str(problem))
        return
    wanted = BarRequest(instrument, "TRADES", 60, request.regular_hours, session.version)
    volumes: Counter[Decimal] = Counter()
    for bar in bars_of(session.face.market, wanted, start, session.face.now()):
        tick = instrument.min_tick
        volumes[(bar.wap / tick).to_integral_value() * tick] += bar.volume
    rows = sorted((price, count) for price, count in volumes.items() if count)
    session.send(WireMessage(89, (request.req_id, len(rows), *(value for row in rows for value in row))))


def _period(text: str) -> timedelta:
    """Return the span of `3 days`, `1 week` and the like. Raises ProtocolError."""
    count, _, unit = text.strip().partition(" ")
    letter = unit[:1].upper()
    return duration(f"{count} {letter}")


@answers(requests.HistoricalTicks)
def historical_ticks(session: ClientSession, request: requests.HistoricalTicks) -> None:
    try:
        start, end = read_time(request.start, EXCHANGE_ZONE), read_time(request.end, EXCHANGE_ZONE)
    except ProtocolError as problem:
        invalid(session, request.req_id, str(problem))
        return
    if (start is None) == (end is None):
        invalid(session, request.req_id, "exactly one of start and end is needed")
        return
    if request.what not in {"TRADES", "BID_ASK", "MIDPOINT"}:
        invalid(session, request.req_id, f"Invalid what-to-show {request.what!r}")
        return
    instrument = resolve(session, request.req_id, request.contract)
    if instrument is None:
        return
    session.send(_ticks(session, request, instrument, start, end))


def _ticks(
    session: ClientSession,
    request: requests.HistoricalTicks,
    instrument: VenueInstrument,
    start: datetime | None,
    end: datetime | None,
) -> WireMessage:
    market, now = session.face.market, session.face.now()
    count = max(1, min(request.count, MOST_TICKS))
    until = min(end or now, now)
    if request.what == "TRADES":
        if start is not None:
            return trade_ticks(request.req_id, first_prints(market, instrument, start, now, count))
        return trade_ticks(request.req_id, last_prints(market, instrument, until, count))
    found = quotes(market, instrument, start, until, count)
    return (quote_ticks if request.what == "BID_ASK" else midpoint_ticks)(request.req_id, found)
