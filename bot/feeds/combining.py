"""Data made of what several endpoints say: another vendor's rows that stand in, and sets put together.

What a set is made of may be of one source or of several; what has gone stale meanwhile takes no part.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from bot.analytics.chains import unusual_contracts
from bot.analytics.earnings import earnings_dates
from bot.analytics.economic import disagreeing, economic_events
from bot.analytics.sentiment import mean_ticker_score
from bot.domain.data.declared import DeclaredRow, Value
from bot.domain.events.feeds import DatumReceived, FeedReported
from bot.feeds.outcome import Outcome
from bot.feeds.rows import Reads
from bot.feeds.sources import AggregateSettings, DataSources, How
from bot.feeds.targets import FeedState

IsFresh = Callable[[str, str, str], bool]
Place = tuple[str, str]
"""Source and data set."""
EVERY_KEY: Final = "*"


@dataclass(frozen=True, slots=True)
class PlacedAggregate:
    """An aggregate at the source that it stands at."""

    home: str
    settings: AggregateSettings

    @property
    def members(self) -> tuple[Place, ...]:
        return self.settings.members(self.home)


class Combining:
    """`is_fresh` says whether (source, data set, key) has rows of its own that are not too old; `before`: one whose
    rows are gone on with."""

    def __init__(self, sources: DataSources, is_fresh: IsFresh, before: Combining | None = None) -> None:
        self._is_fresh = is_fresh
        self._stand_ins: dict[Place, list[Place]] = {}
        self._made: dict[Place, list[PlacedAggregate]] = {}
        self._absent: dict[Place, list[str]] = {}
        self._reads: dict[Place, Reads] = {}
        for source, settings in sources.enabled().items():
            for each in settings.endpoints:
                other, _, name = each.fallback.partition(".")
                if each.enabled and each.fallback:
                    self._stand_ins.setdefault((other, name), []).append((source, each.name))
            for merged in settings.aggregates:
                made = PlacedAggregate(source, merged)
                self._absent[source, merged.name] = [
                    f"{other}.{name}" for other, name in made.members if not sources.has(other, name)
                ]
                for member in made.members:
                    self._made.setdefault(member, []).append(made)
        for source, name in self._made:
            if not sources.has(source, name):
                continue
            settings = sources.root[source]
            self._reads.update(((source, name), settings.reads(e)) for e in settings.endpoints if e.name == name)
        self._rows: dict[Place, dict[str, Sequence[Any]]] = {}
        if before is not None:
            self._rows = {place: rows for place, rows in before._rows.items() if place in self._made}
        self._keys: dict[Place, set[str]] = before._keys if before is not None else {}
        self.status: dict[tuple[str, str, str], FeedReported] = {}

    def keys_of(self, source: str, dataset: str) -> Sequence[str]:
        """Return the keys for which an aggregate was made."""
        return sorted(self._keys.get((source, dataset), ()))

    def of(self, event: DatumReceived, now: datetime) -> Iterator[DatumReceived]:
        """Yield what else a datum brings; how each aggregate came out is in `status` then."""
        place = (event.source, event.dataset)
        for source, dataset in self._stand_ins.get(place, ()):
            if not self._is_fresh(source, dataset, event.key):
                yield replace(event, dataset=dataset)
        makes = self._made.get(place, ())
        if makes:
            self._rows.setdefault(place, {})[event.key] = event.value
        for made in makes:
            if (datum := self._make(made, event)) is not None:
                self._note(made, datum, now)
                yield datum

    def _make(self, made: PlacedAggregate, event: DatumReceived) -> DatumReceived | None:
        key = EVERY_KEY if made.settings.how in _OF_ALL_KEYS else event.key
        sets = [(member, self._of_member(member, key, event)) for member in made.members]
        if made.settings.how not in _OF_ALL_KEYS and any(rows is None for _, rows in sets):
            return None
        rows, newest = _MAKING[made.settings.how](
            made.settings, [(member, rows) for member, rows in sets if rows is not None], key, self._reads
        )
        whose = made.home if made.settings.how in _OF_ALL_KEYS else event.source
        return replace(
            event, dataset=made.settings.name, key=key, value=rows, source_at=newest, ttl_s=made.settings.max_age_s,
            source=whose, shown=made.settings.shown,
        )  # fmt: skip

    def _of_member(self, member: Place, key: str, event: DatumReceived) -> Sequence[Any] | None:
        """Return a member's rows of a key, or of all its keys that are fresh; None where there are none."""
        found = self._rows.get(member, {})
        if key != EVERY_KEY or key in found:
            return found.get(key)
        heard = (event.source, event.dataset, event.key)
        fresh = [rows for each, rows in found.items() if (*member, each) == heard or self._is_fresh(*member, each)]
        return [row for rows in fresh for row in rows] if fresh else None

    def _note(self, made: PlacedAggregate, datum: DatumReceived, now: datetime) -> None:
        self._keys.setdefault((made.home, datum.dataset), set()).add(datum.key)
        differ = disagreeing(datum.value) if made.settings.how in _OF_ALL_KEYS else []
        absent = self._absent.get((made.home, datum.dataset), ())
        said = [f"{len(differ)} disagreements: {'; '.join(differ)}"] if differ else []
        said += [f"without {', '.join(absent)}, which the settings do not have"] if absent else []
        outcome = Outcome.DISAGREES if differ else Outcome.OK if datum.value else Outcome.EMPTY
        self.status[made.home, datum.dataset, datum.key] = FeedReported(
            feed=made.home, dataset=datum.dataset, key=datum.key, state=FeedState.OK.value, last_success_at=now,
            last_error=". ".join(said), requests=0, failures=0, dropped=0, max_age_s=made.settings.max_age_s,
            quota_used=None, quota_limit=None, at=now, outcome=outcome.value, source=made.home,
        )  # fmt: skip


def merge_on_timestamp(sets: Mapping[str, Sequence[tuple[datetime, Any]]], within_s: float) -> tuple[DeclaredRow, ...]:
    """Return a row for each span of so many seconds in which any set has one: `at`, the span's beginning, and each
    set's fields as SET_FIELD, of its latest row there; a set that has none there is absent from the row."""
    found: dict[float, dict[str, Value]] = {}
    for name, rows in sets.items():
        for at, row in sorted(rows, key=lambda each: each[0]):
            span = at.timestamp() // within_s * within_s
            values = found.setdefault(span, {"at": datetime.fromtimestamp(span, UTC)})
            values.update({f"{name}_{field}": value for field, value in fields_of(row).items()})
    return tuple(DeclaredRow(MappingProxyType(found[span])) for span in sorted(found))


def fields_of(row: Any) -> Mapping[str, Any]:
    """Return a row's fields by name, whether it is typed or declared."""
    if isinstance(row, Mapping):
        return row
    return {each.name: getattr(row, each.name) for each in dataclasses.fields(row)}


Sets = Sequence[tuple[Place, Sequence[Any]]]
Rows = tuple[tuple[Any, ...], datetime | None]
"""Rows and the newest time in them, where it speaks for all."""


def _merged_on_timestamp(settings: AggregateSettings, sets: Sets, key: str, reads: Mapping[Place, Reads]) -> Rows:
    timed = {
        place[1]: [(at, row) for row in rows if (at := reads[place].time_of(row)) is not None] for place, rows in sets
    }
    merged = merge_on_timestamp(timed, settings.within_s)
    newest = merged[-1]["at"] if merged else None
    return merged, newest if isinstance(newest, datetime) else None


def _events(settings: AggregateSettings, sets: Sets, key: str, reads: Mapping[Place, Reads]) -> Rows:
    return economic_events([(source, rows) for (source, _), rows in sets]), None


def _earnings(settings: AggregateSettings, sets: Sets, key: str, reads: Mapping[Place, Reads]) -> Rows:
    return earnings_dates([(source, rows) for (source, _), rows in sets]), None


def _mean_score(settings: AggregateSettings, sets: Sets, key: str, reads: Mapping[Place, Reads]) -> Rows:
    found = mean_ticker_score(sets[0][1], key)
    return ((found,), None) if found is not None else ((), None)


def _unusual(settings: AggregateSettings, sets: Sets, key: str, reads: Mapping[Place, Reads]) -> Rows:
    return unusual_contracts(sets[0][1]), None


_OF_ALL_KEYS: Final = frozenset({How.ECONOMIC_EVENTS, How.EARNINGS_DATES})
"""Made once of every key that the members have."""
_MAKING: Final[Mapping[How, Callable[[AggregateSettings, Sets, str, Mapping[Place, Reads]], Rows]]] = MappingProxyType(
    {
        How.MERGE_ON_TIMESTAMP: _merged_on_timestamp,
        How.ECONOMIC_EVENTS: _events,
        How.EARNINGS_DATES: _earnings,
        How.MEAN_TICKER_SCORE: _mean_score,
        How.UNUSUAL_CONTRACTS: _unusual,
    }
)
