"""The feeds as the page shows them: each with its age against its limit, and by dataset with the oldest in front."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.events.feeds import FeedReported
from bot.web import words
from bot.web.formats import span

STALE, AGEING, FRESH = "bad", "warn", "ok"
AGEING_FROM: Final = 0.75  # of the age limit
BACKGROUND: Final = "background"
"""The lowest priority of a feed."""
EVERY_KEY: Final = "*"
"""The key of a dataset that is one for all symbols."""


@dataclass(frozen=True, slots=True)
class FeedView:
    """One feed; `age` is that of its newest row where that is older than its last answer, `filled` how full its bar is,
    0 to 100, full at the age limit; `outcome` how its last call came out, `next_in` the seconds to its next one (None
    while none is planned), `source` whose rows are in use."""

    feed: str
    dataset: str
    key: str
    state: str
    last_error: str
    age: float | None
    max_age: float
    filled: float
    tone: str
    requests: int
    failures: int
    dropped: int
    outcome: str = ""
    next_in: float | None = None
    source: str = ""
    priority: str = ""
    row_age: float | None = None  # by the vendor's own time of the newest row

    @property
    def stands_in(self) -> str:
        """The vendor that stands in for its own, empty where none does."""
        return self.source if self.source not in {"", self.feed} else ""

    @property
    def name(self) -> str:
        return self.dataset if self.key == EVERY_KEY else f"{self.dataset} {self.key}"

    @property
    def is_fine(self) -> bool:
        """Not too old, and nothing that keeps it from being renewed."""
        return self.tone != STALE and not self.is_kept_from_us

    @property
    def is_kept_from_us(self) -> bool:
        """Refused, or tried again and again, whatever its age."""
        return words.state_tone(self.state, "feed") in {"warn", "bad"}

    @property
    def is_counted_on(self) -> bool:
        """A set in the background is the first that a tight budget leaves out, and no decision waits for it."""
        return self.priority != BACKGROUND

    @property
    def fault(self) -> str:
        """Why it is not fine, in words; empty where it is."""
        if self.is_kept_from_us:
            return " ".join((words.state_words(self.state, "feed"), self.last_error)).strip()
        return f"{span(self.age)} old, limit {span(self.max_age)}" if self.tone == STALE else ""


@dataclass(frozen=True, slots=True)
class FeedGroup:
    """A dataset with its feeds, the worst of them first."""

    feeds: tuple[FeedView, ...]

    @property
    def worst(self) -> FeedView:
        return self.feeds[0]

    @property
    def ailing(self) -> tuple[FeedView, ...]:
        return tuple(each for each in self.feeds if not each.is_fine)

    @property
    def next_in(self) -> float | None:
        """Seconds to the next call of any of them."""
        return min((each.next_in for each in self.feeds if each.next_in is not None), default=None)

    @property
    def requests(self) -> int:
        return sum(each.requests for each in self.feeds)

    @property
    def failures(self) -> int:
        return sum(each.failures for each in self.feeds)

    @property
    def dropped(self) -> int:
        return sum(each.dropped for each in self.feeds)


@dataclass(frozen=True, slots=True)
class QuotaView:
    """What is used of a vendor's quota by its own count: `filled` 0 to 100; `resets` the New York time at which it
    begins anew, empty where that is not known. Calls and errors are since the start of the bot."""

    vendor: str
    used: int
    limit: int
    filled: float
    tone: str
    resets: str
    requests: int
    failures: int
    dropped: int


QUOTA_TELLS: Final = 0.8
"""From this part of a quota on its meter is amber: what is not essential is asked for no more."""


def quotas(rows: Sequence[FeedReported], resets: Mapping[str, str]) -> tuple[QuotaView, ...]:
    """Return the quota of each vendor that counts: the highest count that any of its answers told."""
    found = []
    for vendor in dict.fromkeys(row.feed for row in rows):
        own = [row for row in rows if row.feed == vendor]
        used = max((row.quota_used or 0 for row in own), default=0)
        limit = max((row.quota_limit or 0 for row in own), default=0)
        if not limit:
            continue
        part = used / limit
        tone = STALE if part >= 1 else AGEING if part >= QUOTA_TELLS else FRESH
        found.append(QuotaView(
            vendor, used, limit, round(min(100.0, part * 100), 1), tone, resets.get(vendor, ""),
            sum(row.requests for row in own), sum(row.failures for row in own), sum(row.dropped for row in own),
        ))  # fmt: skip
    return tuple(found)


def feed_view(row: FeedReported, now: datetime) -> FeedView:
    """Return a feed's row; its bar is full at the age limit, amber from three quarters, red beyond."""
    age = row.age_s(now)
    part = 0.0 if age is None or row.max_age_s <= 0 else age / row.max_age_s
    tone = STALE if part > 1 else (AGEING if part > AGEING_FROM else FRESH)
    filled = round(min(100.0, part * 100), 1)
    return FeedView(
        row.feed, row.dataset, row.key, row.state, row.last_error, age, row.max_age_s, filled, tone, row.requests,
        row.failures, row.dropped, row.outcome,
        None if row.next_call_at is None else max(0.0, (row.next_call_at - now).total_seconds()), row.source,
        row.priority, row.row_age_s(now),
    )  # fmt: skip


def by_dataset(feeds: Iterable[FeedView]) -> tuple[FeedGroup, ...]:
    """Return the feeds by dataset, in the order given; within one what ails comes first, then what is oldest."""
    found: dict[tuple[str, str], list[FeedView]] = {}
    for each in feeds:
        found.setdefault((each.feed, each.dataset), []).append(each)
    return tuple(FeedGroup(tuple(sorted(group, key=lambda f: (f.is_fine, -f.filled)))) for group in found.values())
