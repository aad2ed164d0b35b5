"""`import`: data that others recorded, made into a recording that `replay` plays."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import show
from bot.cli.invocation import configuration, fail


def import_(
    kind: Annotated[str | None, typer.Argument(help="Which kind of data; without one: all there are.")] = None,
    files: Annotated[list[Path] | None, typer.Argument(help="Files of one day, packed by gzip or not.")] = None,
    day: Annotated[str | None, typer.Option(help="YYYY-MM-DD, where neither file nor folder says it.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Where the files' names do not say it.")] = None,
    stamp: Annotated[str, typer.Option(help="Of bars: are they stamped by their start or their end?")] = "start",
    to: Annotated[Path | None, typer.Option(help="A folder that does not exist yet; else the recordings'.")] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Make a recording of data that others recorded, and say what they do not have."""
    from bot.record.imports.kinds import IMPORTERS, import_files
    from bot.record.imports.source import Imported

    if kind is None:
        rows = [(name, each.what, each.lacks) for name, each in IMPORTERS.items()]
        show.as_table(("kind", "reads", "does not have"), rows, "kinds")
        return
    if kind not in IMPORTERS:
        fail(f"there is no kind {kind!r}: there are {', '.join(IMPORTERS)}")
    if stamp not in {"start", "end"}:
        fail(f"--stamp {stamp!r}: it is start or end")
    if not files:
        fail(f"import {kind}: name its files")
    asked = Imported(tuple(files), _day(day), symbol.upper() if symbol else None, stamp)
    with show.at_work(f"importing {kind}"):
        made = import_files(kind, asked, Path(configuration().settings.engine.record_dir), to)
    told = {
        "day": made.day.isoformat(), "folder": str(made.folder), "read": asked.read, "rows": made.rows,
        "left_out": asked.left_out, "notes": asked.notes, "lacks": IMPORTERS[kind].lacks,
    }  # fmt: skip
    if json:
        show.as_json(told)
        return
    print(f"{made.folder}: {made.rows:,} rows of {asked.read:,} read, {asked.left_out:,} left out")
    for note in asked.notes:
        print(f"  {note}")
    print(f"  such data do not have: {IMPORTERS[kind].lacks}")


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"--day {text!r} is no day like 2012-06-21")
