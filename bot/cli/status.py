"""`status`: the bot at a glance, read from the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.cli import show
from bot.cli.invocation import configuration, fail

if TYPE_CHECKING:
    from sqlalchemy import Connection

POSITION_COLUMNS: Final = (
    "id",
    "contract_key",
    "state",
    "quantity",
    "entry_price",
    "stop_price",
    "bid",
    "unrealized_pnl",
    "protection",
    "unprotected_contracts",
    "unprotected_contract_seconds",
)
SIGNAL_COLUMNS: Final = ("id", "contract_key", "state", "quantity", "limit_price", "asks_a_person", "expires_at")
FEED_COLUMNS: Final = ("feed", "dataset", "key", "state", "last_success_at", "failures", "dropped")
SYMBOL_COLUMNS: Final = ("id", "reason", "halted_by", "halted_at")
LINE_COLUMNS: Final = ("key", "kind", "rank", "group_name", "state", "detail", "ticked_at", "gaps")
PNL_COLUMNS: Final = ("key", "quantity", "daily", "unrealized", "realized", "value", "at")
CURRENCY_COLUMNS: Final = ("account", "currency", "cash", "net_liquidation", "exchange_rate", "at")
TABLES: Final = (
    "signals", "positions", "feeds", "broker_pnl", "currencies", "market_lines", "breakers", "jobs", "halted_symbols",
    "not_ours",
)  # fmt: skip
JOB_COLUMNS: Final = ("name", "ran_at", "state", "detail", "next_at", "when", "runs", "missed", "what")
OTHER_COLUMNS: Final = ("what", "key", "words", "at")
STALLED_S: Final = 60.0
HELD_STATES: Final = frozenset({"paused", "halted"})
CSV_COLUMNS: Final = ("part", "row", "name", "value")
BREAKER_COLUMNS: Final = ("id", "state", "value", "limit_words", "detail")


Wide = Annotated[bool, typer.Option("--wide", help="Every column and every row.")]


def status(
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    wide: Wide = False,
    csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets: a line a value.")] = False,
) -> None:
    """Show whether the bot runs, and as of its last tick: state, day, signals, positions, what is late or tripped.

    Exit code 0 while it runs and ticks, 1 when it does not run, has never run, or has not ticked for a minute.
    """
    if csv and json:
        fail("--csv and --json: choose one of them")
    from bot.app.locks import liveness
    from bot.clocks.clock import wall_seconds
    from bot.store.database import open_reader
    from bot.store.revision import check_revision, current_revision

    settings = configuration().settings
    url = settings.database.url
    if current_revision(url) is None:
        fail("no run yet: make run (or `python run.py db upgrade` and `python run.py`)", 1)
    check_revision(url)
    with open_reader(url) as connection:
        seen = _seen(connection)
    life = liveness(settings, wall_seconds())
    whole = {"liveness": {"running": life.running, "since": _instant(life.since), "silent_s": life.silent_s}, **seen}
    if json:
        show.as_json(whole)
    elif csv:
        show.as_csv(CSV_COLUMNS, show.values_of(whole))
    else:
        print(_life_words(life))
        _print(seen, wide=wide)
    raise typer.Exit(0 if life.running and (life.silent_s or 0) <= STALLED_S else 1)


def _instant(epoch: float | None) -> str | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC).isoformat()


def _life_words(life: Any) -> str:
    """Return the first line: by the wall clock, for a simulated clock says nothing of whether anybody is there."""
    from bot.domain.wording import new_york

    at = "" if life.since is None else f" since {new_york(datetime.fromtimestamp(life.since, UTC))} by the wall clock"
    if not life.running:
        return f"NOT RUNNING{at}" if at else "NOT RUNNING"
    late = f", but no tick for {life.silent_s:,.0f} s" if (life.silent_s or 0) > STALLED_S else ""
    return f"RUNNING{at}{late}"


def _seen(connection: Connection) -> dict[str, Any]:
    from bot.domain.calendar import new_york_day
    from bot.store import read as ask
    from bot.store.read import not_ours
    from bot.store.read.jobs import jobs
    from bot.store.read.money import money_of_day

    pulse = ask.pulse(connection)
    if pulse is None:
        fail("no run yet on this store: make run (or `python run.py`)", 1)
    asked = ask.signals_that_wait_for_a_person(connection)
    return {
        "pulse": pulse,
        "session": ask.session(connection),
        "connection": ask.broker_link(connection),
        "account": ask.account(connection),
        "state": ask.effective_state(connection, pulse),
        "today": ask.counters(connection, pulse.session_day) if pulse.session_day else None,
        "money": money_of_day(connection, pulse.session_day) if pulse.session_day else None,
        "signals": [_row(row, SIGNAL_COLUMNS, asks_a_person=row.id in asked) for row in ask.live_signals(connection)],
        "positions": _positions(connection),
        "feeds": [_row(row, FEED_COLUMNS) for row in ask.feeds(connection)],
        "market_lines": [_row(row, LINE_COLUMNS) for row in ask.market_lines(connection)],
        "broker_pnl": [_row(row, PNL_COLUMNS) for row in ask.broker_pnl(connection)],
        "currencies": [_row(row, CURRENCY_COLUMNS) for row in ask.currencies(connection)],
        "breakers": [_row(row, BREAKER_COLUMNS) for row in ask.breakers(connection)],
        "halted_symbols": [_row(row, SYMBOL_COLUMNS) for row in ask.halted_symbols(connection)],
        "jobs": [_job(job) for job in jobs(connection, pulse)],
        "not_ours": [
            _row(row, OTHER_COLUMNS)
            for row in not_ours.not_ours(connection, pulse.session_day or new_york_day(pulse.at))
        ],
    }


def _positions(connection: Connection) -> list[dict[str, Any]]:
    from bot.store import read as ask
    from bot.store.read.protections import protections

    rows = ask.open_positions(connection)
    cover = protections(connection, [row.id for row in rows])
    return [
        _row(
            row,
            POSITION_COLUMNS,
            protection=cover[row.id].protection,
            unprotected_contracts=cover[row.id].unprotected_contracts,
            unprotected_contract_seconds=cover[row.id].contract_seconds,
        )
        for row in rows
    ]


def _row(found: Any, columns: Sequence[str], **more: Any) -> dict[str, Any]:
    return {name: more[name] if name in more else getattr(found, name) for name in columns}


def _job(job: Any) -> dict[str, Any]:
    ran = {name: getattr(job.last, name) if job.last else None for name in ("ran_at", "state", "detail")}
    return _row(job, JOB_COLUMNS, **ran)


def _print(seen: Mapping[str, Any], *, wide: bool) -> None:
    for name, words in _facts(seen):
        print(f"{name:<11} {words}")
    for title in TABLES:
        rows: list[dict[str, Any]] = seen[title]
        name = title.replace("_", " ")
        if wide:
            columns = [each.replace("_", " ") for each in (rows[0] if rows else ())]
            show.as_table(columns, [_in_words(row.values(), seen["pulse"].at) for row in rows], name, "none")
        elif title in SHORT:
            _print_short(name, title, rows, seen)


def _in_words(values: Iterable[Any], now: datetime) -> list[Any]:
    """Return values as a person reads them: times by New York's clock."""
    from bot.domain.wording import new_york

    return [new_york(each, now) if isinstance(each, datetime) else each for each in values]


def _print_short(name: str, title: str, rows: Sequence[Mapping[str, Any]], seen: Mapping[str, Any]) -> None:
    """Print a table that fits 80 columns; of feeds and breakers only those that are not as they should be."""
    columns, cells, is_fine = SHORT[title]
    shown = [row for row in rows if not is_fine(row)]
    if rows and not shown:
        print(f"{name}: all {len(rows)} ok (--wide shows them)")
        return
    more = len(rows) - len(shown)
    show.as_table(columns, [cells(row, seen) for row in shown], name, "none")
    if more:
        print(f"  and {more} {name} that are ok (--wide shows them)")


def _position_cells(row: Mapping[str, Any], seen: Mapping[str, Any]) -> list[Any]:
    from bot.domain.wording import dollars, key_words, price

    money = seen["money"]
    part = next((each for each in money.positions if each.id == row["id"]), None) if money else None
    title = key_words(row["contract_key"], _today(seen))
    brought = dollars(part.day, plus=True) if part else ""
    cover = row["protection"] if not row["unprotected_contracts"] else f"{row['unprotected_contracts']} UNCOVERED"
    prices = [price(row[name]) for name in ("entry_price", "stop_price", "bid")]
    return [title, row["id"][-6:], row["quantity"], *prices, brought, cover]


def _today(seen: Mapping[str, Any]) -> date:
    from bot.domain.calendar import new_york_day

    return seen["pulse"].session_day or new_york_day(seen["pulse"].at)


def _signal_cells(row: Mapping[str, Any], seen: Mapping[str, Any]) -> list[Any]:
    from bot.domain.wording import key_words, new_york, price

    pulse = seen["pulse"]
    waits = "asks you" if row["asks_a_person"] else row["state"]
    until = new_york(row["expires_at"], pulse.at)
    title = key_words(row["contract_key"], _today(seen))
    return [title, row["id"][-6:], row["quantity"], price(row["limit_price"]), waits, until]


def _feed_cells(row: Mapping[str, Any], seen: Mapping[str, Any]) -> list[Any]:
    from bot.domain.wording import NOTHING, new_york

    said = row["last_success_at"]
    last = new_york(said, seen["pulse"].at) if said else NOTHING
    return [row["dataset"], row["key"], row["state"], last, row["failures"]]


def _job_cells(row: Mapping[str, Any], seen: Mapping[str, Any]) -> list[Any]:
    from bot.domain.wording import new_york

    at = seen["pulse"].at
    last = new_york(row["ran_at"], at) if row["ran_at"] else "never"
    coming = new_york(row["next_at"], at) if row["next_at"] else "next session"
    return [row["name"], last, row["state"] or "", "now" if row["next_at"] == at else coming]


Cells = Callable[[Mapping[str, Any], Mapping[str, Any]], list[Any]]
SHORT: Final[Mapping[str, tuple[Sequence[str], Cells, Callable[[Mapping[str, Any]], bool]]]] = {
    "signals": (("contract", "id", "qty", "limit", "state", "until"), _signal_cells, lambda row: False),
    "positions": (
        ("contract", "id", "left", "entry", "stop", "bid", "today", "stop is"),
        _position_cells,
        lambda row: False,
    ),
    "feeds": (("data set", "key", "state", "last word", "failures"), _feed_cells, lambda row: row["state"] == "ok"),
    "breakers": (
        ("breaker", "state", "value", "limit"),
        lambda row, seen: [row["id"], row["state"], row["value"], row["limit_words"]],
        lambda row: row["state"] == "ok",
    ),
    "jobs": (("job", "last run", "outcome", "next"), _job_cells, lambda row: False),
    "halted_symbols": (("symbol", "why"), lambda row, seen: [row["id"], row["reason"]], lambda row: False),
    "not_ours": (("what", "in words"), lambda row, seen: [row["what"], row["words"]], lambda row: False),
}  # fmt: skip
"""Title to columns, cells and which rows need not be shown: what fits 80 columns."""


def _facts(seen: Mapping[str, Any]) -> list[tuple[str, str]]:
    from bot.app.day_summary import broker_words, headline
    from bot.domain.wording import new_york

    pulse, session, link, today, money = (seen[k] for k in ("pulse", "session", "connection", "today", "money"))
    speed = f", {pulse.speed:g}× the wall clock" if pulse.speed != 1 else ""
    facts = [
        ("as of", f"{new_york(pulse.at)}, tick {pulse.tick}{speed}"),
        ("mode", f"{pulse.mode} {pulse.scenario}".rstrip()),
        ("state", seen["state"]),
        ("session", _session_words(session) if session else "starting: the books were not compared yet"),
        ("connection", _with_reason(link.state, link.detail) if link else "never made"),
    ]
    if pulse.clock_fault:
        facts.append(("wrong clock", pulse.clock_fault))
    if money:
        facts += [("P&L today", headline(money)), ("at broker", broker_words(money))]
    if today:
        cost = "" if today.slippage is None else f", slippage {_slippage(today)}"
        facts.append(("trades", f"{today.closed} closed, {today.wins} won{cost}"))
    if pulse.speed > 1:
        facts.append(("limits", f"on ages and answers are stretched for {pulse.speed:g}× the wall clock"))
    return facts


def _slippage(today: Any) -> str:
    from bot.domain.wording import dollars, signed

    part = "" if today.slippage_percent is None else f" ({signed(today.slippage_percent)} % of premium)"
    return f"{dollars(today.slippage, plus=True)}{part}"


def _session_words(session: Any) -> str:
    """Return the state, and who holds the session since when and why: also while a hold waits for the comparison."""
    from bot.domain.wording import new_york

    if session.held_at is None:
        return _with_reason(session.state, session.hold_reason)
    held = f"{session.hold_reason} (by {session.held_by} since {new_york(session.held_at)})"
    comes = "" if session.state in HELD_STATES else f", then {session.hold}"
    return f"{session.state}{comes}: {held}"


def _with_reason(state: str, reason: str) -> str:
    return f"{state}: {reason}" if reason else state
