"""One target's answer: all its pages, judged, unpacked and read.

Nothing of an answer is kept where any page of it is no data; a row of a time that cannot be is dropped and named.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bot.domain.errors import BotError
from bot.engine.state.ports import Clock, TradingCalendar
from bot.feeds.declared import DeclaredReader
from bot.feeds.endpoints import Endpoint
from bot.feeds.gate import CallGate
from bot.feeds.outcome import Outcome
from bot.feeds.paging import Pages
from bot.feeds.rows import Parsed, Reads
from bot.feeds.targets import Target
from bot.feeds.tolerant import Malformed, SampleRows, refuse_too_much
from bot.feeds.transport import Params, Response, Transport
from bot.feeds.vendors.manners import Manners
from bot.feeds.verdicts import Judgement, Verdict, judged

LARGE_BODY_BYTES: Final = 65_536
MANY_ROWS: Final = 200
"""What is parsed beside the loop."""
AHEAD_MOST: Final = timedelta(minutes=5)
"""A row later than this has a time that has not come: clocks differ by less."""
FIRST_DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""No row is from before: a time of zero is no time."""


class Unusable(BotError):
    """An answer that gives no rows."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(judgement.reason)
        self.judgement = judgement


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an answer came to: its rows, and what was remarkable of it beside them."""

    parsed: Parsed[Any]
    outcome: Outcome = Outcome.OK
    remark: str = ""


class Fetcher:
    """Asks one source. What is around its transport hears every answer before anything is made of it."""

    def __init__(
        self,
        manners: Manners,
        transport: Transport,
        gate: CallGate,
        clock: Clock,
        calendar: TradingCalendar,
    ) -> None:
        self._manners, self.transport, self._gate = manners, transport, gate
        self._clock, self._calendar = clock, calendar

    async def fetch(self, endpoint: Endpoint, target: Target, now: datetime, *, paced: bool) -> Fetched:
        """Return the rows of all pages; raises `NotNow`, `Unusable` or TransportFailed, and then nothing is kept. A
        live feed parses what is large in a thread, so that the tick goes on meanwhile."""
        settings, rows, last, repeated = target.settings, [], [], False
        pages = Pages(settings, endpoint.reads, target.progress, now)
        for page in range(settings.most_pages):
            asked_at = now if page == 0 else max(now, self._clock.now())
            response = await self._ask(endpoint, target, pages.params(), asked_at)
            last, before = await self._judged(endpoint, response, paced=paced), last
            repeated = page > 0 and last == before and bool(last)
            rows += [] if repeated else last
            target.pages = page + 1
            if not pages.take(last) or repeated:
                break
        pages.done()
        parsed = await self._parsed(endpoint.reads, rows, target, paced=paced)
        fetched = self.in_time(parsed, endpoint.reads, target, max(now, self._clock.now()))
        if repeated and fetched.outcome is Outcome.OK:
            return replace(fetched, outcome=Outcome.DUPLICATE_PAGE, remark="a page came twice")
        return fetched

    async def _ask(self, endpoint: Endpoint, target: Target, paging: Params, now: datetime) -> Response:
        self._gate.check_page(now)
        self._gate.asked(target.settings.priority, now)
        target.requests += 1
        endpoint.called(now)
        path, params = target.path(self._calendar, now), target.params(self._calendar, now, paging)
        response = await self.transport.get(path, params, target.settings.max_body_bytes)
        heard_at = max(now, self._clock.now())
        self._gate.heard(response.headers, heard_at)
        return response

    async def _judged(self, endpoint: Endpoint, response: Response, *, paced: bool) -> list[Any]:
        judgement = self._manners.refusals.judge(response)
        if judgement.verdict is not Verdict.OK:
            raise Unusable(judgement)
        most_rows, body = endpoint.settings.rows_of_a_page, response.body
        try:
            refuse_too_much(body, endpoint.settings.max_body_bytes, most_rows)
        except Malformed as fault:
            raise Unusable(Judgement(Verdict.TRANSIENT, str(fault), Outcome.TOO_LARGE)) from fault
        try:
            if paced and len(body) > LARGE_BODY_BYTES:
                return await asyncio.to_thread(self._rows, endpoint, body, most_rows)
            return self._rows(endpoint, body, most_rows)
        except SampleRows as fault:
            raise Unusable(judged(Verdict.DISABLED, str(fault))) from fault
        except Malformed as fault:
            outcome = Outcome.NOT_JSON if str(fault).startswith("not JSON") else Outcome.NO_ROWS
            raise Unusable(Judgement(Verdict.TRANSIENT, str(fault), outcome)) from fault

    def _rows(self, endpoint: Endpoint, body: bytes, most_rows: int) -> list[Any]:
        if isinstance(endpoint.reads, DeclaredReader):
            rows = endpoint.reads.raw_rows(body, most_rows)
            if rows is not None:
                return rows
        return self._manners.rows(body, most_rows, endpoint.settings.parser)

    @staticmethod
    async def _parsed(reads: Reads, rows: list[Any], target: Target, *, paced: bool) -> Parsed[Any]:
        if paced and len(rows) > MANY_ROWS:
            return await asyncio.to_thread(reads.parse, rows, target.memory)
        return reads.parse(rows, target.memory)

    @staticmethod
    def in_time(parsed: Parsed[Any], reads: Reads, target: Target, now: datetime) -> Fetched:
        """Leave out rows of a time that cannot be."""
        latest, first = now + AHEAD_MOST, FIRST_DAY
        if target.settings.oldest_s:
            first = now - timedelta(seconds=target.settings.oldest_s)
        timed = [(row, reads.time_of(row)) for row in parsed.rows]
        sound = [(row, at) for row, at in timed if at is None or first <= at <= latest]
        if len(sound) == len(timed):
            return Fetched(parsed)
        is_future = any(at is not None and at > latest for _, at in timed)
        outcome, word = (Outcome.FUTURE, "the future") if is_future else (Outcome.ANCIENT, "long ago")
        dropped = len(timed) - len(sound)
        source_at = None
        if parsed.source_at is not None:
            source_at = max((at for _, at in sound if at is not None), default=None)
        remark = f"{dropped} rows of {word}"
        first_fault = parsed.first_fault or remark
        kept = Parsed(tuple(row for row, _ in sound), parsed.dropped + dropped, first_fault, source_at)
        return Fetched(kept, outcome, remark)
