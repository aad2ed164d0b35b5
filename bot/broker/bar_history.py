"""What was before the first five-second bar, and what is missing between two: asked of the broker's history."""

from __future__ import annotations

import asyncio
from typing import Final

from bot.broker.contracts import ContractBook
from bot.broker.history import HistoryDesk
from bot.domain.errors import BrokerError
from bot.domain.events.market_data import BarsReceived
from bot.engine.state.ports import Sink

MINUTES: Final = (60, "3 D")
"""As many minutes as are kept: a thousand are three sessions."""
LATELY: Final = (5, "600 S")


class BarHistory:
    """Fetches in the background, one question a key and length at a time. What is refused stays missing."""

    def __init__(self, book: ContractBook, history: HistoryDesk, sink: Sink) -> None:
        self._book = book
        self._history = history
        self._sink = sink
        self._asking: dict[tuple[str, int], asyncio.Task[None]] = {}

    def begin(self, key: str) -> None:
        """An instrument's bars are about to come: fetch the minutes before."""
        self._ask(key, *MINUTES)

    def fill(self, key: str) -> None:
        """Bars are missing between two that came."""
        self._ask(key, *LATELY)

    def forget(self) -> None:
        for task in self._asking.values():
            task.cancel()
        self._asking.clear()

    def _ask(self, key: str, seconds: int, duration: str) -> None:
        if (key, seconds) not in self._asking:
            asking = self._fetch(key, seconds, duration)
            self._asking[key, seconds] = asyncio.create_task(asking, name=f"bars of {key.strip()}")

    async def _fetch(self, key: str, seconds: int, duration: str) -> None:
        contract = self._book.ib_contract(key)
        try:
            bars = await self._history.bars(contract, seconds, duration) if contract is not None else []
        except BrokerError:
            return
        finally:
            self._asking.pop((key, seconds), None)
        if bars:
            self._sink(BarsReceived(key, tuple(bars)))
