"""What is asked before a request goes out: what it would do in contracts and dollars, and the token of its answer.

A question is for one person, one answer and QUESTION_S wall seconds, and void once its facts have changed; then it is
asked anew with the new figures. What would sell everything wants the number of contracts typed.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection

from bot.domain.breaker import BreakerState
from bot.domain.calendar import new_york_day
from bot.domain.events.people import RequestKind
from bot.domain.money import ZERO
from bot.domain.order import Purpose
from bot.domain.requests import Request
from bot.domain.typed_price import PriceUnclear, price_of
from bot.domain.wording import dollars, key_words, price
from bot.store import read as ask
from bot.store.read.money import open_of
from bot.web import formats

QUESTION_S: Final = 60.0
REMEMBERED: Final = 200
LOSSES: Final = frozenset({"daily_loss", "drawdown", "losses"})
"""Breakers that say that money was lost: a halt under one of them is lifted like everything is sold."""


@dataclass(frozen=True, slots=True)
class DangerQuestion:
    """`words` say what would happen, `yes` names the act. `typed` has to be typed where it is not empty. Two questions
    with the same `facts` are about the same state of the thing; prices move always and are not among them."""

    words: str
    yes: str
    facts: tuple[Any, ...] = ()
    typed: str = ""


@dataclass(frozen=True, slots=True)
class _PendingQuestion:
    user: str
    about: tuple[str, str]
    facts: tuple[Any, ...]
    until: float


class Questions:
    """The questions that wait for an answer; `seconds` tells wall seconds. Safe for several threads."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._pending: OrderedDict[str, _PendingQuestion] = OrderedDict()

    def put(self, user: str, kind: str, target: str, question: DangerQuestion) -> str:
        """Return the token of a question to somebody."""
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._pending[token] = _PendingQuestion(user, (kind, target), question.facts, self._seconds() + QUESTION_S)
            while len(self._pending) > REMEMBERED:
                self._pending.popitem(last=False)
        return token

    def take(self, token: str, user: str, kind: str, target: str, question: DangerQuestion) -> str:
        """Use a token up; returns why it does not count as an answer to the question as it stands now, empty when it
        does."""
        with self._lock:
            asked = self._pending.pop(token, None)
        if asked is None or (asked.user, asked.about) != (user, (kind, target)):
            return "Nothing was done: this has to be asked first." if not token else _VOID
        if self._seconds() > asked.until:
            return f"Nothing was done: the question was older than {QUESTION_S:.0f} s. These are the figures now."
        return "" if asked.facts == question.facts else f"{_VOID} These are the figures now."


_VOID: Final = "Nothing was done: the question was answered already, or what it is about has changed."


Typed = Mapping[str, str]
"""What a person typed beside the thing that a request is about, by the names of its payload."""


class Unaskable(Exception):
    """What was typed makes no sense for what it is about; the text says why, and what did not happen."""


def question_of(
    connection: Connection, request: Request, target: str, now: datetime, typed: Typed
) -> DangerQuestion | None:
    """Return what is asked before a request about something goes out, None where it goes out at once; raises Unaskable
    for what cannot be asked as it was typed."""
    make = _QUESTIONS.get(request.kind)
    if make is not None:
        return make(connection, request, target, now, typed)
    return DangerQuestion(request.question, request.label) if request.question else None


def _close(connection: Connection, request: Request, target: str, now: datetime, typed: Typed) -> DangerQuestion | None:
    row = ask.position(connection, target)
    if row is None:
        return None
    title, count = key_words(row.contract_key, new_york_day(now)), row.quantity
    words = f"Sells {count} × {title} at the market. "
    if row.bid is None:
        words += "No bid is known: what they bring cannot be said. "
    else:
        brings, open_now = row.bid * count * row.multiplier, open_of(row)
        age = f", {formats.span((now - row.marked_at).total_seconds())} old" if row.marked_at else ""
        gain = f", {formats.gain(open_now)} on these" if open_now is not None else ""
        words += f"The bid is {price(row.bid)}{age}: about {dollars(brings)}{gain}. "
    return DangerQuestion(f"{words}The stop is taken back first.", f"Sell {count}", (row.quantity, row.state))


def _move_stop(
    connection: Connection, request: Request, target: str, now: datetime, typed: Typed
) -> DangerQuestion | None:
    row = ask.position(connection, target)
    if row is None:
        return None
    wanted, title = _stop_typed(typed.get("stop", "")), key_words(row.contract_key, new_york_day(now))
    if row.stop_price is not None and wanted <= row.stop_price:
        raise Unaskable(f"Nothing was done: the stop of {title} stands at {price(row.stop_price)} and may only rise.")
    if row.bid is not None and wanted >= row.bid:
        raise Unaskable(
            f"Nothing was done: {price(wanted)} is not below the bid, {price(row.bid)}: it would sell at once. Close "
            "does that."
        )
    age = f", {formats.span((now - row.marked_at).total_seconds())} old" if row.marked_at and row.bid else ""
    left = f"{formats.percent((wanted - row.bid) / row.bid)} from it" if row.bid else "not known"
    brings = dollars(wanted * row.quantity * row.multiplier)
    words = (
        f"Raises the stop of {row.quantity} × {title} from {price(row.stop_price)} to {price(wanted)}. "
        f"The bid is {price(row.bid)}{age}; the new stop is {left}. "
        f"Once it is hit they are sold at the market, for about {brings}. It cannot be lowered again."
    )
    return DangerQuestion(words, f"Raise to {price(wanted)}", (row.quantity, row.stop_price, row.state, wanted))


def _stop_typed(text: str) -> Decimal:
    try:
        return price_of(text)
    except PriceUnclear as unclear:
        raise Unaskable(f"Nothing was done: {unclear}.") from unclear


def _everything(connection: Connection, request: Request, target: str, now: datetime, typed: Typed) -> DangerQuestion:
    held = ask.open_positions(connection)
    entries = sum(order.purpose == Purpose.ENTRY.value for order in ask.live_orders(connection))
    contracts = sum(row.quantity for row in held)
    worth = sum(((row.bid or ZERO) * row.quantity * row.multiplier for row in held), ZERO)
    unknown = sum(row.bid is None for row in held)
    selling = (
        f"Sells {_count(contracts, 'contract')} in {_count(len(held), 'position')} at the market, about "
        f"{dollars(worth)} at the bids now{f' ({unknown} without a bid)' if unknown else ''}. "
        if held else "Nothing is held. "
    )  # fmt: skip
    words = f"{selling}{_count(entries, 'entry', 'entries')} working. {request.question}"
    return DangerQuestion(words, request.label, (contracts, len(held)), str(contracts) if contracts else "")


def _approve(
    connection: Connection, request: Request, target: str, now: datetime, typed: Typed
) -> DangerQuestion | None:
    row = ask.signal(connection, target)
    if row is None:
        return None
    title = key_words(row.contract_key, new_york_day(now))
    words = (
        f"Buys up to {row.quantity} × {title} at a limit of {price(row.limit_price)}: {dollars(row.notional)} "
        "of premium, all of which can be lost. Rules and margin are checked once more."
    )
    return DangerQuestion(words, f"Buy {row.quantity}", (row.quantity, row.limit_price, row.state))


def _resume(
    connection: Connection, request: Request, target: str, now: datetime, typed: Typed
) -> DangerQuestion | None:
    session = ask.session(connection)
    if session is None or session.state != "halted":
        return None
    tripped = [each for each in ask.breakers(connection) if each.state == BreakerState.TRIPPED.value]
    words = f"The session is halted: {session.hold_reason}. " if session.hold_reason else "The session is halted. "
    if tripped:
        words += f"Still over {_count(len(tripped), 'limit')}: {', '.join(each.id for each in tripped)}. "
    held = sum(row.quantity for row in ask.open_positions(connection))
    after_loss = held and any(each.id in LOSSES for each in tripped)
    facts = (session.held_at, tuple(each.id for each in tripped), held)
    return DangerQuestion(f"{words}Entries are allowed again.", "Lift the halt", facts, str(held) if after_loss else "")


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"


_Maker = Callable[[Connection, Request, str, datetime, Typed], DangerQuestion | None]
_QUESTIONS: Final[Mapping[RequestKind, _Maker]] = {
    RequestKind.CLOSE: _close,
    RequestKind.MOVE_STOP: _move_stop,
    RequestKind.FLATTEN: _everything,
    RequestKind.EMERGENCY: _everything,
    RequestKind.APPROVE: _approve,
    RequestKind.RESUME: _resume,
}


def may_be_asked(request: Request) -> bool:
    """Say whether a question may come before a request of this kind goes out."""
    return bool(request.question) or request.kind in _QUESTIONS
