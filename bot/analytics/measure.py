"""What a measure is: a number about the market with a name, worked out of the board when it is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from bot.analytics.exposure import Convention
from bot.analytics.portfolio import PremiumPaid
from bot.domain.calendar import TradingSession
from bot.domain.market import MarketView
from bot.domain.readings import Reading

Held = tuple[Sequence[PremiumPaid], Decimal | None]


class MeasuredView(MarketView, Protocol):
    """What a measure may see: the market, the hours of the day (None: not known), and which readings are meant."""

    @property
    def session(self) -> TradingSession | None: ...

    @property
    def convention(self) -> Convention: ...

    def held(self) -> Held:
        """Return what is held and the account's equity in dollars, None where that is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure. `needs`: the data sets that it is made of ("quote" for prices); `every_s`: it is worked out anew
    when it is asked for and its last answer is older than that; after `max_age_s` its reading is not to be decided
    on."""

    name: str
    needs: tuple[str, ...]
    every_s: float
    max_age_s: float
    unit: str
    compute: Callable[[MeasuredView, str, datetime], Reading]

    def read(self, view: MeasuredView, key: str, now: datetime) -> Reading:
        """Return its reading of a key. A number that is none is a named absence."""
        return self.compute(view, key, now)


def told(value: Any, at: datetime, measure_unit: str, max_age_s: float) -> Reading:
    """Return a reading with a value."""
    return Reading(value, at, measure_unit, "", max_age_s)


def absent(why: str, at: datetime, measure_unit: str, max_age_s: float) -> Reading:
    """Return a reading that says by name why there is no value."""
    return Reading(None, at, measure_unit, why, max_age_s)


def rows_of(view: MarketView, dataset: str, key: str) -> tuple[Any, ...]:
    """Return the rows of a data set, none where nothing came."""
    datum = view.datum(dataset, key)
    return tuple(datum.value) if datum is not None and datum.value else ()


def moment_of(view: MarketView, dataset: str, key: str, now: datetime) -> datetime:
    """Return of when a data set is: the vendor's own time, else when it came; now where nothing came."""
    datum = view.datum(dataset, key)
    return now if datum is None else datum.source_at or datum.received_at


Said = Mapping[str, Any]
"""The parts of a value by name; `value` is the number that stands for it."""
