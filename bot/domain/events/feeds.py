"""Facts of the vendors' feeds: what they answered, and how they are doing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bot.domain.outside import outside, through


@dataclass(frozen=True, slots=True)
class DatumReceived:
    """One parsed answer of a feed. `value` is the dataset's typed rows; `source_at` the vendor's own time, None when it
    has none; `source` who said it, which is another vendor than the dataset's where one stands in."""

    dataset: str
    key: str
    value: Any
    source_at: datetime | None
    received_at: datetime
    ttl_s: float
    source: str
    shown: int = 0  # rows of it that people may read by name, its last ones


@dataclass(frozen=True, slots=True)
class FeedReported:
    """How a feed is doing; one row of `feed_status`. Counters are since start; `quota_*` from the vendor's headers or
    by our own count. `outcome` is how the last call came out, in one word; `source` whose rows are in use."""

    feed: str
    dataset: str
    key: str
    state: str  # ok | waiting | retrying | open (breaker) | refused | disabled
    last_success_at: datetime | None
    last_error: str
    requests: int
    failures: int
    dropped: int  # data that could not be parsed
    max_age_s: float
    quota_used: int | None
    quota_limit: int | None
    at: datetime
    outcome: str = ""
    next_call_at: datetime | None = None
    source: str = ""
    priority: str = ""
    newest_row_at: datetime | None = None  # the vendor's own time of the newest row, None where rows have none

    def age_s(self, now: datetime) -> float | None:
        """Return how old what it says is: seconds since the last answer, or since that answer's newest row where the
        vendor answers in time with what is old; None before the first."""
        told = [at for at in (self.last_success_at, self.newest_row_at) if at is not None]
        return max(0.0, (now - min(told)).total_seconds()) if self.last_success_at is not None else None

    def row_age_s(self, now: datetime) -> float | None:
        """Return seconds since the vendor's own time of the newest row, None where rows have none."""
        return None if self.newest_row_at is None else max(0.0, (now - self.newest_row_at).total_seconds())

    def __post_init__(self) -> None:
        through(self, last_error=outside(self.last_error))


@dataclass(frozen=True, slots=True)
class EndpointReported:
    """What a dataset took of its vendor on one New York day: calls, errors, dollars; and its breaker as it stands."""

    feed: str
    dataset: str
    day: date
    calls: int
    errors: int
    cost: Decimal
    breaker: str  # closed | open | half_open
    breaker_failures: int
    breaker_retry_at: datetime | None
    at: datetime
