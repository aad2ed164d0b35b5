"""The audit desk: the store's named queries, listed, run read-only and shown as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

ROWS_SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class Question:
    name: str
    title: str
    params: tuple[str, ...]
    sql: str


@dataclass(frozen=True, slots=True)
class AnswerTable:
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool = False


class Desk:
    """Asks the named queries of one store."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.queries: Sequence[Question] = ()

    def query(self, name: str) -> Question | None:
        return next((q for q in self.queries if q.name == name), None)

    def run(self, chosen: Question, given: Mapping[str, str], limit: int | None = ROWS_SHOWN) -> AnswerTable:
        """Return the answer; raises StoreError when the store does not give one."""
        return AnswerTable((), ())
