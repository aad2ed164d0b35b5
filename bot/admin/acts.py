"""What is asked by a command, a button or an answer: the request, and what it would do before it goes out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection

from bot.admin.lookup import Hint, Unclear, one
from bot.alerts.ground import PeopleGround
from bot.domain.events.people import RequestKind
from bot.domain.order import Purpose
from bot.domain.quiet import HoursUnclear, hours_of
from bot.domain.requests import REQUESTS, Danger, Subject
from bot.domain.wording import NOTHING, dollars, key_words, price
from bot.store import read as ask
from bot.store.read.telegram import TelegramQuestion, asked_by_message

K = RequestKind
_REASON_LONGEST: Final = 200
_LINE, _LINES = 180, 60  # what a text of a request is cut into
_TERM: Final = re.compile(r"(qty|quantity|limit|stop)\s*[:=]?\s*(\S+)", re.IGNORECASE)
_NAMES: Final = {"qty": "quantity", "quantity": "quantity", "limit": "limit", "stop": "stop"}


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that somebody makes: kind and payload, as they go into `command`."""

    kind: RequestKind
    payload: Mapping[str, Any]

    @property
    def is_asked_back(self) -> bool:
        return REQUESTS[self.kind].danger is not Danger.CALM


@dataclass(frozen=True, slots=True)
class ActEffect:
    """What a request would do: in words, and the facts on which it was offered."""

    words: str
    facts: Any = None


# ---- from words to a request; each raises Unclear


def of_kind(kind: RequestKind) -> Callable[[Connection, PeopleGround, str], Ask]:
    """A request without an argument but a reason, where it takes one."""
    takes_reason = any(need.subject is Subject.REASON for need in REQUESTS[kind].needs)

    def make(connection: Connection, ground: PeopleGround, arguments: str) -> Ask:
        if arguments and not takes_reason:
            raise Unclear(f"{arguments[:40]!r}: this command takes nothing")
        return Ask(kind, {"reason": arguments[:_REASON_LONGEST]} if arguments else {})

    return make


def approve(connection: Connection, ground: PeopleGround, arguments: str) -> Ask:
    return Ask(K.APPROVE, {"signal_id": one(connection, Subject.SIGNAL, arguments).id})


def reject(connection: Connection, ground: PeopleGround, arguments: str) -> Ask:
    given, _, reason = arguments.partition(" ")
    signal = one(connection, Subject.SIGNAL, given)
    return Ask(K.REJECT, {"signal_id": signal.id} | ({"reason": reason.strip()[:_REASON_LONGEST]} if reason else {}))


def edit(connection: Connection, ground: PeopleGround, arguments: str) -> Ask:
    given, _, terms = arguments.partition(" ")
    return Ask(K.EDIT, {"signal_id": one(connection, Subject.SIGNAL, given).id, **terms_of(terms)})


def terms_of(text: str) -> dict[str, str]:
    """Return the terms of `qty 3 limit 2.40 stop 1.20`, in any order; raises Unclear for anything else in it."""
    found = {_NAMES[name.lower()]: value.rstrip(",;") for name, value in _TERM.findall(text)}
    left = _TERM.sub("", text).strip(" ,;")
    if left or not found:
        raise Unclear(f"{text[:60]!r} is no edit: write it like `qty 3 limit 2.40 stop 1.20`")
    return found


def resume(connection: Connection, ground: PeopleGround, arguments: str) -> Ask:
    if not arguments:
        return Ask(K.RESUME, {})
    symbol = arguments.upper()[:16]
    return Ask(K.RESUME_SYMBOL, {"symbol": symbol})


def close(connection: Connection, ground: PeopleGround, arguments: str) -> Ask:
    if arguments.lower() == "all":
        return Ask(K.FLATTEN, {})
    return Ask(K.CLOSE, {"position_id": one(connection, Subject.POSITION, arguments).id})


def cancel_order(connection: Connection, ground: PeopleGround, arguments: str) -> Ask:
    if arguments.lower() == "all":
        return Ask(K.CANCEL_ALL, {})
    return Ask(K.CANCEL_ORDER, {"order_id": one(connection, Subject.ORDER, arguments).id})


def switch(connection: Connection, ground: PeopleGround, arguments: str) -> Ask:
    name, _, to = arguments.partition(" ")
    if to.strip().lower() not in {"on", "shadow", "off"}:
        raise Unclear("Say a strategy and on, shadow or off: /strategies zero_dte_gamma off")
    return Ask(K.STRATEGY, {"strategy": name[:64], "to": to.strip().lower()})


def quiet(connection: Connection, ground: PeopleGround, arguments: str) -> Ask:
    """One's own quiet hours; whoever asks is who they are of."""
    try:
        hours_of(arguments)
    except HoursUnclear as unclear:
        raise Unclear(str(unclear)) from unclear
    return Ask(K.QUIET, {"to": arguments[:40]})


def acknowledge(connection: Connection, ground: PeopleGround, arguments: str) -> Ask:
    """The bot knows which alerts wait, and by which ends of their ids they are named."""
    return Ask(K.ACK, {"alert_id": arguments.split(maxsplit=1)[0][:64]})


def unacknowledge(connection: Connection, ground: PeopleGround, arguments: str) -> Ask:
    """The bot knows which alerts were acknowledged."""
    return Ask(K.UNACK, {"alert_id": (arguments.split(maxsplit=1) or [""])[0][:64]})


def ask_for_report(connection: Connection, ground: PeopleGround, arguments: str) -> Ask:
    """Draft the day's report, as /report shows it, and have it asked for."""
    from bot.admin.figures import day_report

    if arguments.lower() != "ask":
        raise Unclear("/report shows the day; /report ask drafts it and asks for its approval")
    day, text = day_report(connection)
    return Ask(K.REPORT_DRAFT, {"to": "day", "period": day.isoformat(), "text": lines_of(text)})


def lines_of(text: str) -> list[str]:
    """Return a text as a request carries it: lines, long ones in parts."""
    parts = [line[at : at + _LINE] for line in text.splitlines() for at in range(0, max(len(line), 1), _LINE)]
    return parts[:_LINES]


# ---- from a button or an answer


def of_button(connection: Connection, word: str, given: str) -> Ask | None:
    """Return what a button of a message asks; None for a word that is none of them."""
    approval, _, edits = given.partition(":")
    if word == "ack":
        return Ask(K.ACK, {"alert_id": given})
    if word in _OF_REPORTS:
        return _of_report_button(word, given)
    if word == "unack":
        return Ask(K.UNACK, {"alert_id": given})
    if word not in {"approve", "reject", "edit"}:
        return None
    signal = ask.signal_of_approval(connection, [approval]).get(approval)
    if signal is None:
        raise Unclear("This question is unknown: it may be from another store.")
    if word == "edit":
        raise Hint("Answer this message like `edit: qty 3 limit 2.40 stop 1.20`; what you leave out stays.")
    seen = {"seen": edits or "0"} if word == "approve" else {}
    return Ask(K(word), {"signal_id": signal, **seen})


_OF_REPORTS: Final = {"rapprove": K.REPORT_APPROVE, "rreject": K.REPORT_REJECT, "redit": K.REPORT_EDIT}


def _of_report_button(word: str, given: str) -> Ask:
    report, _, edits = given.partition(":")
    if word == "redit":
        raise Hint("Answer this message with `edit:` and the new text of the report.")
    return Ask(_OF_REPORTS[word], {"report_id": report} | ({"seen": edits or "0"} if word == "rapprove" else {}))


_ANSWERS: Final = re.compile(r"(✅|👍|approve|yes|❌|👎|reject|no|edit)\s*[:,]?\s*(.*)", re.IGNORECASE | re.DOTALL)
_YES: Final = frozenset({"✅", "👍", "approve", "yes"})


def question_of(connection: Connection, chat_id: int, message_id: int, button: str) -> TelegramQuestion | None:
    """Return what a message of ours asks: by the store, or by its first button where the store does not know under
    which number it arrived (its answer is on the way, or was lost). None for one that asks nothing."""
    found = asked_by_message(connection, f"{chat_id}:{message_id}")
    word, _, given = button.partition(":")
    if found is not None or not given:
        return found
    if word == "ack":
        return TelegramQuestion(alert_id=given)
    if word == "rapprove":
        report, _, shown = given.partition(":")
        return TelegramQuestion(edits=int(shown) if shown.isdigit() else 0, report_id=report)
    approval, _, edits = given.partition(":")
    signal = ask.signal_of_approval(connection, [approval]).get(approval) if word == "approve" else None
    return TelegramQuestion(signal, int(edits) if edits.isdigit() else 0) if signal else None


def of_answer(about: TelegramQuestion | None, text: str) -> Ask:
    """Return what an answer to a question asks."""
    if about is None:
        raise Unclear("That message asks nothing. /help shows what I understand.")
    if about.alert_id:
        return _of_alert(about.alert_id, text)
    found = _ANSWERS.fullmatch(text.strip())
    if about.report_id:
        return _of_report(about, found)
    if found is None:
        raise Unclear("Answer with ✅ or approve, ❌ or reject [why], or edit: qty 3 limit 2.40 stop 1.20")
    word, rest = found[1].lower(), found[2].strip()
    if word in _YES:
        if rest:
            raise Unclear(f"{rest[:40]!r}: an approval takes nothing more. To change terms: edit: qty 3")
        return Ask(K.APPROVE, {"signal_id": about.signal_id, "seen": str(about.edits)})
    if word == "edit":
        return Ask(K.EDIT, {"signal_id": about.signal_id, **terms_of(rest)})
    return Ask(K.REJECT, {"signal_id": about.signal_id} | ({"reason": rest[:_REASON_LONGEST]} if rest else {}))


def _of_report(about: TelegramQuestion, found: re.Match[str] | None) -> Ask:
    if found is None:
        raise Unclear("Answer with ✅ or approve, ❌ or reject [why], or edit: and the new text")
    word, rest, report = found[1].lower(), found[2].strip(), {"report_id": about.report_id}
    if word == "edit":
        return Ask(K.REPORT_EDIT, report | {"text": lines_of(rest)})
    if word in _YES:
        if rest:
            raise Unclear(f"{rest[:40]!r}: an approval takes nothing more. To change the text: edit: and the new one")
        return Ask(K.REPORT_APPROVE, report | {"seen": str(about.edits)})
    return Ask(K.REPORT_REJECT, report | ({"reason": rest[:_REASON_LONGEST]} if rest else {}))


def _of_alert(alert_id: str, text: str) -> Ask:
    if text.strip().lower() not in {"✅", "👍", "ack", "acknowledge", "ok"}:
        raise Unclear("Answer an alert with ✅ or ack to acknowledge it.")
    return Ask(K.ACK, {"alert_id": alert_id})


# ---- what it would do


def effect_of(connection: Connection, asked: Ask) -> ActEffect:
    """Return what a request would do now; raises Unclear where its thing is gone."""
    make = _EFFECTS.get(asked.kind)
    return make(connection, asked) if make is not None else ActEffect(REQUESTS[asked.kind].question)


def _close(connection: Connection, asked: Ask) -> ActEffect:
    row = one(connection, Subject.POSITION, asked.payload["position_id"])
    return ActEffect(f"Sell at the market?\n{_sale(row)}", (row.id, row.quantity, row.state))


def _flatten(connection: Connection, asked: Ask) -> ActEffect:
    rows, entries = ask.open_positions(connection), _entries(connection)
    lines = [_sale(row) for row in rows] or ["no position is open"]
    worth = sum(((row.bid or Decimal(0)) * row.quantity * row.multiplier for row in rows), Decimal(0))
    lines += [f"{len(entries)} entries called off, {dollars(worth)} at the bids, entries paused until resume"]
    facts = (tuple((row.id, row.quantity) for row in rows), tuple(row.id for row in entries))
    return ActEffect("\n".join(["Sell everything at the market?", *lines]), facts)


def _sale(row: Any) -> str:
    worth = None if row.bid is None else row.bid * row.quantity * row.multiplier
    return f"{row.quantity} × {key_words(row.contract_key)}, bid {price(row.bid)}, about {dollars(worth)}"


def _cancel_order(connection: Connection, asked: Ask) -> ActEffect:
    row = one(connection, Subject.ORDER, asked.payload["order_id"])
    left = row.quantity - row.filled_quantity
    limit = NOTHING if row.limit_price is None else price(row.limit_price)
    words = f"Take this order back?\n{row.purpose} {row.side} {left} × {key_words(row.contract_key)}, limit {limit}"
    return ActEffect(words, (row.id, row.filled_quantity, row.state))


def _cancel_all(connection: Connection, asked: Ask) -> ActEffect:
    rows = _entries(connection)
    lines = [f"{row.quantity - row.filled_quantity} × {key_words(row.contract_key)}" for row in rows] or ["none lives"]
    return ActEffect("\n".join(["Take every entry order back?", *lines]), tuple(row.id for row in rows))


def _entries(connection: Connection) -> list[Any]:
    return [row for row in ask.live_orders(connection) if row.purpose == Purpose.ENTRY.value]


_EFFECTS: Final[Mapping[RequestKind, Callable[[Connection, Ask], ActEffect]]] = MappingProxyType(
    {K.CLOSE: _close, K.FLATTEN: _flatten, K.CANCEL_ORDER: _cancel_order, K.CANCEL_ALL: _cancel_all}
)
