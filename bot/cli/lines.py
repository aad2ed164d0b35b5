"""`lines`: who holds which market data line, and who waits for one."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from bot.cli import show
from bot.cli.invocation import database_url, fail

COLUMNS: Final = ("line", "kind", "for", "group", "state", "last tick", "gaps", "detail")
FIELDS: Final = ("key", "kind", "rank", "group_name", "state", "ticked_at", "gaps", "detail", "at")


def lines(
    everything: Annotated[bool, typer.Option("--all", help="Also those that nobody wants any more.")] = False,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
) -> None:
    """Who holds which market data line: positions first, then candidates, then context, with state and last tick.

    refused: the login has no subscription. left_out: beyond ibkr.line_budget. delayed: shown, never traded on.
    """
    if csv and json:
        fail("--csv and --json: choose one of them")
    from bot.store import read as ask
    from bot.store.database import open_reader

    with open_reader(database_url()) as connection:
        rows = ask.market_lines(connection, closed=everything)
        pulse = ask.pulse(connection)
    if json:
        show.as_json([{name: getattr(row, name) for name in FIELDS} for row in rows])
    elif csv:
        show.as_csv(FIELDS, [[getattr(row, name) for name in FIELDS] for row in rows])
    else:
        show.as_table(
            COLUMNS, [_cells(row, pulse.at if pulse else row.at) for row in rows], "market data lines", "none"
        )


def _cells(row: Any, now: Any) -> list[Any]:
    from bot.domain.wording import key_words, new_york

    seen = new_york(row.ticked_at, now) if row.ticked_at else "never"
    gaps = row.gaps or ""
    return [key_words(row.key), row.kind, row.rank, row.group_name, row.state, seen, gaps, row.detail]
