"""Which lines are known to be healthy, told so that a price that stands still is known to stand."""

from __future__ import annotations

import asyncio
from typing import Final

from bot.broker.lines import BOOK, QUOTE
from bot.broker.link import LinkHealth
from bot.broker.open_lines import OpenLines
from bot.domain.events.market_data import LinesHeard
from bot.domain.instruments import option_of_key
from bot.engine.state.ports import Clock, Sink

HEALTH_WALL_S: Final = 0.1
"""A clock of many times real time asks for the age of a quote within a fraction of a wall second."""


class LineHealth:
    """Tells it now and then, and at once when a line or the link fell ill."""

    def __init__(self, lines: OpenLines, link: LinkHealth, clock: Clock, sink: Sink) -> None:
        self._lines = lines
        self._link = link
        self._clock = clock
        self._sink = sink
        self._told_at = float("-inf")
        self._trouble_told: tuple[object, ...] = ()

    def heard(self) -> None:
        """Something came from TWS."""
        trouble, now = self._link.trouble, asyncio.get_running_loop().time()
        if self._lines.moved or trouble != self._trouble_told or now - self._told_at >= HEALTH_WALL_S:
            self._trouble_told, self._told_at, self._lines.moved = trouble, now, False
            self.tell()

    def tell(self) -> None:
        """Tell which quotes and books are known to be today's."""
        healthy = [
            (key, kind) for (key, kind), line in self._lines.items()
            if line.is_sound and self._link.is_serving(line.ticked_at, option=option_of_key(key) is not None)
        ]  # fmt: skip
        quotes, books = (frozenset(key for key, kind in healthy if kind == wanted) for wanted in (QUOTE, BOOK))
        self._sink(LinesHeard(quotes, books, self._clock.now()))
