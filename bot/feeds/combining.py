"""Data made of what several endpoints say: another vendor's rows that stand in, and sets merged by their times."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from bot.domain.data.declared import DeclaredRow, Value
from bot.domain.events import DatumReceived
from bot.feeds.rows import Reads
from bot.feeds.sources import AggregateSettings, DataSources

IsFresh = Callable[[str, str, str], bool]


class Combining:
    """`is_fresh` says whether (source, data set, key) has rows of its own that are not too old."""

    def __init__(self, sources: DataSources, is_fresh: IsFresh) -> None:
        self._is_fresh = is_fresh
        self._stand_ins: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self._merges: dict[tuple[str, str], list[AggregateSettings]] = {}
        self._reads: dict[str, Reads] = {}
        self._rows: dict[tuple[str, str], Sequence[Any]] = {}
        for source, settings in sources.enabled().items():
            for each in settings.endpoints:
                other, _, name = each.fallback.partition(".")
                if each.enabled and each.fallback:
                    self._stand_ins.setdefault((other, name), []).append((source, each.name))
            for merged in settings.aggregates:
                for name in merged.of:
                    self._merges.setdefault((source, name), []).append(merged)
            needed = {name for merged in settings.aggregates for name in merged.of}
            self._reads |= {e.name: settings.reads(e) for e in settings.endpoints if e.name in needed}

    def of(self, event: DatumReceived, now: datetime) -> Iterator[DatumReceived]:
        """Yield what else a datum brings."""
        place = (event.source, event.dataset)
        for source, dataset in self._stand_ins.get(place, ()):
            if not self._is_fresh(source, dataset, event.key):
                yield replace(event, dataset=dataset)
        merges = self._merges.get(place, ())
        if merges:
            self._rows[event.dataset, event.key] = event.value
        for merged in merges:
            if all((name, event.key) in self._rows for name in merged.of):
                yield self._merge(merged, event)

    def _merge(self, merged: AggregateSettings, event: DatumReceived) -> DatumReceived:
        rows = merge_on_timestamp(
            {name: self._timed(name, self._rows[name, event.key]) for name in merged.of}, merged.within_s
        )
        newest = rows[-1]["at"] if rows else None
        source_at = newest if isinstance(newest, datetime) else None
        return replace(event, dataset=merged.name, value=rows, source_at=source_at, ttl_s=merged.max_age_s)

    def _timed(self, name: str, rows: Sequence[Any]) -> list[tuple[datetime, Any]]:
        reads = self._reads[name]
        return [(at, row) for row in rows if (at := reads.time_of(row)) is not None]


def merge_on_timestamp(sets: Mapping[str, Sequence[tuple[datetime, Any]]], within_s: float) -> tuple[DeclaredRow, ...]:
    """Return a row for each span of so many seconds in which any set has one: `at`, the span's beginning, and each
    set's fields as SET_FIELD, of its latest row there; a set that has none there is absent from the row."""
    found: dict[float, dict[str, Value]] = {}
    for name, rows in sets.items():
        for at, row in sorted(rows, key=lambda each: each[0]):
            span = at.timestamp() // within_s * within_s
            values = found.setdefault(span, {"at": datetime.fromtimestamp(span, UTC)})
            values.update({f"{name}_{field}": value for field, value in _fields_of(row).items()})
    return tuple(DeclaredRow(MappingProxyType(found[span])) for span in sorted(found))


def _fields_of(row: Any) -> Mapping[str, Any]:
    if isinstance(row, Mapping):
        return row
    return {each.name: getattr(row, each.name) for each in dataclasses.fields(row)}
