"""What a decision may see of the market: the latest value of everything, with its age. The engine's board implements
it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.domain.chains import Chain
from bot.domain.instruments import PriceGrid
from bot.domain.quotes import Depth, Greeks, Quote


@dataclass(frozen=True, slots=True)
class Datum:
    """The latest value of a feed's dataset for one key; `ttl_s` is the age at which the feed itself calls it stale,
    `source` the vendor that said it."""

    value: Any
    source_at: datetime | None
    received_at: datetime
    ttl_s: float
    source: str
    fault: str = ""  # how it differs from the broker's, in words; then nothing is decided on it

    def age_s(self, now: datetime) -> float:
        """Return seconds since the vendor's own time, or since we received it where the vendor gives none."""
        return (now - (self.source_at or self.received_at)).total_seconds()


class MarketView(Protocol):
    """Latest values by instrument key and by (dataset, key); None where nothing has come."""

    def quote(self, key: str) -> Quote | None: ...

    def greeks(self, key: str) -> Greeks | None: ...

    def book(self, key: str) -> Depth | None: ...

    def datum(self, dataset: str, key: str) -> Datum | None: ...

    def chain(self, symbol: str) -> Chain | None:
        """Return what the broker lists of options on an underlying."""
        ...

    def grid(self, key: str) -> PriceGrid:
        """Return the price grid of an option: the broker's when known, else the class's usual one."""
        ...
