"""A breaker: an endpoint that keeps failing is left alone for a while, then tried with one request."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum


class CircuitState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"  # one request is out to see whether it is over


class CircuitBreaker:
    """Opens after `failures` in a row, for `open_seconds`; then one probe decides."""

    def __init__(self, failures: int, open_seconds: float) -> None:
        self._limit = failures
        self._open_for = timedelta(seconds=open_seconds)
        self.failures = 0
        self.state = CircuitState.CLOSED
        self.retry_at: datetime | None = None

    def admits(self, now: datetime) -> bool:
        """Say whether a request may go now; the one that goes after the wait is the probe, until it has its answer."""
        if self.state is CircuitState.OPEN and self.retry_at is not None and now >= self.retry_at:
            self.state = CircuitState.HALF_OPEN
            return True
        return self.state is CircuitState.CLOSED

    def succeeded(self) -> None:
        self.failures, self.state, self.retry_at = 0, CircuitState.CLOSED, None

    def failed(self, now: datetime) -> bool:
        """Count a failure; say whether this one opened it."""
        self.failures += 1
        if self.state is CircuitState.CLOSED and self.failures < self._limit:
            return False
        self.state, self.retry_at = CircuitState.OPEN, now + self._open_for
        return True

    def released(self, now: datetime) -> None:
        """Take back a probe that got no verdict (cancelled, or refused for reasons that are not the endpoint's)."""
        if self.state is CircuitState.HALF_OPEN:
            self.state, self.retry_at = CircuitState.OPEN, now

    def restore(self, state: str, failures: int, retry_at: datetime | None) -> None:
        """Go on as a run before this one left it: a probe that was out then got no answer."""
        self.failures, self.retry_at = failures, retry_at
        self.state = CircuitState.CLOSED if state == CircuitState.CLOSED or retry_at is None else CircuitState.OPEN
