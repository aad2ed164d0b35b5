"""Ticks on their way into lines: gathered as they come, told once per network packet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.broker import words
from bot.broker.bar_line import BarLine
from bot.broker.lines import QUOTE, BookBroken, BookLine, Line, QuoteLine, TapeLine
from bot.broker.open_lines import OpenLines
from bot.domain.events import Event
from bot.domain.events.market_data import QuoteReceived
from bot.domain.outside import outside
from bot.domain.quotes import Greeks
from bot.engine.state.ports import Clock, Sink


class LineTicks:
    """Hands each tick to its line. `on_broken(line, why)` is called for a book that is not what the venue holds."""

    def __init__(
        self, lines: OpenLines, clock: Clock, sink: Sink, on_broken: Callable[[Line, str], None],
        is_asked: Callable[[str], bool],
    ) -> None:  # fmt: skip
        self._lines = lines
        self._clock = clock
        self._sink = sink
        self._on_broken = on_broken
        self._is_asked = is_asked
        self.ticked_at = 0.0  # by the loop's time
        self.prices_heard = 0  # price ticks that came, each one, whatever was made of them

    def price(self, request_id: int, tick: int, value: float, size: float) -> None:
        self.prices_heard += 1
        line = self._lines.of_request(request_id)
        if isinstance(line, QuoteLine) and line.price(tick, value, size):
            self._lines.changed[request_id] = line
            if tick not in words.CLOSE_TICKS:  # yesterday's close is nothing of its instrument now
                self._lines.has_spoken(line)

    def size(self, request_id: int, tick: int, value: float) -> None:
        line = self._lines.of_request(request_id)
        if isinstance(line, QuoteLine) and line.size(tick, value):
            self._lines.changed[request_id] = line
            self._lines.has_spoken(line)

    def halted(self, request_id: int, value: float) -> None:
        line = self._lines.of_request(request_id)
        if isinstance(line, QuoteLine):
            line.halt(value)
            self._lines.changed[request_id] = line

    def data_type(self, request_id: int, kind: int) -> None:
        line = self._lines.of_request(request_id)
        if isinstance(line, QuoteLine):
            line.turn(delayed=kind in words.DELAYED_DATA)
            if line.quote_changed:
                self._lines.changed[request_id] = line
                self._lines.moved = True

    def greeks(
        self, request_id: int, iv: float, delta: float, gamma: float, vega: float, theta: float, underlying: float
    ) -> None:
        line = self._lines.of_request(request_id)
        if not isinstance(line, QuoteLine):
            return
        line.greeks = Greeks(
            iv=words.greek(iv, -1), delta=words.greek(delta, -2), gamma=words.greek(gamma, -2),
            vega=words.greek(vega, -2), theta=words.greek(theta, -2), underlying=words.greek(underlying, -1),
            at=self._clock.now(),
        )  # fmt: skip
        self._lines.changed[request_id] = line
        self._lines.has_spoken(line)

    def depth(
        self, request_id: int, position: int, operation: int, side: int, value: float, size: float, maker: str = ""
    ) -> None:
        line = self._lines.of_request(request_id)
        if not isinstance(line, BookLine):
            return
        try:
            line.row(position, operation, side, value, size, outside(maker, 12) if maker else "")
        except BookBroken as broken:
            self._on_broken(line, str(broken))
        else:
            self._lines.changed[request_id] = line
            self._lines.ticked.add(request_id)

    def trade(self, request_id: int, epoch: int, value: float, size: float, place: str, conditions: str) -> None:
        line = self._lines.of_request(request_id)
        if isinstance(line, TapeLine):
            best = self._lines.line((line.key, QUOTE))
            line.trade(epoch, value, size, best if isinstance(best, QuoteLine) else None, place, conditions)
            self._lines.changed[request_id] = line
            self._lines.ticked.add(request_id)

    def bar(
        self, request_id: int, epoch: int, prices: tuple[float, float, float, float], volume: float, count: int
    ) -> None:
        line = self._lines.of_request(request_id)
        if isinstance(line, BarLine):
            line.bar(epoch, prices, volume, count)
            self._lines.changed[request_id] = line
            self._lines.ticked.add(request_id)

    def flush(self) -> bool:
        """After a packet: tell of every line that it changed, once. Says whether there were any."""
        changed = self._lines.changed
        if not changed:
            return False
        self._lines.changed = {}
        now = self._clock.now()
        self.ticked_at = asyncio.get_running_loop().time()
        for line in changed.values():
            line.ticked_at = self.ticked_at
            for event in line.events(now):
                self._sink(event if self._is_asked(line.key) else _of_context(event))
        return True


def _of_context(event: Event) -> Event:
    """Mark a quote that nobody decides on."""
    return QuoteReceived(event.key, event.quote, context=True) if isinstance(event, QuoteReceived) else event
