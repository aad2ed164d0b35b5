"""What a person asks of the running bot (approve, pause, close, emergency, ...): a command row, and its answer.

The command line changes no state itself, like the page: it asks, waits for the answer and prints it.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import sleep
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from bot.cli import show
from bot.cli.edge import REFUSED, database_url, fail
from bot.domain.events import CommandKind

if TYPE_CHECKING:
    from sqlalchemy import Connection

ACTOR: Final = "cli"
POLL_S: Final = 0.1
SHORT_ID: Final = 6

Wait = Annotated[float, typer.Option(min=0, help="Seconds of wall time to wait for the bot's answer.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Reason = Annotated[str | None, typer.Option(help="Why, for the record.")]
SignalId = Annotated[str, typer.Argument(help="A signal's id, or the end of it.")]
Symbol = Annotated[str | None, typer.Argument(help="A symbol that is halted, SPY say.")]
Price = Annotated[
    str, typer.Argument(help="Dollars: what the underlying settled at; what a share of the option brought.")
]
PositionId = Annotated[str, typer.Argument(help="A position's id, or the end of it.")]


def approve(signal: SignalId, wait: Wait = 10, json: Json = False) -> None:
    """Approve a signal that waits for a person; rules and margin are checked once more."""
    _ask(CommandKind.APPROVE, {"signal_id": _one_of("signal", signal)}, wait, json)


def reject(signal: SignalId, reason: Reason = None, wait: Wait = 10, json: Json = False) -> None:
    """Reject a signal that is not working yet."""
    _ask(CommandKind.REJECT, _with(reason, signal_id=_one_of("signal", signal)), wait, json)


def pause(reason: Reason = None, wait: Wait = 10, json: Json = False) -> None:
    """Allow no new entries; open positions are managed to their end."""
    _ask(CommandKind.PAUSE, _with(reason), wait, json)


def resume(symbol: Symbol = None, wait: Wait = 10, json: Json = False) -> None:
    """Allow entries again after a pause or a halt; with a symbol, on that one, after somebody else's trade halted
    it."""
    if symbol is None:
        _ask(CommandKind.RESUME, {}, wait, json)
    _ask(CommandKind.RESUME_SYMBOL, {"symbol": symbol.upper()}, wait, json)


def close(position: PositionId, wait: Wait = 10, json: Json = False) -> None:
    """Sell what is left of a position at the market."""
    _ask(CommandKind.CLOSE, {"position_id": _one_of("position", position)}, wait, json)


def settle(position: PositionId, price: Price, wait: Wait = 10, json: Json = False) -> None:
    """Tell the underlying's settlement price of a position that went through its expiry and whose value is not certain,
    or what a share of an option brought that somebody else sold; its profit and loss follows."""
    _ask(CommandKind.SETTLE, {"position_id": _one_of("unsettled position", position), "price": price}, wait, json)


def flatten(wait: Wait = 10, json: Json = False) -> None:
    """Sell every open position at the market, call off every entry, and pause."""
    _ask(CommandKind.FLATTEN, {}, wait, json)


def halt(reason: Reason = None, wait: Wait = 10, json: Json = False) -> None:
    """Allow no new entries until a person resumes; open positions are managed to their end."""
    _ask(CommandKind.HALT, _with(reason), wait, json)


def cancel_all(wait: Wait = 10, json: Json = False) -> None:
    """Take every entry order back; positions and their stops stay, and new entries may follow."""
    _ask(CommandKind.CANCEL_ALL, {}, wait, json)


def emergency(reason: Reason = None, wait: Wait = 10, json: Json = False) -> None:
    """Emergency stop: halt, take every entry order back and sell everything; what the broker cannot be asked now is
    named, and done as soon as it can."""
    _ask(CommandKind.EMERGENCY, _with(reason), wait, json)


def _with(reason: str | None, **payload: str) -> dict[str, str]:
    return payload | ({"reason": reason} if reason else {})


def asked(kind: CommandKind, payload: Mapping[str, str], wait: float) -> Any:
    """Insert the command and return its row once it is answered, or as it is when the patience ends."""
    from bot.domain.ids import ulid
    from bot.store import read as ask

    url = store_url()
    pulse = look(url, ask.pulse)
    if pulse is None:
        fail("the bot has not run on this store yet, so there is nobody to ask: start it with `python run.py`", REFUSED)
    at = pulse.at  # commands are dated in the bot's own time, which a simulation sets
    command_id = ulid(at, secrets.randbits(80))
    ask.insert_command(url, command_id, kind.value, payload, ACTOR, at)
    return _answered(url, command_id, wait)


def _ask(kind: CommandKind, payload: Mapping[str, str], wait: float, as_json: bool) -> NoReturn:
    """Ask, and leave with 0 if it was carried out, with 1 if not."""
    row = asked(kind, payload, wait)
    if as_json:
        show.as_json({"id": row.id, "kind": row.kind, "state": row.state, "answer": row.answer})
    elif row.state == "queued":
        fail(
            f"no answer within {wait:g} s: is the bot running? The command stays queued until it runs",
            REFUSED,
        )
    else:
        print(f"{row.state}: {row.answer}")
    raise typer.Exit(0 if row.state == "done" else REFUSED)


def _answered(url: str, command_id: str, wait: float) -> Any:
    """Return the command's row once it is handled, or as it is when the patience ends."""
    from bot.feeds.clock import SystemClock
    from bot.store import read as ask

    clock = SystemClock()
    end = clock.monotonic() + wait
    while True:
        row = look(url, lambda connection: ask.command(connection, command_id))
        if row is None or row.state != "queued" or clock.monotonic() >= end:
            return row
        sleep(POLL_S)


def store_url() -> str:
    from bot.store.revision import check_revision

    url = database_url()
    check_revision(url)
    return url


def look(url: str, question: Callable[[Connection], Any]) -> Any:
    from bot.store.database import open_reader

    with open_reader(url) as connection:
        return question(connection)


def _one_of(kind: str, given: str) -> str:
    """Return the id of the signal or position that was meant by an id or by a part of one: of what is alive, else of
    what is over, which the bot answers with what became of it."""
    from bot.store import read as ask

    reads: Mapping[str, tuple[Callable[[Connection], list[Any]], Callable[[Connection, str], list[Any]]]] = {
        "signal": (ask.live_signals, ask.signals_ending),
        "position": (ask.open_positions, ask.positions_ending),
        "unsettled position": (ask.unsettled_positions, ask.positions_ending),
    }
    read_alive, read_ending = reads[kind]
    url = store_url()
    alive = look(url, read_alive)
    names = {row.id: {row.id, getattr(row, "approval_id", None) or row.id} for row in alive}
    found = matches(given, names)
    if not found and given:
        over = look(url, lambda connection: read_ending(connection, given.upper()))
        found = [row.id for row in over]
        if len(found) == 1:
            _say_what_it_is(kind, over[0])
    if len(found) != 1:
        _fail_to_find(kind, given, found, alive)
    return found[0]


def _say_what_it_is(kind: str, row: Any) -> None:
    """From the store, for the bot remembers what is over until the end of the next day only."""
    from bot.domain.wording import key_words, new_york

    closed_at = getattr(row, "closed_at", None)
    since = f" since {new_york(closed_at)}" if closed_at else ""
    reason = getattr(row, "close_reason", None)
    why = f", {reason}" if reason else ""
    print(
        f"{kind.removeprefix('expired ')} {row.id} ({key_words(row.contract_key)}) is {row.state}{since}{why}",
        file=sys.stderr,
    )


def _fail_to_find(kind: str, given: str, found: Sequence[str], alive: Sequence[Any]) -> NoReturn:
    there = ", ".join(f"{row.id[-SHORT_ID:]} ({row.contract_key}, {row.state})" for row in alive) or "none"
    why = f"fits {len(found)} of them" if found else "fits none of them"
    fail(f"{kind} {given!r} {why}. Alive now: {there}")


def matches(given: str, names: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the keys whose names are, else end with, else begin with what was given, in whatever case."""
    wanted = given.upper()
    for fits in (str.__eq__, str.endswith, str.startswith):
        found = [key for key, known in names.items() if any(fits(name.upper(), wanted) for name in known)]
        if found:
            return found
    return []
