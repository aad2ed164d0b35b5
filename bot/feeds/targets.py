"""One thing that a feed asks for again and again: what to ask, when next, and how it has gone so far."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.domain.data.sets import MARKET_WIDE
from bot.domain.events import FeedReported
from bot.feeds.quota import Quota
from bot.feeds.sources import DatasetSettings, Scope
from bot.feeds.transport import Params
from bot.feeds.uw_parsers import Parsed, ParserMemory


class FeedState(StrEnum):
    """The words of `feed_status.state`."""

    OK = "ok"
    WAITING = "waiting"  # for the session, for quota, or for a first answer
    RETRYING = "retrying"
    OPEN = "open"  # the breaker: left alone for a while
    REFUSED = "refused"  # by the vendor, as a whole
    DISABLED = "disabled"  # this dataset or symbol; asked about once in a long while


class Target:
    """One (dataset, key). Times are of the bot's clock."""

    def __init__(self, dataset: DatasetSettings, key: str, symbols: Iterable[str], place: int, of: int) -> None:
        self.dataset, self.key = dataset, key
        self._symbols = ",".join(symbols)
        self._place, self._of = place, of
        self.next_due: datetime | None = None  # None: at the first opportunity
        self.attempts = 0
        self.state = FeedState.WAITING
        self.last_error = ""
        self.last_success_at: datetime | None = None
        self.requests = self.failures = self.dropped = 0
        self.newest_at: datetime | None = None
        self.given_up = False  # the vendor does not give it; the next answer with rows ends that
        self.memory = ParserMemory()
        self._window: dict[Any, Any] = {}
        self._told: tuple[FeedState, str] | None = None
        self._told_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        return self.next_due is None or self.next_due <= now

    def path(self, today: date) -> str:
        return self.dataset.path.format(symbol=self.key, symbols=self._symbols, today=today.isoformat())

    def params(self, today: date, page: int) -> Params:
        """Return the query: params filled in, the page where there are several, the cursor where there is one."""
        filled = [
            (name, _written(value).format(symbol=self.key, symbols=self._symbols, today=today.isoformat()))
            for name, value in self.dataset.params.items()
        ]
        if page:
            filled.append(("page", str(page)))
        if self.dataset.cursor and self.newest_at is not None:
            filled.append((self.dataset.cursor, self.newest_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")))
        return filled

    def succeeded(self, now: datetime, fault: str) -> None:
        first = self.last_success_at is None
        self.last_success_at, self.attempts, self.given_up = now, 0, False
        self.state, self.last_error = FeedState.OK, fault
        self.next_due = now + self._interval() * self._share(first=first)

    def failed(self, reason: str, retry_at: datetime, state: FeedState = FeedState.RETRYING) -> None:
        self.failures += 1
        self.put_off(reason, retry_at, state)

    def put_off(self, reason: str, until: datetime, state: FeedState = FeedState.WAITING) -> None:
        self.state, self.last_error, self.next_due = state, reason, until

    def give_up(self, reason: str, probe_at: datetime) -> None:
        self.given_up = True
        self.put_off(reason, probe_at, FeedState.DISABLED)

    def next_regular(self, now: datetime) -> datetime:
        return now + self._interval()

    def keep(self, parsed: Parsed[Any], now: datetime) -> tuple[Any, ...]:
        """Return the rows to give on: those of this answer or, with a cursor, the window of the last `keep_seconds`."""
        if not self.dataset.cursor:
            return parsed.rows
        self._window.update((row.id, row) for row in parsed.rows)
        oldest = now - timedelta(seconds=self.dataset.keep_seconds)
        self._window = {id_: row for id_, row in self._window.items() if row.at >= oldest}
        if parsed.rows:
            newest = max(row.at for row in parsed.rows)
            self.newest_at = newest if self.newest_at is None else max(newest, self.newest_at)
        return tuple(sorted(self._window.values(), key=lambda row: (row.at, row.id)))

    def report_due(self, now: datetime, every_s: float) -> bool:
        """Say whether there is news, or the last word is old."""
        if self._told_at is None or self._told != (self.state, self.last_error):
            return True
        return now - self._told_at >= timedelta(seconds=every_s)

    def report(self, feed: str, quota: Quota, now: datetime) -> FeedReported:
        self._told, self._told_at = (self.state, self.last_error), now
        return FeedReported(
            feed=feed,
            dataset=self.dataset.name,
            key=self.key,
            state=self.state.value,
            last_success_at=self.last_success_at,
            last_error=self.last_error,
            requests=self.requests,
            failures=self.failures,
            dropped=self.dropped,
            max_age_s=self.dataset.max_age_seconds,
            quota_used=quota.used,
            quota_limit=quota.limit,
            at=now,
        )

    def _interval(self) -> timedelta:
        return timedelta(seconds=self.dataset.poll_seconds)

    def _share(self, *, first: bool) -> float:
        """All keys are asked at once in the beginning; the second round comes staggered (early, never late)."""
        return (self._place + 1) / self._of if first else 1.0


def targets_of(dataset: DatasetSettings, symbols: tuple[str, ...]) -> list[Target]:
    """Return the targets of a dataset, none when it is not enabled."""
    if not dataset.enabled:
        return []
    own = dataset.symbols or symbols
    if dataset.scope is Scope.MARKET:
        return [Target(dataset, MARKET_WIDE, own, 0, 1)]
    return [Target(dataset, symbol, own, place, len(own)) for place, symbol in enumerate(own)]


def _written(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
