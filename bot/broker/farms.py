"""The look that a data farm's notice starts: what the lines do then is judged, and what is found is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from bot.broker.market import MarketLines
from bot.domain.farms import FarmWatch

_LOOKS_IN_QUIET: Final = 10
"""Judged so many times within the time of silence that is allowed."""


class FarmLook:
    """Watches the lines after a notice, by the loop's clock. `told` is called with what is lost, in words, and with
    nothing when it is there again."""

    def __init__(self, market: MarketLines, quiet_s: float, told: Callable[[str], None]) -> None:
        self._market = market
        self._watch = FarmWatch(quiet_s)
        self._told = told
        self._next: asyncio.TimerHandle | None = None

    def noticed(self, text: str) -> None:
        """TWS spoke of a farm: see whether what we need still speaks."""
        self._watch.noticed(text, _now())
        if self._next is None:
            self._later()

    def heard(self) -> None:
        """A packet came."""
        if self._watch.looks:
            self._watch.heard(_now())

    def stop(self) -> None:
        """The connection is gone: what was said of it is over."""
        self._watch.forget()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _later(self) -> None:
        loop = asyncio.get_running_loop()
        self._next = loop.call_later(self._watch.quiet_s / _LOOKS_IN_QUIET, self._look)

    def _look(self) -> None:
        self._next = None
        before = self._watch.lost
        for group in self._watch.judge(_now(), self._market.groups()):
            self._market.ask_anew(group)
        if self._watch.lost != before:
            self._told(self._words())
        if self._watch.looks:
            self._later()

    def _words(self) -> str:
        """Return what is lost, nothing where all of it speaks."""
        if not self._watch.lost:
            return ""
        silent = " and ".join(sorted(self._watch.lost))
        return f"all lines of {silent} have been silent for {self._watch.quiet_s:g} s after: {self._watch.notice}"


def _now() -> float:
    return asyncio.get_running_loop().time()
