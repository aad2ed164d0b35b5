"""`feeds`: how each data set is doing; `feeds test`: one live call, and whether the fields are there."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.cli import show
from bot.cli.invocation import configuration, database_url, fail

if TYPE_CHECKING:
    from bot.feeds.probe import Probed
    from bot.feeds.sources import DataSources

app = typer.Typer(invoke_without_command=True, help="How each data set is doing, and what it costs.")

COLUMNS: Final = (
    "data set", "key", "priority", "state", "last call", "age / limit", "next call", "calls", "errors", "cost",
    "source", "detail",
)  # fmt: skip
FIELDS: Final = (
    "feed", "dataset", "key", "priority", "state", "outcome", "age_s", "row_age_s", "max_age_s", "next_call_at",
    "calls_today", "errors_today", "cost_today", "breaker", "source", "quota_used", "quota_limit", "requests",
    "failures", "dropped", "last_error", "at",
)  # fmt: skip
TESTED: Final = ("source", "endpoint", "outcome", "rows", "missing", "new", "wrong", "words", "asked")


@app.callback()
def feeds(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
) -> None:
    """How each data set is doing: state, age against its limit, calls, errors and cost of the day, next call, and whose
    rows are in use. Why the last edit of the settings was refused stands on top."""
    if context.invoked_subcommand is not None:
        return
    if csv and json:
        fail("--csv and --json: choose one of them")
    from bot.store import read as ask
    from bot.store.database import open_reader
    from bot.store.read.vendors import refused_edit

    with open_reader(database_url()) as connection:
        pulse, refused = ask.pulse(connection), refused_edit(connection)
        rows = _rows(connection, pulse.at if pulse else None)
    if json:
        show.as_json({"settings_refused": refused, "feeds": rows})
    elif csv:
        show.as_csv(FIELDS, [[row[name] for name in FIELDS] for row in rows])
    else:
        if refused:
            print(refused)
        show.as_table(COLUMNS, [_cells(row) for row in rows], "feeds", "none has reported yet")


def _rows(connection: Any, now: datetime | None) -> list[dict[str, Any]]:
    from bot.domain.calendar import new_york_day
    from bot.store import read as ask
    from bot.store.read.vendors import endpoint_days

    found = ask.feeds(connection)
    now = now or max((row.at for row in found), default=None)
    if now is None:
        return []
    took = {(day.feed, day.dataset): day for day in endpoint_days(connection, new_york_day(now))}
    return [_row(each, took.get((each.feed, each.dataset)), now) for each in found if each.state != "removed"]


def _row(feed: Any, took: Any, now: datetime) -> dict[str, Any]:
    age, row_age = feed.age_s(now), feed.row_age_s(now)
    row = {name: getattr(feed, name) for name in FIELDS if hasattr(feed, name)}
    row |= {"age_s": _rounded(age), "row_age_s": _rounded(row_age)}
    row |= {"calls_today": took.calls if took else 0, "errors_today": took.errors if took else 0}
    return row | {"cost_today": took.cost if took else 0, "breaker": took.breaker if took else ""}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _cells(row: dict[str, Any]) -> list[Any]:
    from bot.domain.wording import new_york

    age = "never" if row["age_s"] is None else f"{row['age_s']:g} / {row['max_age_s']:g} s"
    late = " LATE" if row["age_s"] is not None and row["age_s"] > row["max_age_s"] else ""
    due = new_york(row["next_call_at"], row["at"]) if row["next_call_at"] else ""
    in_use = row["source"] or row["feed"]
    whose = in_use if in_use == row["feed"] else f"{in_use} stands in for {row['feed']}"
    cost = f"{row['cost_today']:.2f} USD" if row["cost_today"] else ""
    return [
        row["dataset"], row["key"], row["priority"], row["state"], row["outcome"], age + late, due, row["calls_today"],
        row["errors_today"], cost, whose, row["last_error"],
    ]  # fmt: skip


@app.command("rows")
def rows_of(
    name: Annotated[str, typer.Argument(help="A data set; without it the names of those that have rows.")] = "",
    key: Annotated[str, typer.Option(help="One key of it, a ticker say.")] = "",
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
) -> None:
    """Show the last rows of a data set, field by field, with their source and age.

    Declared sets, calendars that were put together, and figures derived from quotes (`macro`) are there; a set with a
    parser where its `shown` says so. Exit code 1 when there are none.
    """
    if csv and json:
        fail("--csv and --json: choose one of them")
    from bot.store import read as ask
    from bot.store.database import open_reader
    from bot.store.read.vendors import feed_rows, shown_sets

    with open_reader(database_url()) as connection:
        pulse, known = ask.pulse(connection), shown_sets(connection)
        found = feed_rows(connection, name, key) if name else []
    if name and not found:
        fail(f"no rows are kept of {name!r}; there are rows of: {', '.join(known) or 'none'}")
    if json:
        show.as_json([_as_data(each) for each in found] if name else known)
        return
    if not name:
        show.as_table(("data set",), [[each] for each in known], "data sets with rows", "none yet")
        return
    fields = list(dict.fromkeys(field for each in found for row in each.rows for field in row))
    cells = [[each.key, *(row.get(field) for field in fields)] for each in found for row in each.rows]
    if csv:
        show.as_csv(["key", *fields], cells)
        return
    for each in found:
        age = (pulse.at - (each.source_at or each.at)).total_seconds() if pulse else None
        print(_head_of(each, age))
    show.as_table(["key", *fields], cells, "", "no rows")


def _head_of(each: Any, age: float | None) -> str:
    late = " LATE" if age is not None and age > each.max_age_s else ""
    words = "of unknown age" if age is None else f"{max(age, 0):.0f} s old, limit {each.max_age_s:g} s{late}"
    return f"{each.dataset} {each.key}: {len(each.rows)} of {each.rows_in_all} rows of {each.source}, {words}"


def _as_data(each: Any) -> dict[str, Any]:
    names = ("dataset", "key", "source", "at", "source_at", "max_age_s", "rows_in_all")
    return {**{name: getattr(each, name) for name in names}, "rows": list(each.rows)}


@app.command("test")
def probe_endpoints(
    name: Annotated[str, typer.Argument(help="A data set or a source; without it every one that is enabled.")] = "",
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Make one live call of a data set: are the fields there that its reader needs, which are new, which do not fit.

    Exit code 1 when one is missing, does not fit, or the call gave no rows.
    """
    from bot.config.loader import validate_section
    from bot.feeds.sources import DataSources

    config = configuration()
    sources = validate_section(config.sources_tree, "sources", DataSources)
    found = asyncio.run(_probe_all(config, sources, name))
    if not found:
        fail(f"{name!r} is no data set and no source" if name else "no data set is enabled")
    if json:
        show.as_json([{each: getattr(row, each) for each in TESTED} for row in found])
    else:
        show.as_table(TESTED, [_probed(row) for row in found], "one call each", "none")
    raise typer.Exit(0 if all(row.is_sound for row in found) else 1)


def _probed(row: Probed) -> list[Any]:
    lists = (row.missing, row.new, row.wrong)
    return [row.source, row.endpoint, row.outcome, row.rows, *(", ".join(each) for each in lists), row.words, row.asked]


async def _probe_all(config: Any, sources: DataSources, name: str) -> list[Probed]:
    from pathlib import Path
    from urllib.parse import urlsplit

    from bot.clocks.calendar import XnysCalendar
    from bot.clocks.clock import SystemClock
    from bot.config.schema import Mode
    from bot.domain.addresses import is_loopback
    from bot.feeds.feeds import over_http
    from bot.feeds.probe import probe

    now, found = SystemClock().now(), []
    calendar = XnysCalendar.around(now.date(), Path(config.settings.sim.state_dir), config.settings.calendar)
    for source, settings in sources.root.items():
        wanted = [each for each in settings.endpoints if name in {each.name, source} or (not name and each.enabled)]
        if not wanted or not (name or settings.enabled):
            continue
        if config.settings.mode is Mode.SIM and not is_loopback(urlsplit(settings.base_url).hostname or ""):
            fail(f"mode sim contacts nothing outside, and {source} is at {settings.base_url}: set mode: paper")
        transport = over_http(config.secrets.of_vendor)(source, settings)
        try:
            found += [await probe(source, settings, each, transport, calendar, now) for each in wanted]
        finally:
            await transport.close()
    return found
