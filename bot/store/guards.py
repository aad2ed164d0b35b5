"""The triggers that keep `transition` append-only: what the migrations made, and whether it is still there.

Whoever wants to change the history first takes them away, so a start, `check` and `audit verify` compare them with what
the migrations made (a test holds that both are the same).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection

_SQLITE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "transition_is_never_changed": (
            "CREATE TRIGGER transition_is_never_changed BEFORE UPDATE ON transition "
            "BEGIN SELECT RAISE(ABORT, 'transition is append-only: a row is never changed'); END"
        ),
        "transition_is_never_removed": (
            "CREATE TRIGGER transition_is_never_removed BEFORE DELETE ON transition "
            "BEGIN SELECT RAISE(ABORT, 'transition is append-only: a row is never removed'); END"
        ),
        "transition_is_never_replaced": (
            "CREATE TRIGGER transition_is_never_replaced BEFORE INSERT ON transition "
            "WHEN EXISTS (SELECT 1 FROM transition WHERE seq = NEW.seq) "
            "BEGIN SELECT RAISE(ABORT, 'transition is append-only: a row is never replaced'); END"
        ),
    }
)
_POSTGRESQL: Final = frozenset({"transition_is_never_changed", "transition_is_never_emptied"})
_ON: Final = "O"  # pg_trigger.tgenabled: fires in a session of its origin


def guard_faults(connection: Connection) -> list[str]:
    """Return in words each trigger that is missing, altered or a stranger's; empty: all are as they were made."""
    return _LOOK[connection.dialect.name](connection)


def restore_guards(connection: Connection) -> None:
    """Put missing and altered triggers of a SQLite store back; a stranger's is taken away, for it may undo what the
    others refuse."""
    for name in _sqlite(connection):
        quoted = name.replace('"', '""')
        connection.exec_driver_sql(f'DROP TRIGGER "{quoted}"')
    for statement in _SQLITE.values():
        connection.exec_driver_sql(statement)


def _sqlite_faults(connection: Connection) -> list[str]:
    found = _sqlite(connection)
    missing = [f"trigger {name} is missing" for name in _SQLITE if name not in found]
    altered = [f"trigger {n} was altered" for n, made in _SQLITE.items() if n in found and found[n] != _plain(made)]
    strange = [f"trigger {name} is none of ours" for name in found if name not in _SQLITE]
    return [*missing, *altered, *strange]


def _sqlite(connection: Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'transition' ORDER BY name"
    )
    return {name: _plain(sql) for name, sql in rows}


def _plain(sql: str) -> str:
    return re.sub(r"\s+", " ", sql).strip()


def _postgresql_faults(connection: Connection) -> list[str]:
    rows = connection.exec_driver_sql(
        "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'transition'::regclass AND NOT tgisinternal"
    )
    found = {str(name): str(enabled) for name, enabled in rows}
    missing = [f"trigger {name} is missing" for name in sorted(_POSTGRESQL - found.keys())]
    off = [f"trigger {name} is switched off" for name in sorted(_POSTGRESQL & found.keys()) if found[name] != _ON]
    strange = [f"trigger {name} is none of ours" for name in sorted(found.keys() - _POSTGRESQL)]
    return [*missing, *off, *strange]


_LOOK: Final[Mapping[str, Callable[[Connection], list[str]]]] = MappingProxyType(
    {"sqlite": _sqlite_faults, "postgresql": _postgresql_faults}
)
