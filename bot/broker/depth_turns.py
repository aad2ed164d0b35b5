"""Whose order book is shown: an account may have few at once, so that those beyond the allowance take turns.

Books that a strategy decides on are asked for by the engine and stay; the turns are for what is left of the allowance:
first the configured funds, then the candidates, then the configured shares.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from bot.broker.settings import BrokerSettings
from bot.domain.lines import take_turns


class DepthTurns:
    """Counts turns by the loop's time. `on_turn` is called when the next ones are due."""

    def __init__(self, settings: BrokerSettings, on_turn: Callable[[], None]) -> None:
        self._settings = settings
        self._on_turn = on_turn
        self._number = 0
        self._next: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Start counting, where there is anything to take turns."""
        self.stop()
        if self._settings.depth_first or self._settings.depth_then:
            self._next = asyncio.get_running_loop().call_later(self._settings.depth_every_s, self._turn)

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _turn(self) -> None:
        self._number += 1
        self.begin()
        self._on_turn()

    def keys(self, candidates: Sequence[str], free: int, may: Callable[[str], bool]) -> Sequence[str]:
        """Return the keys whose turn it is, as many as there is room for. `may`: there is a book to be had."""
        settings = self._settings
        order = dict.fromkeys((*settings.depth_first, *candidates, *settings.depth_then))
        if not settings.depth_first and not settings.depth_then:
            return ()
        return take_turns([key for key in order if may(key)], free, self._number)
