"""The broker's pacing of questions for the past, kept by asking later and never by asking in vain.

Source: the vendor's rules for historical data: no more than 60 questions for bars of 30 seconds or less in ten minutes,
no identical question within 15 seconds, no 6 or more for one contract within 2 seconds; at most 50 open at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

SMALL_BAR_S: Final = 30
SMALL_MOST, SMALL_WITHIN_S = 60, 600.0
SAME_AGAIN_S: Final = 15.0
BURST_MOST, BURST_WITHIN_S = 5, 2.0
OPEN_MOST: Final = 50
_MARGIN_S: Final = 0.5
"""The broker's clock is not ours, and its windows begin when a question arrives."""


@dataclass(slots=True)
class HistoryPacing:
    """When a question may go out. Times are seconds of any steady clock; `sent` is told of each that does."""

    _small: deque[float] = field(default_factory=deque)
    _by_contract: dict[int, deque[float]] = field(default_factory=dict)
    _identical: dict[Hashable, float] = field(default_factory=dict)

    def wait_s(self, question: Hashable, con_id: int, bar_s: int, now: float) -> float:
        """Return how long to wait before a question may be sent; 0: now."""
        self._forget(now)
        waits = [self._identical.get(question, float("-inf")) + SAME_AGAIN_S + _MARGIN_S - now]
        recent = self._by_contract.get(con_id, ())
        if len(recent) >= BURST_MOST:
            waits.append(recent[-BURST_MOST] + BURST_WITHIN_S + _MARGIN_S - now)
        if bar_s <= SMALL_BAR_S and len(self._small) >= SMALL_MOST:
            waits.append(self._small[-SMALL_MOST] + SMALL_WITHIN_S + _MARGIN_S - now)
        return max(0.0, *waits)

    def sent(self, question: Hashable, con_id: int, bar_s: int, now: float) -> None:
        """A question goes out now."""
        self._identical[question] = now
        self._by_contract.setdefault(con_id, deque()).append(now)
        if bar_s <= SMALL_BAR_S:
            self._small.append(now)

    def _forget(self, now: float) -> None:
        """Let go of what no rule asks about any more."""
        while self._small and now - self._small[0] > SMALL_WITHIN_S + _MARGIN_S:
            self._small.popleft()
        self._identical = {each: at for each, at in self._identical.items() if now - at <= SAME_AGAIN_S + _MARGIN_S}
        for con_id in list(self._by_contract):
            recent = self._by_contract[con_id]
            while recent and now - recent[0] > BURST_WITHIN_S + _MARGIN_S:
                recent.popleft()
            if not recent:
                del self._by_contract[con_id]
