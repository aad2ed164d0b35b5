"""`status`: the bot at a glance, read from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.cli import show
from bot.cli.edge import database_url, fail

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
OTHER_COLUMNS: Final = ("what", "key", "words", "at")
HELD_STATES: Final = frozenset({"paused", "halted"})
BREAKER_COLUMNS: Final = ("id", "state", "value", "limit_words", "detail")


def status(json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Show session, connection, account, signals, positions and feeds as the store has them."""
    from bot.store.database import open_reader
    from bot.store.revision import check_revision

    url = database_url()
    check_revision(url)
    with open_reader(url) as connection:
        seen = _seen(connection)
    if json:
        show.as_json(seen)
    else:
        _print(seen)


def _seen(connection: Connection) -> dict[str, Any]:
    from bot.domain.calendar import new_york_day
    from bot.store import read as ask
    from bot.store.read import others

    pulse = ask.pulse(connection)
    if pulse is None:
        fail("the bot has not run on this store yet: start it with `python run.py`", 1)
    asked = ask.signals_that_wait_for_a_person(connection)
    return {
        "pulse": pulse,
        "session": ask.session(connection),
        "connection": ask.broker_link(connection),
        "account": ask.account(connection),
        "today": ask.counters(connection, pulse.session_day) if pulse.session_day else None,
        "signals": [_row(row, SIGNAL_COLUMNS, asks_a_person=row.id in asked) for row in ask.live_signals(connection)],
        "positions": _positions(connection),
        "feeds": [_row(row, FEED_COLUMNS) for row in ask.feeds(connection)],
        "breakers": [_row(row, BREAKER_COLUMNS) for row in ask.breakers(connection)],
        "halted_symbols": [_row(row, SYMBOL_COLUMNS) for row in ask.halted_symbols(connection)],
        "not_ours": [
            _row(row, OTHER_COLUMNS) for row in others.not_ours(connection, pulse.session_day or new_york_day(pulse.at))
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


def _print(seen: Mapping[str, Any]) -> None:
    for name, words in _facts(seen):
        print(f"{name:<11} {words}")
    for title in ("signals", "positions", "feeds", "breakers", "halted_symbols", "not_ours"):
        rows: list[dict[str, Any]] = seen[title]
        columns = [name.replace("_", " ") for name in (rows[0] if rows else ())]
        show.as_table(columns, [list(row.values()) for row in rows], title.replace("_", " "), "none")


def _facts(seen: Mapping[str, Any]) -> list[tuple[str, str]]:
    from bot.domain.calendar import NEW_YORK

    pulse, session, link, account, today = (seen[k] for k in ("pulse", "session", "connection", "account", "today"))
    speed = f", {pulse.speed:g} times as fast as the wall clock" if pulse.speed != 1 else ""
    facts = [
        ("last tick", f"{pulse.at.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S} New York, number {pulse.tick}{speed}"),
        ("mode", f"{pulse.mode} {pulse.scenario}".rstrip()),
        ("session", _session_words(session) if session else "starting: the books were not compared yet"),
        ("connection", _with_reason(link.state, link.detail) if link else "never made"),
    ]
    if pulse.clock_fault:
        facts.append(("wrong clock", pulse.clock_fault))
    if account:
        facts.append(
            (
                "account",
                f"{account.account}: {_dollars(account.net_liquidation)} dollars, {account.day_pnl:+,.2f} today, as of "
                f"{account.at.astimezone(NEW_YORK):%H:%M:%S} New York",
            )
        )
    if today:
        facts.append(
            (
                "today",
                f"{today.closed} closed, {today.wins} won, {today.realized:+,.2f} dollars, fees {today.fees:,.2f}",
            )
        )
    return facts


def _session_words(session: Any) -> str:
    """Return the state, and who holds the session since when and why: also while a hold waits for the comparison."""
    from bot.domain.calendar import NEW_YORK

    if session.held_at is None:
        return _with_reason(session.state, session.hold_reason)
    at = f"{session.held_at.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S} New York"
    held = f"{session.hold_reason} (by {session.held_by} since {at})"
    comes = "" if session.state in HELD_STATES else f", then {session.hold}"
    return f"{session.state}{comes}: {held}"


def _with_reason(state: str, reason: str) -> str:
    return f"{state}: {reason}" if reason else state


def _dollars(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"{amount:,.2f}"
