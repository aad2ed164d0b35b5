"""Bars of the past, asked for as the broker's pacing allows, and after whatever else waits for the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from bot.broker import words
from bot.broker.ib import BarData, Contract
from bot.broker.requests import RequestRefused
from bot.broker.wire import Wire
from bot.domain.bars import PriceBar
from bot.domain.errors import BrokerError
from bot.domain.pacing import OPEN_MOST, HistoryPacing

BAR_SIZES: Final[Mapping[int, str]] = MappingProxyType({5: "5 secs", 60: "1 min", 300: "5 mins", 86_400: "1 day"})
PACING_WORDS: Final = "pacing violation"
LOST: Final = frozenset({366, 10182})
"""The query was lost on the broker's side."""
PAUSE_S: Final = 30.0
"""After the broker said that we ask too much, whoever else shares the login."""
ATTEMPTS: Final = 4
SLOW: Final = 6
"""Answers about the past take longer than others: so many times the usual deadline."""


Question = tuple[int, int, str, str]
"""Contract, seconds of a bar, duration, what."""


class HistoryDesk:
    """Asks for bars, one question after the other where pacing says so."""

    def __init__(self, wire: Wire, deadline_s: float) -> None:
        self._wire = wire
        self._deadline_s = deadline_s * SLOW
        self._pacing = HistoryPacing()
        self._slots = asyncio.Semaphore(OPEN_MOST)
        self._paused_until = float("-inf")

    async def bars(self, contract: Contract, bar_s: int, duration: str, what: str = "TRADES") -> list[PriceBar]:
        """Return the bars of the last `duration` ("2 D", "3600 S") in regular hours, oldest first.

        Where the broker says that too much was asked, or lost the question, it is asked again after a pause. Raises
        BrokerError where the broker refuses, does not answer, or is gone. A bar that cannot be read is left out.
        """
        question = (contract.conId, bar_s, duration, what)
        attempt = 1
        while True:
            try:
                found = await self._ask(question, contract)
            except RequestRefused as refused:
                if not _may_be_asked_again(refused) or attempt == ATTEMPTS:
                    raise
                attempt += 1
                self._paused_until = _now() + PAUSE_S
            else:
                return [bar for each in found if (bar := read_bar(each, bar_s)) is not None]

    async def _ask(self, question: Question, contract: Contract) -> list[BarData]:
        _, bar_s, duration, what = question
        async with self._slots:
            await self._may_ask(question, contract.conId, bar_s)
            request_id = self._wire.request_id()
            size = BAR_SIZES[bar_s]

            def send() -> None:
                self._wire.later(
                    lambda client: client.reqHistoricalData(
                        request_id, contract, "", duration, size, what, True, 2, False, []
                    ),
                    idle=True,
                )

            return await self._wire.requests.ask(request_id, send, self._deadline_s)

    async def _may_ask(self, question: Question, con_id: int, bar_s: int) -> None:
        while True:
            now = _now()
            wait = max(self._pacing.wait_s(question, con_id, bar_s, now), self._paused_until - now)
            if wait <= 0:
                self._pacing.sent(question, con_id, bar_s, now)
                return
            await asyncio.sleep(wait)

    async def day_volume(self, contract: Contract) -> int | None:
        """Return what was traded in the last whole session, None where nobody says."""
        try:
            days = await self.bars(contract, 86_400, "3 D")
        except BrokerError:
            return None
        return days[-1].volume if days else None


def _may_be_asked_again(refused: RequestRefused) -> bool:
    """Say whether the broker refuses the moment and not the question: 162 and 420 have words for it."""
    return refused.code in LOST or PACING_WORDS in refused.text.lower()


def read_bar(bar: BarData, bar_s: int) -> PriceBar | None:
    """Return a bar with its time in UTC, None where a number or the time of it is none."""
    prices = [words.price(each) for each in (bar.open, bar.high, bar.low, bar.close)]
    at = _moment(str(bar.date))
    if at is None or any(each is None for each in prices):
        return None
    opened, high, low, close = (each for each in prices if each is not None)
    return PriceBar(at, bar_s, opened, high, low, close, words.size(bar.volume), max(int(bar.barCount), 0))


def _moment(text: str) -> datetime | None:
    """Return the time of a bar: seconds since 1970, or a day alone."""
    try:
        if len(text) == 8:
            return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _now() -> float:
    return asyncio.get_running_loop().time()
