"""The audit desk: the store's named queries, run read-only and shown as tables; parameters come from the address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from threading import Lock
from typing import Any, Final

from bot.clocks.clock import wall_seconds
from bot.store.answers import Cell, ShortAnswer, shortened
from bot.store.audit import stream_transitions, verify_chain
from bot.store.database import open_reader
from bot.store.queries import QUERIES, AuditQuery, count_rows, last_day, stream_query, whole_id
from bot.web.downloads import csv_lines

ROWS_SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class AnswerTable:
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int
    short: ShortAnswer

    @property
    def truncated(self) -> bool:
        return self.total > len(self.rows)


def given_parameters(query: AuditQuery, given: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that a person filled in; those left empty take their defaults."""
    return {p.name: given[p.name].strip() for p in query.parameters if given.get(p.name, "").strip()}


def missing(query: AuditQuery, given: Mapping[str, str]) -> list[str]:
    """Return the names of the parameters without which the query cannot run."""
    filled = given_parameters(query, given)
    return [p.name for p in query.parameters if p.default is None and p.name not in filled]


def run(url: str, query: AuditQuery, given: Mapping[str, str], limit: int | None = ROWS_SHOWN) -> AnswerTable:
    """Return the answer, its first rows only with a limit; raises StoreError when there is none."""
    filled = given_parameters(query, given)
    if filled.get("id"):
        filled["id"] = whole_id(url, filled["id"])
    columns, rows = stream_query(url, query.name, filled)
    shown = tuple(islice(rows, limit))
    total = len(shown) if limit is None or len(shown) < limit else count_rows(url, query.name, filled)
    return AnswerTable(tuple(columns), shown, total, shortened(query.name, columns, shown, last_day(url)))


def whole(url: str, query: AuditQuery, given: Mapping[str, str]) -> Iterator[str]:
    """Return the whole answer as CSV, piece by piece; raises StoreError at once when there is none."""
    filled = given_parameters(query, given)
    if filled.get("id"):
        filled["id"] = whole_id(url, filled["id"])
    columns, rows = stream_query(url, query.name, filled)
    return csv_lines(columns, rows)


def story_path(cell: Cell) -> str:
    """Return where a cell's id leads to, empty for what is no id of a story."""
    kind = cell.column.removesuffix("_id")
    return f"/{kind}/{cell.stored}" if kind in {"position", "signal"} and cell.stored else ""


def csv_of(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    return "".join(csv_lines(columns, rows))


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """What a walk over the whole chain found: `words` of the first break, empty when it is sound."""

    rows: int
    head: str
    seq: int
    words: str
    seconds: float


_walking: Final = Lock()


def check_chain(url: str) -> ChainCheck | None:
    """Walk the chain; None while another walk is under way, for one costs a core for some seconds."""
    if not _walking.acquire(blocking=False):
        return None
    try:
        began = wall_seconds()
        verdict = verify_chain(url)
    finally:
        _walking.release()
    found = verdict.first_break
    words = "" if found is None else f"{found.kind}: {found.text}"
    return ChainCheck(verdict.rows, verdict.head.hash, verdict.head.seq, words, wall_seconds() - began)


def history_lines(url: str) -> Iterator[str]:
    """Yield the whole chain as CSV, every column as it is stored."""
    with open_reader(url) as connection:
        rows = stream_transitions(connection)
        first = next(rows, None)
        if first is not None:
            yield from csv_lines(tuple(first), chain([tuple(first.values())], (tuple(row.values()) for row in rows)))


def questions() -> Sequence[AuditQuery]:
    return tuple(QUERIES.values())
