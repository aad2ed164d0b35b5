"""What the store holds of each living thing, so that a change writes the columns that changed and no others.

Context: an order has forty columns, and a fill changes five of them; each change wrote all forty, and every index of
them. Decision: the writer remembers the row of each thing that is alive, as it wrote it last, and compares. What it
does not remember is written whole. Consequence: whatever casts doubt on what is on the disk (a commit that failed,
memory that was read anew) has everything forgotten, and a row that is not there to be changed fails the commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.domain.kinds import KINDS, Entity
from bot.store.statements import RowUpdate, Write
from bot.store.stored import Kept, Stored
from bot.store.values import Row


class Written:
    """Memory of one writer. What has come to its end is forgotten: few changes come after it."""

    def __init__(self) -> None:
        self._kept: dict[tuple[type[Any], str], Kept] = {}

    def forget(self) -> None:
        """Nobody knows what is on the disk: all is written whole once more."""
        self._kept.clear()

    def writes(self, table: Stored[Any], changed: Iterable[Entity]) -> list[Write]:
        """Return what of these things has to be written, and take it as written."""
        whole: list[Row] = []
        parts: dict[tuple[str, ...], list[Row]] = {}
        for thing in changed:
            place = (table.kind, thing.id)
            known = self._kept.get(place)
            if known is None:
                known = self._kept[place] = table.kept(thing)
                whole.append(known.row)
            elif news := table.news(thing, known):
                parts.setdefault(tuple(news), []).append({**news, "row_id": thing.id})
            if not KINDS[table.kind].is_alive(thing):
                del self._kept[place]
        updates: list[Write] = [(RowUpdate(table.table.name, columns), rows) for columns, rows in parts.items()]
        return [(table.table.name, whole), *updates]
