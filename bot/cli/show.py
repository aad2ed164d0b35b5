"""Output: the same rows as a table for people, as JSON or CSV for programs."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

PIPE_WIDTH: Final = 240
NARROW: Final = 80
_NUMERIC: Final = (int, float, Decimal)


@contextlib.contextmanager
def at_work(words: str) -> Iterator[None]:
    """Show on a terminal that something is going on for as long as it does."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(words):
        yield


@contextlib.contextmanager
def bar(words: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show on a terminal how far long work is, as a bar; what it gives takes how much is done, of how much, and of what
    the next part is."""
    if not sys.stderr.isatty():
        yield lambda done, of, what: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(words, total=None)
        yield lambda done, of, what: shown.update(task, completed=done, total=of, description=f"{words} {what}".strip())


def as_json(value: Any) -> None:
    """Print a value as indented JSON; money stays text, so that no reader rounds it; a duration is seconds."""
    print(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as CSV with a header line."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)


def as_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    title: str = "",
    empty: str = "nothing",
    piped: int = PIPE_WIDTH,
    numeric: AbstractSet[int] = frozenset(),
) -> None:
    """Print rows as a table, numbers to the right; `empty` is said when there are none. `piped`: its width where no
    terminal says one; `numeric`: columns whose numbers stand there in words, as `+1,200.50`."""
    from rich.console import Console
    from rich.table import Table

    if not rows:
        print(f"{title}: {empty}" if title else empty)
        return
    console = Console(width=None if sys.stdout.isatty() else piped)
    look: dict[str, Any] = {"header_style": "bold", "box": _box(), "pad_edge": False, "padding": (0, 1, 0, 0)}
    table = Table(title=title or None, title_justify="left", **look)
    for index, column in enumerate(columns):
        held = any(isinstance(row[index], _NUMERIC) and not isinstance(row[index], bool) for row in rows)
        table.add_column(column, justify="right" if held or index in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_escaped(_cell(value)) for value in row))
    console.print(table)


def records(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Return rows as mappings, for JSON."""
    return [dict(zip(columns, row, strict=True)) for row in rows]


def values_of(parts: Mapping[str, Any]) -> Iterator[tuple[str, int | str, str, Any]]:
    """Yield each value of what `as_json` would print: the part it stands in, which row of it (from 1, empty where there
    is one alone), its name (dotted inside of others) and itself."""
    for part, held in _plain(parts).items():
        rows = list(enumerate(held, 1)) if isinstance(held, list) else [("", held)]
        for number, row in rows:
            for name, value in _leaves(row):
                yield part, number, name, value


def _leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value, 1) if isinstance(value, list) else None
    if inner is None:
        yield at, value
        return
    for name, each in inner:
        yield from _leaves(each, f"{at}.{name}" if at else str(name))


def _box() -> Any:
    from rich import box

    return box.SIMPLE_HEAD


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal | Path):
        return str(value)
    return value
