"""The tables of the store, one file each: a file in this room is a table, and nothing else lists it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from sqlalchemy import Table

from bot.domain.kinds import KINDS, E
from bot.store.columns import METADATA
from bot.store.stored import Patch, Stored

__all__ = ["DECLARED", "LIVING", "MACHINES", "METADATA", "PATCHES", "stored"]


def _declared() -> list[Stored[Any]]:
    modules = [import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__)]
    return [each for module in modules for each in vars(module).values() if isinstance(each, Stored)]


def _patches() -> list[Patch[Any]]:
    modules = [import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__)]
    found = {id(each): each for module in modules for each in vars(module).values() if isinstance(each, Patch)}
    return list(found.values())


def _by_kind() -> dict[type[Any], Stored[Any]]:
    """Return the tables of things with a life, in the order in which foreign keys want their rows."""
    order = {table.name: place for place, table in enumerate(METADATA.sorted_tables)}
    found = {each.kind: each for each in sorted(DECLARED, key=lambda each: order[each.table.name])}
    missing = [kind.__name__ for kind in KINDS if kind not in found]
    if missing:
        raise TypeError(f"bot/store/tables has no file for {missing[0]}")
    return {kind: each for kind, each in found.items() if kind in KINDS}


DECLARED: Final = _declared()
"""What of the tables is a thing of the program, row for row."""
PATCHES: Final = _patches()
"""What of a row the tick writes that others inserted."""
LIVING: Final[Mapping[type[Any], Stored[Any]]] = _by_kind()
MACHINES: Final[Mapping[str, Table]] = {KINDS[kind].life.name: each.table for kind, each in LIVING.items()}
"""The table of each machine whose state stands in a row: of those that the tick keeps, and of what is told."""


def stored(kind: type[E]) -> Stored[E]:
    """Return the table of a kind of thing with a life."""
    return LIVING[kind]
