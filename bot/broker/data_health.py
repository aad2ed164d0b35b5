"""How the broker's market data are doing, as one row beside the other feeds: what came, what could not be read, how
long ago."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.domain.events.feeds import FeedReported
from bot.engine.state.ports import Clock, Sink

REPORT_WALL_S: Final = 1.0
QUIET_S: Final = 60.0
QUIET_WALL_S: Final = 10.0


class DataHealth:
    """Counts packets, dropped messages and lost connections since the start; reports at most once a wall second."""

    def __init__(self, clock: Clock, sink: Sink) -> None:
        self._clock = clock
        self._sink = sink
        self._packets = self._dropped = self._losses = 0
        self._heard_at: datetime | None = None
        self._fault = ""
        self._told_at = float("-inf")

    def heard(self) -> None:
        """A packet brought market data."""
        self._packets += 1
        self._heard_at = self._clock.now()
        if self._clock.monotonic() - self._told_at >= REPORT_WALL_S:
            self._tell("ok")

    def dropped(self, why: str) -> None:
        """A message could not be read and was left out; that is told at once."""
        self._dropped += 1
        self._fault = why
        self._tell("ok")

    def lost(self, why: str) -> None:
        """The connection is gone."""
        self._losses += 1
        self._fault = why
        self._tell("retrying")

    def _tell(self, state: str) -> None:
        self._told_at = self._clock.monotonic()
        self._sink(
            FeedReported(
                feed="ibkr",
                dataset="market_data",
                key="*",
                state=state,
                last_success_at=self._heard_at,
                last_error=self._fault,
                requests=self._packets,
                failures=self._losses,
                dropped=self._dropped,
                max_age_s=max(QUIET_S, QUIET_WALL_S * self._clock.speed),
                quota_used=None,
                quota_limit=None,
                at=self._clock.now(),
            )
        )
