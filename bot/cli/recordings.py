"""`recordings`: the recorded days, whether they are whole, and their tables for other programs."""

from __future__ import annotations

import contextlib
import csv
import json as encode
import sys
from collections.abc import Iterator, Sequence
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TextIO

import typer

from bot.cli import show
from bot.cli.invocation import REFUSED, OneLineHelp, configuration, fail

if TYPE_CHECKING:
    from bot.record.library import Recording

_HELP: Final = "Recorded days: list, verify, export, cut."
app = typer.Typer(cls=OneLineHelp, help=_HELP, no_args_is_help=True)

_AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command(name="list")
def list_recordings(json: _AsJson = False) -> None:
    """List the recorded days, the oldest first: when they begin and end, how many rows they have."""
    columns = ("day", "from", "until", "rows", "kinds", "runs", "MB", "state")
    rows = [_listed(each) for each in _recordings()]
    if json:
        show.as_json(show.records(columns, rows))
    else:
        show.as_table(columns, rows, "recordings", f"none in {_root()}: engine.record says whether there will be")


def _listed(recording: Recording) -> tuple[Any, ...]:
    since, until = recording.span() or (None, None)
    counts = recording.counts()
    state = "open" if recording.is_open else "finished"
    size = round(recording.size / 2**20, 2)
    return (recording.name, since, until, counts.total(), len(recording.kinds()), counts["runs"], size, state)


@app.command()
def verify(
    days: Annotated[
        list[str] | None, typer.Argument(help="A day, a range like DAY..DAY, or a folder; else all.")
    ] = None,
    json: _AsJson = False,
) -> None:
    """Read recordings whole: digests, checksums, schema, every row, every sequence. Exit code 1 when one is damaged."""
    chosen = [found for name in days for found in _named(name)] if days else _recordings()
    with show.at_work("reading every row"):
        judged = [(each, each.judge()) for each in chosen]
    columns = ("day", "rows", "unread", "not recorded", "verdict")
    rows = []
    for each, found in judged:
        lost = sum(gap.count for gap in found.gaps)
        rows.append((each.name, found.rows, found.unread, lost, found.verdict()))
    if json:
        show.as_json(show.records(columns, rows))
    else:
        show.as_table(columns, rows, "recordings", f"none in {_root()}")
    if not all(found.is_whole for _, found in judged):
        raise typer.Exit(REFUSED)


@app.command()
def export(
    day: Annotated[str, typer.Argument(help="A day, a range like DAY..DAY, or a folder.")],
    kind: Annotated[str, typer.Option(help="Which table: quotes, greeks, orders, answers, ...")] = "quotes",
    form: Annotated[str, typer.Option("--format", help="csv, or jsonl: a JSON object a line.")] = "csv",
    to: Annotated[Path | None, typer.Option(help="A file; else standard output.")] = None,
) -> None:
    """Write one table of a recording as it came, row by row. Parquet readers can read the files themselves."""
    from bot.domain.recording import COLUMNS, COMMON, EventKind

    if kind not in set(EventKind):
        fail(f"there is no table {kind!r}: there are {', '.join(EventKind)}")
    if form not in _FORMS:
        fail(f"there is no format {form!r}: there are {', '.join(_FORMS)}")
    names = [name for name, _ in (*COMMON, *COLUMNS[EventKind(kind)])]
    rows = (_values(row) for each in _named(day) for row in each.rows({EventKind(kind)}))
    with _opened(to) as file:
        _FORMS[form](file, names, rows)


@app.command()
def cut(
    day: Annotated[str, typer.Argument(help="A day, or a folder.")],
    to: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
    until: Annotated[str, typer.Option(help="New York's time of day, HH:MM; else the whole of it.")] = "23:59",
    without: Annotated[str, typer.Option(help="Tables to leave out, with commas between: answers, ...")] = "",
) -> None:
    """Write a smaller recording: the first part of a day, without some tables. Its sequence is numbered anew."""
    from bot.record.library import cut as cut_off

    left_out = {word.strip() for word in without.split(",") if word.strip()}
    (recording,) = _named(day)
    if to.exists():
        fail(f"{to} exists")
    rows = cut_off(recording, to, _time_of_day(until), left_out)
    print(f"{to}: {rows:,} rows")


def _time_of_day(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        fail(f"--until {text!r} is no time of day like 10:15")


def _values(row: Any) -> list[Any]:
    from bot.domain.recording import COLUMNS, COMMON, Column, EventKind, moment

    sequence, us, kind, source, key, values = row
    held = (sequence, us, source, key, *values)
    told = zip((*COMMON, *COLUMNS[EventKind(kind)]), held, strict=True)
    return [
        moment(value).isoformat() if column is Column.MOMENT and value is not None else value
        for (_, column), value in ((each, _text(value)) for each, value in told)
    ]


def _text(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _as_csv(file: TextIO, names: Sequence[str], rows: Iterator[list[Any]]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)


def _as_lines(file: TextIO, names: Sequence[str], rows: Iterator[list[Any]]) -> None:
    file.writelines(encode.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)


_FORMS: Final = {"csv": _as_csv, "jsonl": _as_lines}


@contextlib.contextmanager
def _opened(to: Path | None) -> Iterator[TextIO]:
    if to is None:
        yield sys.stdout
        return
    with to.open("w", encoding="utf-8", newline="") as file:
        yield file


def _root() -> Path:
    return Path(configuration().settings.engine.record_dir)


def _recordings() -> list[Recording]:
    from bot.record.library import recordings

    return recordings(_root())


def _named(name: str) -> list[Recording]:
    from bot.record.library import named

    return named(_root(), name)
