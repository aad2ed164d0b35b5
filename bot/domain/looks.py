"""One print is not a market: what bids were seen in the last seconds, and which of them a second look confirms.

A price counts as seen when it stood for as long as is asked, or when two quotes apart from each other bear it out. What
cannot be traded on (crossed, halted, one-sided) confirms nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.domain.quotes import Quote

APART: Final = timedelta(milliseconds=250)
"""Quotes closer together are one look: a price comes with its size, and that once more by itself."""
LONGEST: Final = timedelta(seconds=10)
_MOST: Final = 400


class Looks:
    """The bids of one instrument as they followed each other. None stands for a quote that is no price."""

    def __init__(self) -> None:
        self._seen: deque[tuple[datetime, Decimal | None]] = deque(maxlen=_MOST)

    def take(self, quote: Quote) -> None:
        """Add a quote; what was over before the longest look began is forgotten."""
        seen, at = self._seen, quote.at
        seen.append((at, quote.bid if quote.is_price else None))
        while len(seen) > 1 and at - seen[1][0] >= LONGEST:
            seen.popleft()

    @property
    def latest_at(self) -> datetime | None:
        return self._seen[-1][0] if self._seen else None

    def highest(self, now: datetime, look: timedelta, above: Decimal | None = None) -> Decimal | None:
        """Return the highest bid that a second look bears out, None while there is none, or none `above` a price: the
        lowest of those in force during the look, or during the time between two quotes that are apart. What is no price
        bears out nothing."""
        best = above
        for begins in self._beginnings(now, look):
            least: Decimal | None = None
            for at, bid in reversed(self._seen):
                if bid is None or (best is not None and bid <= best):
                    break  # what is no price bears out nothing, and what is lower nothing that is higher
                if least is None or bid < least:
                    least = bid
                if at <= begins:
                    best = least
                    break
        return best if best is not above else None

    def lowest(self, now: datetime, look: timedelta) -> Decimal | None:
        """As `highest`, for a bid that fell: the highest of those in force. What is no price is passed over, for a stop
        may not wait until a market that flickers is sound."""
        found = [max(priced) for bids in self._stretches(now, look) if (priced := [b for b in bids if b is not None])]
        return min(found, default=None)

    def _beginnings(self, now: datetime, look: timedelta) -> tuple[datetime, ...]:
        return (now - look, self._seen[-1][0] - APART) if self._seen else ()

    def _stretches(self, now: datetime, look: timedelta) -> Iterator[list[Decimal | None]]:
        for begins in self._beginnings(now, look):
            yield from self._in_force(begins)

    def _in_force(self, since: datetime) -> Iterator[list[Decimal | None]]:
        """Yield the bids from a moment on, nothing when it lies before all that was seen."""
        found: list[Decimal | None] = []
        for at, bid in reversed(self._seen):
            found.append(bid)
            if at <= since:
                yield found
                return
