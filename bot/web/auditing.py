"""The audit desk: the store's named queries, run read-only and shown as tables; parameters come from the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.store.answers import Cell, ShortAnswer, shortened
from bot.store.queries import QUERIES, AuditQuery, last_day, run_query, whole_id
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
    columns, rows = run_query(url, query.name, filled)
    shown = tuple(rows if limit is None else rows[:limit])
    return AnswerTable(tuple(columns), shown, len(rows), shortened(query.name, columns, shown, last_day(url)))


def story_path(cell: Cell) -> str:
    """Return where a cell's id leads to, empty for what is no id of a story."""
    kind = cell.column.removesuffix("_id")
    return f"/{kind}/{cell.stored}" if kind in {"position", "signal"} and cell.stored else ""


def as_csv(table: AnswerTable) -> str:
    """Return a table as CSV that a spreadsheet does not execute."""
    return csv_of(table.columns, table.rows)


def csv_of(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    return "".join(csv_lines(columns, rows))


def questions() -> Sequence[AuditQuery]:
    return tuple(QUERIES.values())
