"""What one client may ask for before the venue refuses, and how often. Defaults are IB's; all are per connection."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Sizes are counts, times are wall seconds."""

    market_data_lines: int = 100  # 101 above
    depth_requests: int = 3  # 309 above
    tick_by_tick_requests: int = 3  # 10190 above
    tick_by_tick_repeat_s: float = 15.0  # 10190: one request per instrument within this time
    account_summaries: int = 2  # 322 above
    messages_per_s: int = 50  # 100 above
    rate_violations: int = 3  # then the connection is closed
    clients: int = 32
    historical_repeat_s: float = 15.0  # 162: identical request within this time
    historical_burst: int = 6  # 162: as many for one contract within two seconds
    historical_small_bars: int = 60  # 162: above this many for bars of 30 s or less in ten minutes
    historical_bars: int = 20_000  # 162: one answer may not be longer
    prints_per_pace: int = 5  # newest trades per tick-by-tick line and pace, so that a fast clock floods nobody
    buffered_bytes: int = 1 << 20  # quotes pause for a client that reads too slowly
    buffered_bytes_close: int = 1 << 26  # and it is dropped above this


class RateGuard:
    """Counts a client's messages in a sliding second. A violation is a second in which the limit was passed."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._seen: deque[float] = deque()
        self._violated_at: float | None = None
        self.violations = 0

    def admit(self, monotonic: float) -> bool:
        """Return whether one more message is within the rate; a refused message does not count towards it."""
        while self._seen and monotonic - self._seen[0] >= 1.0:
            self._seen.popleft()
        if len(self._seen) < self._per_second:
            self._seen.append(monotonic)
            return True
        if self._violated_at is None or monotonic - self._violated_at >= 1.0:
            self._violated_at = monotonic
            self.violations += 1
        return False


class HistoricalPacing:
    """IB's three pacing rules for historical bars."""

    def __init__(self, limits: ClientLimits) -> None:
        self._limits = limits
        self._identical: dict[object, float] = {}
        self._by_contract: dict[int, deque[float]] = {}
        self._small: deque[float] = deque()

    def admit(self, request: object, con_id: int, bar_s: int, monotonic: float) -> bool:
        """Return whether `request` may be answered, and remember it when it may."""
        return (
            self._not_repeated(request, monotonic)
            and self._not_bursting(con_id, monotonic)
            and self._not_too_fine(bar_s, monotonic)
        )

    def _not_repeated(self, request: object, monotonic: float) -> bool:
        horizon = monotonic - self._limits.historical_repeat_s
        self._identical = {key: at for key, at in self._identical.items() if at > horizon}
        if request in self._identical:
            return False
        self._identical[request] = monotonic
        return True

    def _not_bursting(self, con_id: int, monotonic: float) -> bool:
        recent = self._by_contract.setdefault(con_id, deque())
        return _admit(recent, monotonic, 2.0, self._limits.historical_burst - 1)

    def _not_too_fine(self, bar_s: int, monotonic: float) -> bool:
        return bar_s > 30 or _admit(self._small, monotonic, 600.0, self._limits.historical_small_bars)


def _admit(recent: deque[float], monotonic: float, window_s: float, most: int) -> bool:
    while recent and monotonic - recent[0] >= window_s:
        recent.popleft()
    if len(recent) >= most:
        return False
    recent.append(monotonic)
    return True
