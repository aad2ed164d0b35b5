"""What a person asks of the running bot (approve, pause, close, emergency, ...): a command row, and its answer.

The command line changes no state itself, like the page: it asks, waits for the answer and prints it. What can be
asked, with its words, needs and dangers, is the table of `bot.domain.requests`. With no bot running it says so and asks
nothing, for a `flatten` of today must not sell everything tomorrow.
"""

from __future__ import annotations

import inspect
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from time import sleep
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from bot.cli import show
from bot.cli.invocation import REFUSED, configuration, database_url, fail
from bot.domain.events.people import RequestKind
from bot.domain.requests import REQUESTS, Expiry, Need, Subject
from bot.domain.typed_price import PriceUnclear, price_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bot.app.locks import Holder

K = RequestKind
ACTOR: Final = "cli"
POLL_S: Final = 0.1
SHORT_ID: Final = 6

Wait = Annotated[float, typer.Option(min=0, help="Seconds of wall time to wait for the bot's answer.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Queue = Annotated[
    bool, typer.Option("--queue", help="With no bot running: leave it for the next start, until it expires.")
]
Insist = Annotated[bool, typer.Option("--yes", help="The price is right, far as it is from what was seen.")]
Symbol = Annotated[str | None, typer.Argument(help="A symbol that is halted, SPY say.")]


def command_of(kind: RequestKind) -> Callable[..., None]:
    """Return the command that asks for one kind of request: its help, arguments and options are the table's."""
    asked_for = REQUESTS[kind]

    def command(**given: Any) -> None:
        wait, json, queue = given.pop("wait"), given.pop("json"), given.pop("queue")
        _ask(kind, _payload(asked_for.needs, given), wait, json, queue)

    command.__doc__ = asked_for.does
    command.__name__ = kind.value
    fields = [*(_parameter(need) for need in asked_for.needs), *_COMMON]
    command.__signature__ = inspect.Signature(fields)  # type: ignore[attr-defined]
    command.__annotations__ = {field.name: field.annotation for field in fields}
    return command


def _parameter(need: Need) -> inspect.Parameter:
    keyword = inspect.Parameter.KEYWORD_ONLY
    if need.subject is Subject.INSISTED:
        return inspect.Parameter("yes", keyword, default=False, annotation=Insist)
    if need.required:
        told = Annotated[str, typer.Argument(help=need.words, metavar=_name(need).upper())]
        return inspect.Parameter(_name(need), keyword, annotation=told)
    option = Annotated[str | None, typer.Option(help=need.words)]
    return inspect.Parameter(need.name, keyword, default=None, annotation=option)


_COMMON: Final = tuple(
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
    for name, default, annotation in (("wait", 10.0, Wait), ("json", False, Json), ("queue", False, Queue))
)


def _name(need: Need) -> str:
    """An argument is called by what it names: `signal`, where the payload's key is `signal_id`."""
    return need.name.removesuffix("_id")


def _payload(needs: Sequence[Need], given: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for need in needs:
        if need.subject is Subject.INSISTED:
            found |= {need.name: "yes"} if given["yes"] else {}
            continue
        value = given[_name(need)]
        if value:
            found[need.name] = _told(need, value)
        elif need.required:
            found[need.name] = _one_of(need.subject.value, "") if need.subject in _FOUND else ""
    return found


def _told(need: Need, value: str) -> str:
    """Return what was typed as the payload wants it: a whole id, a price that can be read in one way only."""
    if need.subject in _FOUND:
        return _one_of(need.subject.value, value)
    if need.subject is Subject.PRICE:
        try:
            price_of(value)
        except PriceUnclear as unclear:
            fail(f"{_name(need)}: {unclear}")
    return value


_FOUND: Final = frozenset({Subject.SIGNAL, Subject.POSITION, Subject.UNSETTLED, Subject.REQUEST, Subject.ORDER})


approve, reject, pause, halt = (command_of(kind) for kind in (K.APPROVE, K.REJECT, K.PAUSE, K.HALT))
close, settle, flatten = (command_of(kind) for kind in (K.CLOSE, K.SETTLE, K.FLATTEN))
move_stop = command_of(K.MOVE_STOP)
cancel_all, emergency = (command_of(kind) for kind in (K.CANCEL_ALL, K.EMERGENCY))
adopt, decline, ack, unack = (command_of(kind) for kind in (K.ADOPT, K.DECLINE, K.ACK, K.UNACK))
edit, cancel_order = (command_of(kind) for kind in (K.EDIT, K.CANCEL_ORDER))
strategy, reload_config = (command_of(kind) for kind in (K.STRATEGY, K.RELOAD_CONFIG))

quiet = command_of(K.QUIET)

test_alerts = command_of(K.TEST_ALERTS)  # `alerts test`


def resume(symbol: Symbol = None, wait: Wait = 10, json: Json = False, queue: Queue = False) -> None:
    """Allow entries again after a pause or a halt; with a symbol, on that one, after somebody else's trade halted
    it."""
    if symbol is None:
        _ask(RequestKind.RESUME, {}, wait, json, queue)
    _ask(RequestKind.RESUME_SYMBOL, {"symbol": symbol.upper()}, wait, json, queue)


def requests(json: Json = False) -> None:
    """List what was asked of the bot and not answered yet, with when it expires."""
    from bot.clocks.clock import SystemClock
    from bot.domain.wording import new_york
    from bot.store import read as ask

    found = [_waiting(row, SystemClock().now()) for row in look(store_url(), ask.queued)]
    if json:
        show.as_json(found)
        return
    if not found:
        print("no request waits for an answer")
        return
    rows = [tuple((row | {"asked_at": row["asked_at"] and new_york(row["asked_at"])}).values()) for row in found]
    show.as_table(tuple(_WAITING), rows, "not answered yet, by the wall clock; `withdraw ID` takes one back")


_WAITING: Final = ("id", "kind", "actor", "asked_at", "expires")


def _waiting(row: Any, now: datetime) -> dict[str, Any]:
    limits = configuration().settings.requests
    known = {kind.value for kind in RequestKind}
    asked_at = row.asked_at or row.created_at
    if row.kind not in known or asked_at is None:
        return dict(zip(_WAITING, (row.id, row.kind, row.actor, asked_at, "is refused"), strict=True))
    expiry = Expiry(limits.expire_s, limits.emergency_expire_s).of(RequestKind(row.kind))
    left = expiry - (now - asked_at).total_seconds()
    expires = "expired: is refused at the next start" if left <= 0 else f"in {left:.0f} s"
    return dict(zip(_WAITING, (row.id, row.kind, row.actor, asked_at, expires), strict=True))


def withdraw(
    request: Annotated[str, typer.Argument(help=REQUESTS[RequestKind.WITHDRAW].needs[0].words)],
    wait: Wait = 10,
    json: Json = False,
) -> None:
    """Withdraw a request that was not answered yet."""
    from bot.app.locks import store_alone
    from bot.clocks.clock import SystemClock
    from bot.store import read as ask

    request_id, url = _one_of(Subject.REQUEST.value, request), store_url()
    if who_runs() is not None:
        _ask(RequestKind.WITHDRAW, {"request_id": request_id}, wait, json, queue=False)
    now = SystemClock().now()
    with store_alone(configuration().settings, now):
        if not ask.withdraw_command(url, request_id, ACTOR, now):
            fail(f"request {request_id} waits no more", REFUSED)
    print(f"withdrawn: {request_id}")


def who_runs() -> Holder | str | None:
    """Return which bot runs on this store, as the lock knows; None when none does."""
    from bot.app.locks import holder_of, store_lock

    return holder_of(store_lock(configuration().settings))


def asked(kind: RequestKind, payload: Mapping[str, str], wait: float, queue: bool = False) -> Any:
    """Insert the command and return its row once it is answered, or as it is when the patience ends. With no bot
    running nothing is asked, unless it is to be queued: then it is left for a start that comes in time."""
    from bot.clocks.clock import SystemClock
    from bot.domain.ids import ulid
    from bot.store import read as ask

    url, runs = store_url(), who_runs()
    pulse = look(url, ask.pulse)
    if pulse is None and not queue:
        never = "the bot has not run on this store yet, so there is nobody to ask: start it with `python run.py`"
        fail(f"{never}{_elsewhere() if runs is None else ''}", REFUSED)
    if runs is None and not queue:
        fail(_nobody(kind), REFUSED)
    wall = SystemClock().now()
    at = pulse.at if pulse is not None else wall  # commands are dated in the bot's own time, which a simulation sets
    command_id = ulid(at, secrets.randbits(80))
    ask.insert_command(url, command_id, kind.value, payload, ACTOR, at, wall)
    return _answered(url, command_id, wait if runs is not None else 0.0)


def _nobody(kind: RequestKind) -> str:
    return (
        f"no bot runs on the store {_shown(database_url())}, so nobody can {kind.value.replace('_', ' ')}: nothing was "
        f"asked. Start it with `python run.py`, or leave it for the next start with --queue (it dies after "
        f"{_expires_after(kind):.0f} s)"
        f"{_elsewhere()}"
    )


def _elsewhere() -> str:
    """Name the bots that run on other stores of this machine, and how each is reached."""
    from bot.app.locks import running_bots

    ways = [
        f"{bot}, store {bot.store}: reach it with QUANTICITY__DATABASE__URL={bot.store}, with the command `quanticity` "
        f"where it is the service, or stop it at once with `kill -USR1 {bot.pid}` (emergency)"
        for bot in running_bots()
    ]
    return f". A bot runs elsewhere: {'; '.join(ways)}" if ways else ""


def _shown(url: str) -> str:
    from bot.config.secret_words import without_passwords

    return without_passwords(url)


def _expires_after(kind: RequestKind) -> float:
    limits = configuration().settings.requests
    return Expiry(limits.expire_s, limits.emergency_expire_s).of(kind)


def _ask(kind: RequestKind, payload: Mapping[str, str], wait: float, as_json: bool, queue: bool) -> NoReturn:
    """Ask, and leave with 0 if it was carried out or left for the next start, with 1 if not."""
    runs = who_runs()
    row = asked(kind, payload, wait, queue)
    if as_json:
        show.as_json({"id": row.id, "kind": row.kind, "state": row.state, "answer": row.answer})
    elif row.state == "queued" and runs is None:
        print(f"queued: {row.id}; no bot runs, and it dies after {_expires_after(kind):.0f} s")
    elif row.state == "queued":
        fail(
            f"no answer within {wait:g} s from {runs}. It stays queued as {row.id} and dies after "
            f"{_expires_after(kind):.0f} s; `withdraw {row.id[-SHORT_ID:]}` takes it back",
            REFUSED,
        )
    else:
        print(f"{row.state}: {row.answer}")
    raise typer.Exit(0 if row.state == "done" or (row.state == "queued" and runs is None) else REFUSED)


def _answered(url: str, command_id: str, wait: float) -> Any:
    """Return the command's row once it is handled, or as it is when the patience ends."""
    from bot.clocks.clock import SystemClock
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
        "request": (ask.queued, lambda connection, given: []),
        "order": (ask.live_orders, ask.orders_ending),
        "unsettled position": (ask.unsettled_positions, ask.positions_ending),
    }
    read_alive, read_ending = reads[kind]
    url = store_url()
    alive = look(url, read_alive)
    names = {row.id: {row.id, *(getattr(row, also, None) or row.id for also in _ALSO_NAMED)} for row in alive}
    found = matches(given, names)
    if not found and given:
        over = look(url, lambda connection: read_ending(connection, given.upper()))
        found = [row.id for row in over]
        if len(found) == 1:
            _say_what_it_is(kind, over[0])
    if len(found) != 1:
        _fail_to_find(kind, given, found, alive)
    return found[0]


_ALSO_NAMED: Final = ("approval_id", "order_ref")


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
    there = ", ".join(f"{row.id[-SHORT_ID:]} ({_what(row)}, {row.state})" for row in alive) or "none"
    why = f"fits {len(found)} of them" if found else "fits none of them"
    fail(f"{kind} {given!r} {why}. Alive now: {there}")


def _what(row: Any) -> str:
    from bot.domain.wording import key_words

    key = getattr(row, "contract_key", None)
    return key_words(key) if key else str(row.kind)


def matches(given: str, names: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the keys whose names are, else end with, else begin with what was given, in whatever case."""
    wanted = given.upper()
    for fits in (str.__eq__, str.endswith, str.startswith):
        found = [key for key, known in names.items() if any(fits(name.upper(), wanted) for name in known)]
        if found:
            return found
    return []
