"""Alerts that were raised: what a person should have seen, the newest last, read from the store."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any, Final

from bot.cli import show
from bot.cli.invocation import database_url, fail

if TYPE_CHECKING:
    from bot.store.read.running import AlertRow

COLUMNS: Final = ("at", "severity", "code", "text", "id")
SHORT_COLUMNS: Final = ("at", "severity", "code", "text")
MOST: Final = 10_000
_WIDTH: Final = 80
_MARGIN: Final = 9  # beside four columns and two between each


def show_raised(*, since: str | None, severity: str | None, limit: int, json: bool, csv: bool, wide: bool) -> None:
    """Print them: date, severity, code, and as much of the text as 80 columns take."""
    from bot.store.revision import check_revision

    if json and csv:
        fail("--csv and --json: choose one of them")
    if severity not in {None, "info", "warning", "critical"}:
        fail(f"--severity {severity!r} must be info, warning or critical")
    url = database_url()
    check_revision(url)
    found = _found(url, since, severity, limit)
    if json:
        show.as_json([_whole(each) for each in found])
    elif csv:
        show.as_csv(COLUMNS, [list(_whole(each).values()) for each in found])
    elif wide:
        show.as_table(COLUMNS, [list(_whole(each).values()) for each in found], "alerts", "none")
    else:
        show.as_table(SHORT_COLUMNS, _fitted(found), "alerts", "none", show.NARROW)


def _found(url: str, since: str | None, severity: str | None, limit: int) -> list[AlertRow]:
    from bot.domain.calendar import NEW_YORK
    from bot.store import read as ask
    from bot.store.database import open_reader
    from bot.store.queries import day_named

    with open_reader(url) as connection:
        begins = None
        if since is not None:
            begins = datetime.combine(day_named(connection, "--since", since), time(), NEW_YORK)
        rows = ask.alerts(connection, MOST if severity else limit, begins)
    return [each for each in rows if severity in {None, each.severity}][:limit][::-1]


def _whole(row: AlertRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in COLUMNS}


def _fitted(rows: list[AlertRow]) -> list[list[str]]:
    """Return rows of 80 characters: a text that is longer is cut, `--wide` has it whole."""
    from bot.domain.wording import moment

    cells = [[moment(e.at), e.severity, e.code[:28], e.text] for e in rows]
    heads = [max((len(row[i]) for row in cells), default=0) for i in range(3)]
    left = _WIDTH - _MARGIN - sum(max(a, len(b)) for a, b in zip(heads, SHORT_COLUMNS, strict=False))
    return [[*row[:3], row[3] if len(row[3]) <= left else row[3][: left - 1] + "…"] for row in cells]
